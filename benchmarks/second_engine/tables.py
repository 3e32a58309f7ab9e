"""What the examination of both engines found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.arm.files import FileCost
from benchmarks.second_engine.examination import FLOAT, MAIN, SECOND, Examination
from convert.report.tables import Table
from convert.report.text import millions, percent, probability, size

# Engines that differ by rounding only still change the answer to a picture that is undecided.
LEAST_AGREEMENT = 0.999


def models_table(found: Examination, costs: Mapping[str, Mapping[str, FileCost]]) -> Table:
    """Each model with its accuracy, its agreement and its cost.

    Args:
        found: by both engines.
        costs: by board's title and model's title.
    """
    columns = ["model", "flatbuffer"]
    for split in found.counts:
        columns += [f"top-1, {split}", f"as float32, {split}", f"as main, {split}"]
        columns.append(f"p, {split}")
    columns += ["largest difference of a score", *(f"{board}, M instructions" for board in costs)]
    rows = []
    for title, model in found.models.items():
        row = [title, size(len(model))]
        for answers in found.answers[title].values():
            row += [percent(answers.top1), percent(answers.with_float), percent(answers.with_main)]
            row.append(probability(answers.p_value))
        steps = [x.largest_steps or 0 for x in found.answers[title].values()]
        row.append("-" if title in (FLOAT, MAIN) else f"{max(steps)} of 256")
        row += [millions(of_board[title].instructions) for of_board in costs.values()]
        rows.append(tuple(row))
    pictures = ", ".join(f"{count:,} {split}" for split, count in found.counts.items())
    note = (
        f"{pictures} pictures; main is {MAIN}; p: exact McNemar test of no difference in accuracy "
        "from main. The second engine gets the ranges that the main one measured, or measures "
        f"lowest and highest values itself: those differ by at most {found.ranges:.1g} of a range."
    )
    return Table("Two engines, one model", tuple(columns), tuple(rows), note=note)


def layers_table(found: Examination) -> Table:
    """Each layer's scales, weights and biases in both graphs."""
    rows = tuple(
        (
            f"{layer.number} {layer.operator}",
            f"{layer.output_scale:.1g}",
            str(layer.zero_point),
            f"{layer.weight_scale:.1g}",
            percent(layer.moved_weights, 4),
            str(layer.weight_codes),
            str(layer.bias_codes),
            "; ".join(layer.faults) or ("rounding" if layer.rounded else "equal"),
        )
        for layer in found.layers
    )
    columns = (
        *("layer", "output scale, relative", "zero point", "weight scale, relative"),
        *("weights with another code", "by codes", "bias, codes", "verdict"),
    )
    note = f"Largest differences between {MAIN} and {SECOND}."
    return Table("Layer by layer", columns, rows, frozenset({0, 7}), note)


def failures(found: Examination, costs: Mapping[str, Mapping[str, FileCost]]) -> Sequence[str]:
    """Return one sentence for each difference that rounding does not explain."""
    sentences = [
        f"layer {layer.number}, {layer.operator}: the engines differ in {fault}"
        for layer in found.layers
        for fault in layer.faults
    ]
    for title, splits in found.answers.items():
        for split, answers in splits.items():
            if title != FLOAT and answers.with_main < LEAST_AGREEMENT:
                sentences.append(
                    f"{title}: expected the main engine's answer to at least "
                    f"{percent(LEAST_AGREEMENT)} of the {split} pictures, "
                    f"got {percent(answers.with_main)}"
                )
    for board, of_board in costs.items():
        main, second = (of_board[title].instructions for title in (MAIN, SECOND))
        if abs(second / main - 1.0) > 0.01:
            sentences.append(f"{board}: expected {main:,} instructions, got {second:,}")
    return sentences
