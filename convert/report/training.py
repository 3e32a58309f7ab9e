"""The results of a training run as text, and as one HTML page with the worst mistakes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from convert.report.confusion import (
    LARGEST_MATRIX,
    MOST_CONFUSIONS,
    ConfusionTable,
    confusion_table,
    frequent_confusions,
)
from convert.report.environment import report_environment
from convert.report.mistakes import Mistake, mistake_thumbnail
from convert.report.tables import Table
from convert.report.text import percent
from minivgg_edge.cli.terminal import printable
from minivgg_edge.metrics import wilson_interval

_FAMILIAR = "of groups that were trained on: what a random split would report"
_GROUPED = "of groups that were not trained on"
_TORN = "of groups, {} of which stand in two parts: this looks better than it is"


def result_lines(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how good the model is on each part, one line each.

    Args:
        record: what `convert.training.results.write_results` returned.
    """
    lines = []
    for role, result in record["results"].items():
        meaning = _meaning(role, record)
        tail = f" {meaning}" if meaning else ""
        lines.append(f"{role}: {result['accuracy']:.2%} of {result['count']} pictures{tail}")
    return tuple(lines)


def training_page(record: Mapping[str, Any], mistakes: Sequence[Mistake], curves_svg: bytes) -> str:
    """Return the page about a run as an HTML document without scripts; every name is escaped.

    Args:
        record: content of `training.json`.
        mistakes: on validation pictures; those on test pictures are not for looking at.
        curves_svg: loss and accuracy over the epochs.
    """
    validation = record["results"]["validation"]
    labels = tuple(printable(label) for label in record["labels"])
    small = len(labels) <= LARGEST_MATRIX
    return (
        report_environment()
        .get_template("training.html.j2")
        .render(
            name=record["name"],
            data=printable(record["data"]["name"]),
            accuracy=_accuracy_table(record),
            facts=_facts_table(record),
            per_class=_class_table(validation),
            matrix=_matrix(validation, labels) if small else None,
            confusions=_confusions_table(validation, labels),
            mistakes=[(mistake, mistake_thumbnail(mistake)) for mistake in mistakes],
            printable=printable,
            curves=base64.b64encode(curves_svg).decode("ascii"),
        )
    )


def _meaning(role: str, record: Mapping[str, Any]) -> str:
    if role == "familiar":
        return _FAMILIAR
    choices = record["choices"]
    if not choices.get("groups") or role in choices.get("placed", ()):
        return ""
    # Of a record from before it was counted, nothing is known.
    return _TORN.format(choices["torn"]) if choices.get("torn") else _GROUPED


def _accuracy_table(record: Mapping[str, Any]) -> Table:
    rows = []
    for role, result in record["results"].items():
        interval = wilson_interval(round(result["accuracy"] * result["count"]), result["count"])
        rows.append(
            (
                role,
                _meaning(role, record) or "single pictures",
                f"{result['count']:,}",
                percent(result["accuracy"]),
                f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %",
                percent(result["balanced_accuracy"]),
            )
        )
    columns = ("part", "pictures", "count", "accuracy", "95 % Wilson interval", "mean of classes")
    return Table("Accuracy, float32", columns, tuple(rows), frozenset({0, 1}))


def _facts_table(record: Mapping[str, Any]) -> Table:
    recipe, size = record["recipe"], record["choices"].get("size", {})
    blocks = " | ".join(",".join(map(str, widths)) for widths in record["architecture"]["blocks"])
    weights = recipe["class_weights"]
    init = record.get("init")
    rows = [
        ("input", f"{size['side']} x {size['side']}: {size['reason']}") if size else None,
        ("convolutions", f"{blocks}, head {record['architecture']['head']}"),
        ("start", f"{len(init['layers'])} layers of {init['source']}" if init else "random"),
        ("class weights", f"{min(weights):.2f} to {max(weights):.2f}" if weights else "none"),
        ("epochs", f"{len(record['history'])} of at most {recipe['epochs']}"),
        ("kept", _kept(record)),
        ("parameters", f"{record['parameters']:,}"),
        ("precision of the steps", recipe["precision"]),
    ]
    found = tuple(row for row in rows if row is not None)
    return Table("The run", ("what", "value"), found, frozenset({0, 1}))


def _kept(record: Mapping[str, Any]) -> str:
    recipe, epoch = record["recipe"], record["kept_epoch"]
    behind = f"average of the weights behind epoch {epoch}"
    # A record may be of a run from before these options.
    share, clear = recipe.get("clear_share", 1.0), recipe.get("clear_epochs", 0)
    start = recipe["epochs"] - clear
    if share < 1.0 and epoch > start:
        behind = f"{share:g} of the way from the average behind epoch {start} to the {behind}"
    of_init = record["choices"].get("init_share", 1.0)
    if of_init < 1.0:
        return f"{of_init:g} of the way from the start to what the run came to: {behind}"
    return behind


def _class_table(result: Mapping[str, Any]) -> Table:
    counts = [sum(row) for row in result["confusion"]]
    rows = tuple(
        (printable(name), f"{count:,}", percent(share))
        for (name, share), count in zip(result["per_class"].items(), counts, strict=True)
    )
    return Table("Classes, validation pictures", ("class", "pictures", "accuracy"), rows)


def _confusions_table(result: Mapping[str, Any], labels: Sequence[str]) -> Table:
    rows = tuple(
        (labels[truth], labels[answer], f"{count:,}")
        for truth, answer, count in frequent_confusions(result["confusion"])[:MOST_CONFUSIONS]
    )
    columns = ("truth", "answer", "pictures")
    return Table("Most frequent mistakes", columns, rows, frozenset({0, 1}))


def _matrix(result: Mapping[str, Any], labels: tuple[str, ...]) -> ConfusionTable:
    return confusion_table(
        f"Validation: {percent(result['accuracy'])}", labels, result["confusion"]
    )
