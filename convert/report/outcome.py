"""The page about a run from a folder of pictures to a wheel."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from convert.int8.comparison_json import comparison_json
from convert.pipeline.outcome import Outcome
from convert.report.confusion import (
    LARGEST_MATRIX,
    MOST_CONFUSIONS,
    ConfusionTable,
    confusion_table,
    frequent_confusions,
)
from convert.report.environment import report_environment
from convert.report.headline import Tile
from convert.report.mistakes import mistake_thumbnail
from convert.report.tables import Table
from convert.report.text import percent, size
from minivgg_edge.cli.terminal import printable
from minivgg_edge.metrics import wilson_interval

_VERDICTS = {
    "pass": "The compiled model is as good as the float one, within what is allowed",
    "fail": "REFUSED: the compiled model is worse than is allowed; there is no wheel of it",
    "not-enough": "There are too few pictures to be sure about the compiled model",
}


def outcome_page(outcome: Outcome) -> str:
    """Return the page as an HTML document without scripts; every name is escaped."""
    comparisons = outcome.quantization["comparisons"]
    shown = comparisons[-1]  # test pictures, where there are any
    curves = base64.b64encode(outcome.curves_svg).decode("ascii")
    return (
        report_environment()
        .get_template("outcome.html.j2")
        .render(
            outcome=outcome,
            quantization_page=outcome.quantization_page,
            tiles=_tiles(outcome, shown),
            verdict=_VERDICTS[outcome.quantization["verdict"]["status"]],
            refused=outcome.quantization["verdict"]["status"] == "fail",
            accuracy=_accuracy_table(outcome),
            per_class=_class_table(shown),
            confusion=_matrix(shown) if len(shown["per_class"]) <= LARGEST_MATRIX else None,
            confusions=_confusions_table(shown),
            mistakes=[(mistake, mistake_thumbnail(mistake)) for mistake in outcome.mistakes],
            findings=outcome.scan["findings"],
            split=_split_table(outcome),
            training=_training_table(outcome.training),
            curves=curves,
            files=_files_table(outcome),
        )
    )


def _tiles(outcome: Outcome, shown: Mapping[str, Any]) -> tuple[Tile, ...]:
    count = f"{shown['split']}, {shown['count']:,} pictures"
    tiles = [
        Tile(
            "Accuracy, int8",
            percent(shown["target_top1"]),
            f"{_kind(outcome, shown['split'])}; {count}",
        ),
        Tile("Accuracy, float32", percent(shown["float_top1"]), "on the same pictures"),
    ]
    if outcome.familiar is not None:
        below = "int8, what a random split would report"
        tiles.append(Tile("Familiar subjects", percent(outcome.familiar.target_top1), below))
    for file in outcome.files:
        if file.path == f"{outcome.name}.tflite":
            tiles.append(Tile("Model file", size(file.size_bytes), f"SHA-256 {file.sha256[:12]}…"))
    return tuple(tiles)


def _kind(outcome: Outcome, role: str) -> str:
    splits = outcome.splits
    if not splits.groups or role in splits.placed:
        return "single pictures"
    if splits.torn:
        return f"groups, {splits.torn:,} of which stand in two parts, which looks better than it is"
    return "groups that were not trained on"


def _accuracy_table(outcome: Outcome) -> Table:
    rows = [
        _accuracy_row(f"{found['split']}: {_kind(outcome, found['split'])}", found)
        for found in outcome.quantization["comparisons"]
    ]
    note = (
        "Drop: float minus int8, with its 95 % interval; same answer: both give the same label, "
        "right or wrong. The gate decides by the validation pictures; nothing was decided by the "
        "test pictures."
    )
    if outcome.familiar is not None:
        found = comparison_json(outcome.familiar)
        rows.append(_accuracy_row("familiar: other pictures of trained groups", found))
        note += (
            " What a new subject, place or day will see is the accuracy on groups that were not "
            "trained on; that on familiar pictures is what a random split would have reported."
        )
    columns = (
        "pictures",
        "count",
        "float32",
        "int8",
        "int8, 95 % interval",
        "drop, points",
        "same answer",
    )
    return Table("Accuracy", columns, tuple(rows), note=note)


def _accuracy_row(title: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    count, right = found["count"], round(found["target_top1"] * found["count"])
    interval = wilson_interval(right, count)
    low, high = found["drop_interval"]
    return (
        title,
        f"{count:,}",
        percent(found["float_top1"]),
        percent(found["target_top1"]),
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %",
        f"{100 * found['drop']:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]",
        percent(found["agreement"]),
    )


def _class_table(shown: Mapping[str, Any]) -> Table:
    rows = [
        (
            printable(entry["label"]),
            f"{entry['count']:,}",
            percent(entry["float"]),
            percent(entry["target"]),
        )
        for entry in shown["per_class"]
    ]
    columns = ("class", "pictures", "float32", "int8")
    return Table(f"Accuracy per class, {shown['split']} pictures", columns, tuple(rows))


def _matrix(shown: Mapping[str, Any]) -> ConfusionTable:
    labels = tuple(printable(entry["label"]) for entry in shown["per_class"])
    return confusion_table(f"int8, {shown['split']} pictures", labels, shown["target_confusion"])


def _confusions_table(shown: Mapping[str, Any]) -> Table | None:
    found = frequent_confusions(shown["target_confusion"])[:MOST_CONFUSIONS]
    labels = [printable(entry["label"]) for entry in shown["per_class"]]
    rows = tuple((labels[truth], labels[answer], str(count)) for truth, answer, count in found)
    title = f"The most frequent mistakes of int8, {shown['split']} pictures"
    columns = ("class", "answered as", "pictures")
    return Table(title, columns, rows, frozenset({0, 1})) if rows else None


def _split_table(outcome: Outcome) -> Table:
    splits = outcome.splits
    sets = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    sets["familiar"] = splits.familiar
    present = {name: pictures for name, pictures in sets.items() if pictures is not None}
    counts = {name: pictures.counts() for name, pictures in present.items()}
    rows = [
        (printable(label), *(f"{counts[name][label]:,}" for name in present))
        for label in splits.train.class_names
    ]
    rows.append(("all", *(f"{len(pictures):,}" for pictures in present.values())))
    note = f"{splits.groups:,} groups of pictures stay together. " if splits.groups else ""
    note += (
        f"{len(splits.skipped):,} pictures were left out. The split is kept in split.json: "
        "pictures that are added move no other one."
    )
    return Table("The split", ("class", *present), tuple(rows), note=note)


def _training_table(training: Mapping[str, Any]) -> Table:
    recipe, architecture = training["recipe"], training["architecture"]
    values = {
        "input": f"{architecture['width']} x {architecture['height']} pixels, "
        f"crop: {training['crop']}",
        "blocks": " | ".join(", ".join(map(str, block)) for block in architecture["blocks"]),
        "last layers": architecture["head"],
        "parameters": f"{training['parameters']:,}",
        "epochs": f"{len(training['history'])} of {recipe['epochs']}",
        "pictures per step": str(recipe["batch_size"]),
        "seed": str(recipe["seed"]),
    }
    rows = tuple((name, str(value)) for name, value in values.items())
    return Table("The training", ("", ""), rows, frozenset({0, 1}))


def _files_table(outcome: Outcome) -> Table | None:
    rows = tuple((file.path, size(file.size_bytes), file.sha256) for file in outcome.files)
    columns = ("file", "size", "SHA-256")
    return Table("Files", columns, rows, frozenset({0, 2})) if rows else None
