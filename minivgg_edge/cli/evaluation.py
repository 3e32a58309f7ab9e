"""The result of an evaluation, and its forms for programs: JSON and CSV."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minivgg_edge import metrics


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one picture.

    Attributes:
        name: The picture's path relative to the evaluated folder.
        true: Index of its class.
        predicted: Index of the label with the highest score; None if it could not be read.
        score: That score, 0-1; None if it could not be read.
        error: Why it could not be read, else None.
    """

    name: str
    true: int
    predicted: int | None
    score: float | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All answers to one folder.

    Attributes:
        labels: The model's labels.
        answers: One per picture, in the order of the folder.
        missing: Labels that had no folder.
        skipped: Number of files and links that `ClassFolders` counts so.
        mean_ms: Mean time of a picture that could be read: read, decode, resize, run.
        num_threads: Threads of the runtime.
        header: What was evaluated, as name and value, e.g. ("model", "minivgg").
        is_verified: Whether the model is a compiled one, of which every byte was checked.
    """

    labels: tuple[str, ...]
    answers: tuple[Answer, ...]
    missing: tuple[str, ...]
    skipped: int
    mean_ms: float
    num_threads: int
    header: tuple[tuple[str, str], ...]
    is_verified: bool = True

    @property
    def unreadable(self) -> tuple[Answer, ...]:
        """The pictures that could not be read and count nowhere."""
        return tuple(answer for answer in self.answers if answer.predicted is None)

    def confusion(self) -> npt.NDArray[np.int64]:
        """Return int64 (C, C): rows the true class, columns the answer."""
        counted = [(a.true, a.predicted) for a in self.answers if a.predicted is not None]
        true = [pair[0] for pair in counted]
        predicted = [pair[1] for pair in counted]
        return metrics.confusion_matrix(true, predicted, len(self.labels))


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as a JSON object; a figure that does not exist is None."""
    confusion = evaluation.confusion()
    counts, right = confusion.sum(axis=1), np.diagonal(confusion)
    columns = (metrics.recall(confusion), metrics.precision(confusion), metrics.f1_score(confusion))
    count, correct = int(counts.sum()), int(right.sum())
    return {
        **dict(evaluation.header),
        "verified": evaluation.is_verified,
        "pictures": count,
        "correct": correct,
        "accuracy": metrics.accuracy(confusion),
        "accuracy_interval": _interval(correct, count),
        "balanced_accuracy": metrics.balanced_accuracy(confusion),
        "mean_ms": round(evaluation.mean_ms, 3),
        "num_threads": evaluation.num_threads,
        "classes": [
            {
                "label": label,
                "index": i,
                "pictures": int(counts[i]),
                "correct": int(right[i]),
                **dict(
                    zip(
                        ("recall", "precision", "f1"), (_finite(c[i]) for c in columns), strict=True
                    )
                ),
                "recall_interval": _interval(int(right[i]), int(counts[i])),
            }
            for i, label in enumerate(evaluation.labels)
        ],
        "confusion_matrix": confusion.tolist(),
        "missing_labels": list(evaluation.missing),
        "skipped_files": evaluation.skipped,
        "unreadable": [{"path": a.name, "error": a.error} for a in evaluation.unreadable],
    }


def to_csv(evaluation: Evaluation) -> bytes:
    """Return one row per picture: path, true, predicted, score, correct (1 or 0).

    UTF-8, lines end with a line feed. The last three cells of a picture that could not be read
    are empty. Bytes of a file name that are not UTF-8 are written as ``\\udcXX``.
    """
    rows = _Rows()
    # Of the ends of its own lines a writer quotes both characters, in every Python: a name may
    # have one.
    writer = csv.writer(rows, lineterminator="\r\n")
    writer.writerow(["path", "true", "predicted", "score", "correct"])
    for answer in evaluation.answers:
        cells: tuple[object, ...] = ("", "", "")
        if answer.predicted is not None:
            # Nine digits tell any two float32 apart.
            score = f"{answer.score:.9g}"
            label = evaluation.labels[answer.predicted]
            cells = (label, score, int(answer.predicted == answer.true))
        writer.writerow([answer.name, evaluation.labels[answer.true], *cells])
    return "".join(rows.written).encode("utf-8", "backslashreplace")


class _Rows:
    """What a writer of CSV writes to: rows that end with a line feed alone."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, row: str) -> None:
        """Take one row."""
        self.written.append(row.removesuffix("\r\n") + "\n")


def _interval(right: int, count: int) -> dict[str, float] | None:
    if not count:
        return None
    interval = metrics.wilson_interval(right, count)
    return {"low": interval.low, "high": interval.high, "confidence": interval.confidence}


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
