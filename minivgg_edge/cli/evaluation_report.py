"""The result of an evaluation as a report for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from minivgg_edge import metrics
from minivgg_edge.cli.evaluation import Evaluation
from minivgg_edge.cli.terminal import percent, printable, table

_WIDEST_MATRIX = 20  # classes; a wider matrix does not fit a terminal, its largest entries do
_CONFUSIONS = 20


def to_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the report for a person."""
    confusion = evaluation.confusion()
    rows = [*_header(evaluation), *_summary(evaluation, confusion), *_left_out(evaluation)]
    yield from table(rows, "ll")
    yield ""
    yield from _class_table(evaluation.labels, confusion)
    yield ""
    yield from _confusions(evaluation.labels, confusion)


def _header(evaluation: Evaluation) -> list[tuple[str, str]]:
    rows = [(name.replace("_", " "), printable(value)) for name, value in evaluation.header]
    if not evaluation.is_verified:
        rows.append(("verified", "no: labels and pixels mean what the command line says of them"))
    return rows


def _summary(evaluation: Evaluation, confusion: npt.NDArray[np.int64]) -> list[tuple[str, str]]:
    count, right = int(confusion.sum()), int(np.trace(confusion))
    present = int((confusion.sum(axis=1) > 0).sum())
    threads = "1 thread" if evaluation.num_threads == 1 else f"{evaluation.num_threads} threads"
    return [
        ("pictures", f"{count:,} in {present} classes"),
        (
            "accuracy",
            f"{percent(metrics.accuracy(confusion), 2)} ({right:,} right), "
            f"95 % interval {_range(right, count)} (Wilson)",
        ),
        (
            "balanced accuracy",
            f"{percent(metrics.balanced_accuracy(confusion), 2)} (mean recall of the classes)",
        ),
        (
            "time",
            f"{evaluation.mean_ms:.2f} ms per picture (mean of read, decode, resize and run "
            f"the model; {threads})",
        ),
    ]


def _left_out(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if evaluation.unreadable:
        yield "unreadable", f"{len(evaluation.unreadable):,}, counted nowhere above"
    if evaluation.missing:
        yield "missing labels", ", ".join(printable(label) for label in evaluation.missing)
    if evaluation.skipped:
        note = "no pictures by their ending, in no class folder, or links to folders"
        yield "skipped files", f"{evaluation.skipped:,} ({note})"


def _class_table(labels: Sequence[str], confusion: npt.NDArray[np.int64]) -> list[str]:
    recall, precision = metrics.recall(confusion), metrics.precision(confusion)
    f1 = metrics.f1_score(confusion)
    rows = [("class", "pictures", "right", "recall", "95 % interval", "precision", "F1")]
    for i, label in enumerate(labels):
        count, right = int(confusion[i].sum()), int(confusion[i, i])
        rows.append(
            (
                printable(label),
                f"{count:,}",
                f"{right:,}",
                percent(recall[i]),
                _range(right, count, 1),
                percent(precision[i]),
                percent(f1[i]),
            )
        )
    return table(rows, "lrrrrrr")


def _confusions(labels: Sequence[str], confusion: npt.NDArray[np.int64]) -> list[str]:
    if len(labels) <= _WIDEST_MATRIX:
        head = ["", "", *(str(i) for i in range(len(labels)))]
        rows = [
            [str(i), printable(label), *map(str, confusion[i].tolist())]
            for i, label in enumerate(labels)
        ]
        title = "confusion matrix, pictures: rows are the true class, columns the answer"
        return [title, *table([head, *rows], "rl" + "r" * len(labels))]
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [divmod(int(flat), len(labels)) for flat in order]
    rows = [
        [str(wrong[t, p]), printable(labels[t]), printable(labels[p])]
        for t, p in pairs
        if wrong[t, p]
    ]
    title = "most frequent confusions (--json has the whole matrix)"
    return [title, *table([["pictures", "true class", "answer"], *rows], "rll")]


def _range(right: int, count: int, digits: int = 2) -> str:
    if not count:
        return "-"
    interval = metrics.wilson_interval(right, count)
    return f"{100 * interval.low:.{digits}f} to {percent(interval.high, digits)}"
