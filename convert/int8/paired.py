"""Statistics of two classifiers on the same pictures; only the pictures on which they differ count.

Throughout: of `count` pictures, `losses` are right by the reference and wrong by the target,
`gains` the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class DropInterval:
    """A confidence interval of a drop in accuracy, as fractions from -1 to 1."""

    low: float
    high: float


def mcnemar_p(losses: int, gains: int) -> float:
    """Two-sided exact p-value that losses and gains are equally likely.

    McNemar 1947 (Psychometrika 12), in its exact form: the losses among all differing pictures
    against a binomial distribution with p = 1/2. 1.0 when no picture differs.
    """
    from scipy.stats import binomtest

    if losses + gains == 0:
        return 1.0
    return float(binomtest(losses, losses + gains, 0.5).pvalue)


def holm_adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for their number, in the given order.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979) 65-70: the smallest times n, the next times n - 1, and so on, none below
    the one before. Those below 0.05 are rejected together at 5 %, whatever their dependence.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = largest
    return tuple(adjusted)


def drop_interval(losses: int, gains: int, count: int, *, confidence: float = 0.95) -> DropInterval:
    """Two-sided interval of the drop, `(losses - gains) / count`, by inverting Tango's score test.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998) 891-908. Unlike the Wald interval it is
    not empty when no picture differs, which is the usual case here.

    Args:
        losses: at least 0.
        gains: at least 0.
        count: pictures in all, at least `losses + gains` and at least 1.
        confidence: between 0 and 1, both excluded.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return DropInterval(
        -_upper_bound(gains, losses, count, z), _upper_bound(losses, gains, count, z)
    )


def drop_upper_bound(
    losses: float, gains: float, count: float, *, confidence: float = 0.95
) -> float:
    """One-sided upper bound of the drop by Tango's score test; see `drop_interval`."""
    return _upper_bound(losses, gains, count, NormalDist().inv_cdf(confidence))


def score_statistic(losses: float, gains: float, count: float, drop: float) -> float:
    """Tango's statistic of the hypothesis that the drop is `drop`; standard normal under it.

    (losses - gains - count * drop) / sqrt(count * (2 q + drop * (1 - drop))), where q is the
    probability of a gain that is most likely under the hypothesis.
    """
    a = 2.0 * count
    b = -losses - gains + (2.0 * count - losses + gains) * drop
    c = -gains * drop * (1.0 - drop)
    q = (math.sqrt(max(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a)
    variance = count * (2.0 * q + drop * (1.0 - drop))
    difference = losses - gains - count * drop
    if variance <= 0.0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / math.sqrt(variance)


def _upper_bound(losses: float, gains: float, count: float, z: float) -> float:
    """The largest drop that the score test does not reject on the side of -z."""
    # The statistic falls from 0 at the observed drop as the hypothesis moves up to 1.
    low, high = (losses - gains) / count, 1.0
    if score_statistic(losses, gains, count, high) > -z:
        return 1.0
    for _ in range(60):  # halves the bracket below the spacing of floats
        middle = (low + high) / 2.0
        if score_statistic(losses, gains, count, middle) > -z:
            low = middle
        else:
            high = middle
    return high
