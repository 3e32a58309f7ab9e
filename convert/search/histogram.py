"""`Histogram`: where the values of an activation lie, in memory that does not grow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# Of both signs together. The largest value lies in the outer half of its side, so a side has at
# least 16 bins for each of the 255 steps that the quantizer has for all values.
BINS = 16_384

# Bins of smaller values would be narrower than float32 can tell apart from zero.
_SMALLEST_SPAN = 2.0**-64


class Histogram:
    """Counts of values in bins of equal width around zero.

    The span is a power of two and doubles when a larger value comes, two bins becoming one; so the
    result does not depend on the order of the values. Zeros, of which a ReLU makes many, are
    counted apart and stay exact, as do the lowest and the highest value.

    Attributes:
        counts: int64 (BINS,), of values other than zero, from -span to span.
        span: where the outermost bins end; 0.0 while there was no value but zero.
        zeros: number of zeros.
        low: lowest value, at most 0.0.
        high: highest value, at least 0.0.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)
        self.span = 0.0
        self.zeros = 0
        self.low = 0.0
        self.high = 0.0

    @property
    def total(self) -> int:
        """Number of values."""
        return int(self.counts.sum()) + self.zeros

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of every bin, (BINS,)."""
        return (np.arange(BINS, dtype=np.float64) + 0.5) * (2.0 * self.span / BINS) - self.span

    def add(self, values: NDArray[np.float32]) -> None:
        """Count finite values of any shape."""
        low, high = float(values.min()), float(values.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        peak = max(-low, high)
        if peak > self.span:
            self._widen(peak)
        nonzero = values[values != 0.0]
        self.zeros += values.size - nonzero.size
        if nonzero.size:
            # A power of two, so the division is exact.
            bins = np.floor(nonzero * np.float32(BINS / 2 / self.span)).astype(np.int64) + BINS // 2
            # A value of exactly `span` belongs to the last bin.
            self.counts += np.bincount(np.minimum(bins, BINS - 1), minlength=BINS)

    def _widen(self, peak: float) -> None:
        span = max(2.0 ** math.ceil(math.log2(peak)), _SMALLEST_SPAN)
        while 0.0 < self.span < span:
            quarter = BINS // 4
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros(BINS, dtype=np.int64)
            self.counts[quarter : BINS - quarter] = pairs
            self.span *= 2.0
        self.span = span
