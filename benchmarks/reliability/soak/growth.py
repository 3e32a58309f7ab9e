"""How fast a process grows: a straight line through its resident memory, with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

_WARMUP = 0.1
"""Share of the samples that is left out: allocators and caches reach their size there."""
NOISE_BYTES = 65_536
"""Growth over a whole run that is no evidence: an allocator's few pages, at 4 KiB each."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Growth:
    """The resident memory of a process behind its warm-up.

    Attributes:
        start_bytes: the first size.
        total_bytes: the last size less the first.
        per_case_bytes: slope of the least-squares line, bytes per case.
        low_bytes: lower end of the slope's 95 % interval, by Student's t.
        high_bytes: its upper end.
    """

    start_bytes: int
    total_bytes: int
    per_case_bytes: float
    low_bytes: float
    high_bytes: float

    def exceeds(self, bound_bytes: float) -> bool:
        """Whether a growth of at most `bound_bytes` per case cannot be stated."""
        return self.high_bytes > bound_bytes and self.total_bytes > NOISE_BYTES


def growth(cases: Sequence[int], resident_bytes: Sequence[int]) -> Growth:
    """Fit a line; the interval takes the samples' deviations from it as independent.

    Args:
        cases: how many were done at each sample, ascending.
        resident_bytes: of the process at each sample.

    Raises:
        ValueError: fewer than three samples are left behind the warm-up.
    """
    first = math.ceil(_WARMUP * len(cases))
    x, y = cases[first:], resident_bytes[first:]
    if len(x) < 3:
        raise ValueError(f"growth: expected at least 3 samples behind the warm-up, got {len(x)}")
    if len(set(y)) == 1:  # a perfect fit, of which the formulas make 0/0
        return Growth(y[0], 0, 0.0, 0.0, 0.0)
    line = stats.linregress(x, y)
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(x) - 2)) * float(line.stderr)
    slope = float(line.slope)
    return Growth(y[0], y[-1] - y[0], slope, slope - half, slope + half)
