"""Are pictures that got a score of 0.8 right in eight of ten cases?

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML
2017 (arXiv:1706.04599): pictures are sorted into bins by the score of their answer, and in each bin
the mean score is held against the share of right answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
_DRAWS = 200
_SEED = 17


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures whose answer has a score above `low` and up to `high`.

    Attributes:
        low: 0-1; the first bin also holds scores of 0.
        high: 0-1.
        count: number of pictures.
        confidence: their mean score, 0-1; None without pictures.
        accuracy: share of right answers, 0-1; None without pictures.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """Scores against right answers on one set of pictures.

    Attributes:
        bins: of equal width.
        count: number of pictures.
        confidence: mean score of the answers, 0-1.
        accuracy: share of right answers, 0-1.
        error: expected calibration error over `bins`, 0-1.
        adaptive_error: the same over as many bins of equal count, 0-1.
        chance: the error over `bins` that scores which are exactly right would show on so many
            pictures, by chance alone; 0-1.
        brier: mean squared distance of the scores of all classes from the truth, 0-2.
    """

    bins: tuple[Bin, ...]
    count: int
    confidence: float
    accuracy: float
    error: float
    adaptive_error: float
    chance: float
    brier: float

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values; fractions stay fractions."""
        return {
            "mean_score": self.confidence,
            "expected_calibration_error": self.error,
            "adaptive_calibration_error": self.adaptive_error,
            "error_by_chance": self.chance,
            "brier": self.brier,
            "bins": [
                {"above": b.low, "count": b.count, "mean_score": b.confidence, "top1": b.accuracy}
                for b in self.bins
            ],
        }


def reliability(
    scores: NDArray[np.float32], labels: NDArray[np.int64], answers: NDArray[np.int64]
) -> Reliability:
    """Hold scores against the truth.

    Args:
        scores: float32 (n, classes), n at least 1.
        labels: int64 (n,), the true classes.
        answers: int64 (n,), the answered classes. Not `scores.argmax`: softmax in float32 can make
            equals of different logits.
    """
    rows = np.arange(len(labels))
    confidence = scores[rows, answers].astype(np.float64)
    right = answers == labels
    places = bin_places(confidence)
    # The mean of (scores - one_hot) squared, without the one_hot.
    squares = (scores.astype(np.float64) ** 2).sum(axis=1)
    brier = squares - 2.0 * scores[rows, labels].astype(np.float64) + 1.0
    return Reliability(
        _bins(confidence, right, places),
        len(labels),
        float(confidence.mean()),
        float(right.mean()),
        calibration_error(confidence, right, places),
        calibration_error(confidence, right, equal_places(confidence)),
        _error_by_chance(confidence, places),
        float(brier.mean()),
    )


def calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], places: NDArray[np.intp]
) -> float:
    """Expected calibration error of Guo et al., section 2: sum of |B| / n * |acc(B) - conf(B)|.

    Args:
        confidence: float64 (n,), scores of the answers.
        right: (n,), whether they are right.
        places: (n,), the bin of each picture, from 0.
    """
    gaps = np.bincount(places, weights=right - confidence)
    return float(np.abs(gaps).sum() / len(confidence))


def bin_places(confidence: NDArray[np.float64], count: int = BINS) -> NDArray[np.intp]:
    """Return the bin of each score: `count` bins of equal width, closed above as Guo et al. do."""
    places = np.ceil(confidence * count).astype(np.intp) - 1
    return np.clip(places, 0, count - 1)


def equal_places(confidence: NDArray[np.float64], count: int = BINS) -> NDArray[np.intp]:
    """Return the bin of each score: `count` bins of as equal a count as equal scores allow.

    J. Nixon et al., "Measuring Calibration in Deep Learning", 2019 (arXiv:1904.01685): bins of
    equal width leave nearly all pictures of a good model in the last one. Pictures of equal score,
    of which 8-bit outputs have many, stay together.
    """
    ordered = np.sort(confidence)
    edges = ordered[(np.arange(1, count) * len(ordered)) // count]
    return np.searchsorted(edges, confidence, side="right").astype(np.intp)


def _bins(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], places: NDArray[np.intp]
) -> tuple[Bin, ...]:
    counts = np.bincount(places, minlength=BINS)
    sums = np.bincount(places, weights=confidence, minlength=BINS)
    hits = np.bincount(places, weights=right, minlength=BINS)
    return tuple(
        Bin(
            index / BINS,
            (index + 1) / BINS,
            int(n),
            float(sums[index] / n) if n else None,
            float(hits[index] / n) if n else None,
        )
        for index, n in enumerate(counts)
    )


def _error_by_chance(confidence: NDArray[np.float64], places: NDArray[np.intp]) -> float:
    """Mean error of answers drawn right with the probability of their score.

    J. Bröcker and L. A. Smith, "Increasing the Reliability of Reliability Diagrams", Weather and
    Forecasting 22 (2007) 651-661: consistency resampling. An error is a sum of absolute values and
    so never 0, be the scores as good as they may.
    """
    random = np.random.default_rng(_SEED)
    errors = [
        calibration_error(confidence, random.random(len(confidence)) < confidence, places)
        for _ in range(_DRAWS)
    ]
    return float(np.mean(errors))
