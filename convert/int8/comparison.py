"""`Comparison`: the answers of the compiled model beside those of its float model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convert.int8.class_changes import ClassChange, class_changes
from convert.int8.paired import DropInterval, drop_interval, drop_upper_bound, mcnemar_p
from convert.scores.reliability import Reliability, reliability
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.metrics import accuracy, confusion_matrix

# The target's answers concentrate on few classes when their perplexity (the number of classes that
# an even spread of the same entropy would use) falls below this share of the reference's.
COLLAPSE_SHARE = 0.7
# Of a handful of pictures, one answer that flips moves the perplexity that far.
_FEWEST_FLIPS = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reference (float) and target (int8) on one set of pictures.

    Attributes:
        dataset: what the pictures are called.
        split: "validation" or "test".
        labels: class names, in the order of the scores.
        true: int64 (n,), class indices.
        reference: int64 (n,), the float model's answers.
        target: int64 (n,), the compiled model's answers.
        reference_top5: share of pictures with the true class among the best five; None for up to
            five classes.
        target_top5: the same of the compiled model.
        reference_scores: float32 (n, classes), the float model's; None where nobody kept them.
        target_scores: float32 (n, classes), those that a device makes of the compiled model's
            outputs.
    """

    dataset: str
    split: Literal["validation", "test"]
    labels: tuple[str, ...]
    true: NDArray[np.int64]
    reference: NDArray[np.int64]
    target: NDArray[np.int64]
    reference_top5: float | None = None
    target_top5: float | None = None
    reference_scores: NDArray[np.float32] | None = None
    target_scores: NDArray[np.float32] | None = None

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.true)

    @property
    def reference_confusion(self) -> NDArray[np.int64]:
        """Confusion matrix (classes, classes) of the float model, rows are true classes."""
        return confusion_matrix(self.true, self.reference, len(self.labels))

    @property
    def target_confusion(self) -> NDArray[np.int64]:
        """Confusion matrix (classes, classes) of the compiled model."""
        return confusion_matrix(self.true, self.target, len(self.labels))

    @property
    def reference_top1(self) -> float:
        """Accuracy of the float model, 0-1."""
        return accuracy(self.reference_confusion)

    @property
    def target_top1(self) -> float:
        """Accuracy of the compiled model, 0-1."""
        return accuracy(self.target_confusion)

    @property
    def losses(self) -> int:
        """Pictures that only the float model gets right."""
        return int(((self.reference == self.true) & (self.target != self.true)).sum())

    @property
    def gains(self) -> int:
        """Pictures that only the compiled model gets right."""
        return int(((self.reference != self.true) & (self.target == self.true)).sum())

    @property
    def drop(self) -> float:
        """Accuracy of the float model minus that of the compiled model."""
        return (self.losses - self.gains) / self.count

    @property
    def interval(self) -> DropInterval:
        """Two-sided 95 % interval of the drop (Tango's score interval)."""
        return drop_interval(self.losses, self.gains, self.count)

    @property
    def upper_bound(self) -> float:
        """One-sided 95 % upper bound of the drop."""
        return drop_upper_bound(self.losses, self.gains, self.count)

    @property
    def p_value(self) -> float:
        """Exact two-sided McNemar test of "no difference"."""
        return mcnemar_p(self.losses, self.gains)

    @property
    def agreement(self) -> float:
        """Share of pictures to which both give the same answer, right or wrong."""
        return float((self.reference == self.target).mean())

    @property
    def flips(self) -> NDArray[np.intp]:
        """Indices of the pictures to which the two give different answers."""
        return np.flatnonzero(self.reference != self.target)

    @property
    def class_changes(self) -> tuple[ClassChange, ...]:
        """What became of each class's own pictures, in the order of the labels."""
        return class_changes(self.labels, self.true, self.reference, self.target)

    @property
    def reference_confidence(self) -> NDArray[np.float64]:
        """float64 (n,), score of each answer of the float model.

        Raises:
            ValueError: the scores were not kept.
        """
        return _confidence(self.reference_scores, self.reference)

    @property
    def target_confidence(self) -> NDArray[np.float64]:
        """float64 (n,), score of each answer of the compiled model.

        Raises:
            ValueError: the scores were not kept.
        """
        return _confidence(self.target_scores, self.target)

    @property
    def reference_reliability(self) -> Reliability | None:
        """The float model's scores held against the truth; None where they were not kept."""
        return _reliability(self.reference_scores, self.true, self.reference)

    @property
    def target_reliability(self) -> Reliability | None:
        """The compiled model's scores held against the truth; None where they were not kept."""
        return _reliability(self.target_scores, self.true, self.target)

    @property
    def collapsed(self) -> bool:
        """Whether the compiled model answers with far fewer classes than the float model.

        Fewer than ten changed answers are no sign of it, whatever they do to the perplexity.
        """
        if len(self.flips) < _FEWEST_FLIPS:
            return False
        return self.target_perplexity < COLLAPSE_SHARE * self.reference_perplexity

    @property
    def reference_perplexity(self) -> float:
        """How many classes the float model answers with; see `perplexity`."""
        return perplexity(self.reference)

    @property
    def target_perplexity(self) -> float:
        """How many classes the compiled model answers with."""
        return perplexity(self.target)

    def record(self) -> AccuracyRecord:
        """The figures for the manifest."""
        return AccuracyRecord(
            dataset=self.dataset,
            split=self.split,
            count=self.count,
            float_top1=self.reference_top1,
            target_top1=self.target_top1,
            drop=self.drop,
            drop_low=self.interval.low,
            drop_high=self.interval.high,
            agreement=self.agreement,
        )


def perplexity(answers: NDArray[np.int64]) -> float:
    """2 to the entropy of the answers: 1.0 for one class only, k for k classes equally often."""
    shares = np.bincount(answers) / len(answers)
    shares = shares[shares > 0]
    return float(2.0 ** -(shares * np.log2(shares)).sum())


def _confidence(
    scores: NDArray[np.float32] | None, answers: NDArray[np.int64]
) -> NDArray[np.float64]:
    if scores is None:
        raise ValueError("expected a comparison with scores, got one without")
    confidence: NDArray[np.float64] = scores[np.arange(len(answers)), answers].astype(np.float64)
    return confidence


def _reliability(
    scores: NDArray[np.float32] | None, true: NDArray[np.int64], answers: NDArray[np.int64]
) -> Reliability | None:
    return None if scores is None else reliability(scores, true, answers)
