"""Timed rounds of several callables in turn, and what their times come down to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NS_PER_MS = 1e6
_BINS = 30
_HISTOGRAM_END = 99.5  # percentile; the few longest rounds would leave one bar for all others


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often calls took how long.

    Attributes:
        edges_ms: Edges of the bins, ascending, one more than there are counts.
        counts: Rounds per bin; the last one also has all that took longer.
    """

    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Times of one call, in milliseconds; percentiles interpolate linearly between rounds.

    Attributes:
        rounds: Number of timed calls.
        p50_ms: Median.
        p90_ms: 90 of 100 calls took at most this long.
        p95_ms: 95 of 100 did.
        p99_ms: 99 of 100 did.
        mean_ms: Arithmetic mean.
        min_ms: Shortest.
        max_ms: Longest.
        histogram: Their distribution.
    """

    rounds: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    max_ms: float
    histogram: Histogram


def interleaved_ns(
    calls: Sequence[Callable[[], object]],
    *,
    rounds: int,
    warmup: int | None = None,
    settle: int = 1,
) -> list[list[int]]:
    """Time callables in turn, so that a slow drift of the machine hits all of them equally.

    Args:
        calls: What to time.
        rounds: Timed calls of each, at least 1.
        warmup: Rounds before, which count nowhere; a tenth of `rounds` by default, at least 1.
        settle: Untimed calls right before each timed one: the other callables have taken its
            place in the caches. 0 leaves them out.

    Returns:
        Nanoseconds per call, one list of `rounds` values for each callable.

    Raises:
        ValueError: `rounds` is below 1, or `warmup` or `settle` below 0.
    """
    before = max(1, rounds // 10) if warmup is None else warmup
    if rounds < 1 or before < 0 or settle < 0:
        raise ValueError(
            "expected at least 1 round, and no negative warmup or settle, "
            f"got {rounds}, {before} and {settle}"
        )
    times: list[list[int]] = [[] for _ in calls]
    for measured in range(-before, rounds):
        for call, found in zip(calls, times, strict=True):
            for _ in range(settle):
                call()
            started = time.perf_counter_ns()
            call()
            elapsed = time.perf_counter_ns() - started
            if measured >= 0:
                found.append(elapsed)
    return times


def summarize(times_ns: Sequence[float] | npt.NDArray[np.float64]) -> LatencySummary:
    """Return percentiles and distribution of times.

    Args:
        times_ns: Nanoseconds per call, at least one.

    Raises:
        ValueError: There are none.
    """
    times_ms = np.asarray(times_ns, dtype=np.float64) / _NS_PER_MS
    if times_ms.size == 0:
        raise ValueError("expected at least one time, got none")
    p50, p90, p95, p99 = (float(value) for value in np.percentile(times_ms, (50, 90, 95, 99)))
    return LatencySummary(
        rounds=int(times_ms.size),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        mean_ms=float(times_ms.mean()),
        min_ms=float(times_ms.min()),
        max_ms=float(times_ms.max()),
        histogram=_histogram(times_ms),
    )


def _histogram(times_ms: npt.NDArray[np.float64]) -> Histogram:
    low, high = float(times_ms.min()), float(np.percentile(times_ms, _HISTOGRAM_END))
    if high <= low:  # all the same, or one round
        return Histogram((low, low + 1 / _NS_PER_MS), (int(times_ms.size),))
    # No bin is narrower than a nanosecond, in which the edges are written.
    bins = max(1, min(_BINS, int((high - low) * _NS_PER_MS)))
    counts, edges = np.histogram(np.minimum(times_ms, high), bins=bins, range=(low, high))
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()))
