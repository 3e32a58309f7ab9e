"""What the two models answered: the result file of kind "answers"."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from convert.report.decoding import check_positive, refuse

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """One model's accuracy 0-1 and its confusion matrix; rows are the true class."""

    top1: float
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """A picture that the two models answer differently; scores 0-1."""

    index: int
    truth: str
    float32_label: str
    float32_score: float
    int8_label: str
    int8_score: float
    png_base64: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Both models on the same pictures; `flips` are the first of `flip_count`."""

    date: str
    command: str
    dataset: str
    split: str
    count: int
    labels: tuple[str, ...]
    float32: ModelAnswers
    int8: ModelAnswers
    flips: tuple[Flip, ...]
    flip_count: int

    def check(self, where: str) -> None:
        """Raise `ResultError` where fields contradict each other."""
        classes = len(self.labels)
        check_positive(where, "count", self.count)
        for name, answers in (("float32", self.float32), ("int8", self.int8)):
            matrix = answers.confusion
            if len(matrix) != classes or any(len(row) != classes for row in matrix):
                sizes = [len(row) for row in matrix]
                refuse(where, f"{name}.confusion", f"{classes} rows of {classes}", sizes)
            total = sum(map(sum, matrix))
            if total != self.count:
                refuse(where, f"{name}.confusion", f"{self.count} pictures in all", total)
        if len(self.flips) > self.flip_count:
            refuse(where, "flip_count", f"at least {len(self.flips)}", self.flip_count)
        for index, flip in enumerate(self.flips):
            _check_png(flip.png_base64, where, f"flips[{index}].png_base64")


def _check_png(text: str, where: str, place: str) -> None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        refuse(where, place, "base64", text)
    if not data.startswith(_PNG_SIGNATURE):
        refuse(where, place, "a PNG in base64", text)
