"""How good a classifier's answers are: counts in, fractions out. Pure numpy.

Everything here starts from one confusion matrix, int64 (C, C): rows are the true class, columns
the answer. Fractions lie in 0-1; a fraction whose denominator is zero (a class without pictures,
a class that is never answered) is NaN and left to the caller, never replaced by a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a fraction.

    Attributes:
        low: Lower end, 0-1.
        high: Upper end, 0-1.
        confidence: Share of such intervals that cover the true value, e.g. 0.95.
    """

    low: float
    high: float
    confidence: float


def confusion_matrix(
    true: Sequence[int] | npt.NDArray[np.integer[Any]],
    predicted: Sequence[int] | npt.NDArray[np.integer[Any]],
    classes: int,
) -> npt.NDArray[np.int64]:
    """Count how often each true class got each answer.

    Args:
        true: Class indices (N,), integers, each from 0 to ``classes`` - 1.
        predicted: Answers (N,), in the same order and range.
        classes: Number of classes C, at least 1.

    Returns:
        int64 (C, C); entry [t, p] counts the pictures of class t answered as p.

    Raises:
        ValueError: Lengths differ, an index is out of range, or ``classes`` is below 1.
        TypeError: An index is not an integer.
    """
    if classes < 1:
        raise ValueError(f"classes must be at least 1, got {classes}")
    rows = _indices("true", true, classes)
    columns = _indices("predicted", predicted, classes)
    if rows.size != columns.size:
        raise ValueError(
            f"true and predicted must have one length, got {rows.size} and {columns.size}"
        )
    # To the platform's own integers: on a 32-bit system bincount refuses int64.
    cells = (rows * classes + columns).astype(np.intp)
    counts = np.bincount(cells, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _indices(
    name: str, values: Sequence[int] | npt.NDArray[np.integer[Any]], classes: int
) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} must hold integers, got {array.dtype}")
    if array.min() < 0 or array.max() >= classes:
        raise ValueError(
            f"{name} must lie in 0 to {classes - 1}, got {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)


def accuracy(confusion: npt.NDArray[np.int64]) -> float:
    """Return the share of right answers, 0-1; NaN without pictures."""
    return _share(int(np.trace(confusion)), int(confusion.sum()))


def recall(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return per class the share of its pictures answered right, float64 (C,), 0-1.

    NaN for a class without pictures.
    """
    return _shares(np.diagonal(confusion), confusion.sum(axis=1))


def precision(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return per class the share of its answers that are right, float64 (C,), 0-1.

    NaN for a class that is never answered.
    """
    return _shares(np.diagonal(confusion), confusion.sum(axis=0))


def f1_score(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return per class 2·right / (pictures + answers), float64 (C,), 0-1.

    This is the harmonic mean of precision and recall wherever both exist. NaN for a class with
    neither pictures nor answers.
    """
    return _shares(2 * np.diagonal(confusion), confusion.sum(axis=1) + confusion.sum(axis=0))


def balanced_accuracy(confusion: npt.NDArray[np.int64]) -> float:
    """Return the mean recall of the classes that have pictures, 0-1; NaN without pictures.

    Unlike the accuracy it does not reward a model for liking the most frequent class.
    """
    of_classes = recall(confusion)
    present = of_classes[~np.isnan(of_classes)]
    return float(present.mean()) if present.size else math.nan


def wilson_interval(successes: int, count: int, *, confidence: float = 0.95) -> Interval:
    """Return the score interval of a fraction observed as ``successes`` of ``count``.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927), without continuity correction. Unlike p ± z·sqrt(p(1-p)/n) it stays inside 0-1 and
    is not empty at 0 % and 100 %.

    Args:
        successes: Right answers, 0 to ``count``.
        count: Pictures, at least 1.
        confidence: Between 0 and 1, both excluded.

    Raises:
        ValueError: An argument is out of its range.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if not 0 <= successes <= count:
        raise ValueError(f"successes must lie in 0 to {count}, got {successes}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    center = (successes + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * math.sqrt(successes * (count - successes) / count + z * z / 4)
    # At 0 and at count the ends are exactly 0 and 1; floating point would miss them by an ulp.
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == count else center + half
    return Interval(low, high, confidence)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _shares(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    shares = np.full(part.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
