"""Which answers to accept: a score below which a model had better say "none of these".

What a threshold is not: a detector of pictures that show something else. It is chosen on pictures
of the model's own classes, and says how often accepted answers to such pictures are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 256
"""Thresholds are multiples of 1/256, the step of a quantized softmax."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a threshold does to one set of pictures.

    Attributes:
        threshold: answers with this score or a higher one are accepted.
        count: pictures in all.
        accepted: pictures whose answer is accepted.
        right: accepted answers that are right.
    """

    threshold: float
    count: int
    accepted: int
    right: int

    @property
    def coverage(self) -> float:
        """Share of accepted answers, 0-1."""
        return self.accepted / self.count

    @property
    def accuracy(self) -> float | None:
        """Share of right answers among the accepted ones; None when none is accepted."""
        return self.right / self.accepted if self.accepted else None

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "threshold": self.threshold,
            "count": self.count,
            "accepted": self.accepted,
            "accepted_right": self.right,
        }


@dataclass(frozen=True, slots=True)
class Threshold:
    """A chosen threshold.

    Attributes:
        value: None when no threshold reaches what was asked for.
        accept_accuracy: what was asked for, a fraction.
        bound: lower bound of the accuracy of accepted answers at `value`; None without one.
        on: what it does to the pictures it was chosen on; None without one.
    """

    value: float | None
    accept_accuracy: float
    bound: float | None
    on: Coverage | None

    @property
    def rule(self) -> str:
        """What was chosen, in one sentence."""
        return (
            f"the lowest threshold found by bisection at which, with {100 * CONFIDENCE:.0f} % "
            f"confidence, at least {100 * self.accept_accuracy:g} % of the accepted answers are "
            "right (one-sided Clopper-Pearson bound, shared between the steps of the bisection)"
        )

    def to_json(self) -> dict[str, Any]:
        """For the manifest and the report, as JSON values."""
        return {
            "value": self.value,
            "accept_accuracy": self.accept_accuracy,
            "lower_bound": None if self.bound is None else float(f"{self.bound:.6g}"),
            "rule": self.rule,
            "split": "validation",
            "validation": None if self.on is None else self.on.to_json(),
        }


def coverage_at(
    threshold: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> Coverage:
    """Count what a threshold accepts.

    Args:
        threshold: 0-1.
        confidence: float64 (n,), scores of the answers.
        right: (n,), whether they are right.
    """
    accepted = confidence >= threshold
    return Coverage(threshold, len(right), int(accepted.sum()), int((accepted & right).sum()))


def coverage_curve(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[Coverage, ...]:
    """Return what every threshold accepts, the lowest threshold first."""
    return tuple(coverage_at(step / STEPS, confidence, right) for step in range(STEPS))


def choose_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], *, accept_accuracy: float
) -> Threshold:
    """Choose the threshold of `Threshold.rule`.

    Y. Geifman and R. El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017
    (arXiv:1705.08500), its algorithm SGR: the best of many thresholds by one set of pictures would
    flatter itself, so the confidence is shared between the few that a bisection looks at. Where
    accuracy grows with the threshold, the promise holds for the one that it ends at.

    Args:
        confidence: float64 (n,), scores of the answers, n at least 1.
        right: (n,), whether they are right.
        accept_accuracy: a fraction.
    """
    looks = math.ceil(math.log2(STEPS + 1))
    level = 1.0 - (1.0 - CONFIDENCE) / looks
    low, high = 0, STEPS
    while low < high:
        middle = (low + high) // 2
        found = coverage_at(middle / STEPS, confidence, right)
        if lower_bound(found.right, found.accepted, level) >= accept_accuracy:
            high = middle
        else:
            low = middle + 1
    if high == STEPS:
        return Threshold(None, accept_accuracy, None, None)
    on = coverage_at(high / STEPS, confidence, right)
    bound = lower_bound(on.right, on.accepted, level)
    return Threshold(on.threshold, accept_accuracy, bound, on)


def lower_bound(right: int, count: int, level: float) -> float:
    """One-sided exact lower bound of a share.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413.

    Args:
        right: of `count`.
        count: at least 0; nothing is known of none.
        level: of confidence, below 1.
    """
    from scipy.stats import binomtest

    if count == 0:
        return 0.0
    test = binomtest(right, count, alternative="greater")
    return float(test.proportion_ci(confidence_level=level, method="exact").low)
