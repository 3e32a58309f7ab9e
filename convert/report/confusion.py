"""Confusion matrices with a shade for each count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convert.report.answers_results import Answers, ModelAnswers
from convert.report.text import percent


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
    matrices = [model.confusion for _, model in models]
    right = max(m[i][i] for m in matrices for i in range(len(m)))
    wrong = max(
        (x for m in matrices for i, row in enumerate(m) for j, x in enumerate(row) if i != j),
        default=0,
    )
    first, second = (_table(name, model, answers, right, wrong) for name, model in models)
    return first, second


def _table(
    name: str, model: ModelAnswers, answers: Answers, right: int, wrong: int
) -> ConfusionTable:
    caption = f"{name}: {percent(model.top1)} of {answers.count:,}"
    rows = tuple(_row(row, index, right, wrong) for index, row in enumerate(model.confusion))
    return ConfusionTable(caption, answers.labels, rows)


def _row(row: Sequence[int], index: int, right: int, wrong: int) -> tuple[Cell, ...]:
    cells = []
    for column, count in enumerate(row):
        largest = right if column == index else wrong
        # Mistakes are few next to right answers, and most are small: the root tells them apart.
        heat = round(100 * math.sqrt(count / largest)) if largest else 0
        cells.append(Cell(count, heat, column == index))
    return tuple(cells)
