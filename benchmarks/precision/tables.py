"""What the examination of the precisions found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.precision.examination import Examination
from benchmarks.precision.places import Place
from benchmarks.precision.unmarked import NAME as UNMARKED
from convert.precision.contents import read_contents
from convert.precision.kinds import DEFAULT, KINDS
from convert.report.sources import NOT_AN_ARM_TIME
from convert.report.tables import Table
from convert.report.text import millions, percent, probability, size, times


def cost_table(found: Examination) -> Table:
    """Accuracy, size and cost of each precision."""
    first = next(iter(found.compiled.values()))
    columns = ["precision", "file"]
    for comparison in first.comparisons:
        split = comparison.split
        columns += [f"top-1, {split}", f"drop, points, {split}", f"agreement, {split}"]
        columns.append(f"p, {split}")
    columns += [f"{board}, M instructions" for board in found.costs]
    columns.append("x86-64 time, ratio")
    rows = []
    for name, compiled in found.compiled.items():
        row = [name, size(len(compiled.int8_file))]
        for c in compiled.comparisons:
            row += [percent(c.target_top1), f"{100 * c.drop:+.2f}", percent(c.agreement)]
            row.append(probability(c.p_value))
        row += [millions(of_board[name].instructions) for of_board in found.costs.values()]
        row.append(times(found.median_ms[name] / found.median_ms[DEFAULT]))
        rows.append(tuple(row))
    pictures = ", ".join(f"{c.count:,} {c.split}" for c in first.comparisons)
    note = (
        f"{pictures} pictures; drop and agreement against the float model; p: exact McNemar test "
        "of no difference. Times are medians of inferences timed in turn in one process, one "
        f"thread; {NOT_AN_ARM_TIME}. Nothing is chosen by test pictures.{found.disturbed}"
    )
    return Table(
        "Accuracy, size and cost of each precision", tuple(columns), tuple(rows), note=note
    )


def contents_table(found: Examination) -> Table:
    """What is in each precision, and when to choose it."""
    rows = tuple(
        (
            name,
            KINDS[name].explanation,
            read_contents(found.flatbuffers[name]).sentence,
            compiled.audit.minimum_runtime,
            KINDS[name].choose_when,
        )
        for name, compiled in found.compiled.items()
    )
    columns = ("precision", "what it is", "what the graph says", "needs TensorFlow Lite", "choose")
    return Table("What each precision is", columns, rows, frozenset({0, 1, 2, 4}))


def places_table(found: Examination) -> Table:
    """Where each model runs, bare and as a compiled file."""
    columns = ["model"]
    for runtime in found.places:
        columns += [f"{runtime}, bare", f"{runtime}, compiled file"]
    rows = []
    for name in found.flatbuffers:
        row = [name]
        for of_runtime in found.places.values():
            row += [_bare(of_runtime[name]), _compiled(of_runtime[name], name)]
        rows.append(tuple(row))
    note = (
        f"{found.pictures} validation pictures: agreement with the labels on this machine. Bare "
        "models have no manifest that could refuse them: a runtime without a kernel for a model "
        "has to notice by itself. A compiled file states what it needs, and is refused before the "
        f"runtime sees it. '{UNMARKED}' is no precision of this project but what a converter "
        "writes that leaves the operators' versions as they were."
    )
    every = frozenset(range(len(columns)))
    return Table("Where each precision runs", tuple(columns), tuple(rows), every, note)


def _bare(place: Place) -> str:
    if place.bare is not None:
        return "refused"
    share = percent(place.agreement)
    return f"right, {share}" if place.is_right else f"WRONG without a word, {share}"


def _compiled(place: Place, name: str) -> str:
    if name not in KINDS:
        return "-"
    return "runs" if place.compiled is None else "refused"


def failures(found: Examination) -> Sequence[str]:
    """Return one sentence for each model that a runtime gets and answers wrongly, or should run."""
    sentences = []
    for runtime, of_runtime in found.places.items():
        for name in found.compiled:
            place = of_runtime[name]
            if place.compiled is None and not place.is_right:
                reason = place.bare or f"{percent(place.agreement)} agreement"
                sentences.append(f"{name} on {runtime}: expected a refusal by its file: {reason}")
            if place.compiled is not None and place.is_right:
                sentences.append(f"{name} on {runtime}: it would run, but its file is refused")
    for name, compiled in found.compiled.items():
        if compiled.verdict.status == "fail":
            sentences.append(f"{name}: {compiled.verdict.reason}")
        if read_contents(found.flatbuffers[name]).is_int8 != (name == DEFAULT):
            sentences.append(f"{name}: {read_contents(found.flatbuffers[name]).sentence}")
    return sentences
