"""Confusion matrices with a shade for each count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convert.report.answers_results import Answers
from convert.report.text import percent

# A matrix of more classes says less than the list of its most frequent mistakes.
LARGEST_MATRIX = 30
MOST_CONFUSIONS = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One count; `heat` is 0-100 among its own kind, right answers or wrong ones."""

    count: int
    heat: int
    right: bool


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """One model's matrix, rows are the true class."""

    caption: str
    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def confusion_tables(answers: Answers) -> tuple[ConfusionTable, ConfusionTable]:
    """Return the float and the int8 model's matrix, shaded on one scale."""
    models = (("float32", answers.float32), ("int8", answers.int8))
    largest = [_largest(model.confusion) for _, model in models]
    right, wrong = (max(counts) for counts in zip(*largest, strict=True))
    first, second = (
        _shaded(
            f"{name}: {percent(model.top1)} of {answers.count:,}",
            answers.labels,
            model.confusion,
            right,
            wrong,
        )
        for name, model in models
    )
    return first, second


def confusion_table(
    caption: str, labels: tuple[str, ...], counts: Sequence[Sequence[int]]
) -> ConfusionTable:
    """Return one model's matrix.

    Args:
        caption: what the matrix is.
        labels: of the classes.
        counts: answers by true class and answered class.
    """
    return _shaded(caption, labels, counts, *_largest(counts))


def frequent_confusions(counts: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Return true class, answer and count of every mistake made, the most frequent first."""
    found = [
        (truth, answer, count)
        for truth, row in enumerate(counts)
        for answer, count in enumerate(row)
        if count and truth != answer
    ]
    return sorted(found, key=lambda mistake: -mistake[2])


def _largest(counts: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Return the largest count of right answers, and of one kind of mistake."""
    right = max(counts[i][i] for i in range(len(counts)))
    return right, max((count for *_, count in frequent_confusions(counts)), default=0)


def _shaded(
    caption: str, labels: tuple[str, ...], counts: Sequence[Sequence[int]], right: int, wrong: int
) -> ConfusionTable:
    rows = tuple(_row(row, index, right, wrong) for index, row in enumerate(counts))
    return ConfusionTable(caption, labels, rows)


def _row(row: Sequence[int], index: int, right: int, wrong: int) -> tuple[Cell, ...]:
    cells = []
    for column, count in enumerate(row):
        largest = right if column == index else wrong
        # Mistakes are few next to right answers, and most are small: the root tells them apart.
        heat = round(100 * math.sqrt(count / largest)) if largest else 0
        cells.append(Cell(count, heat, column == index))
    return tuple(cells)
