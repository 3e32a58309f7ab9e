"""Rounds are interleaved; percentiles and histograms are those of hand-worked tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from minivgg_edge.measure.latency import interleaved_ns, summarize

MS = 1_000_000


def test_percentiles_of_1_to_101() -> None:
    times = np.random.default_rng(1).permutation(np.arange(1, 102)) * MS
    summary = summarize(times)
    # Of 1..101 the k-th percentile is 1 + k: the value k places behind the first.
    assert (summary.p50_ms, summary.p90_ms, summary.p95_ms, summary.p99_ms) == (51, 91, 96, 100)
    assert (summary.min_ms, summary.mean_ms, summary.max_ms) == (1, 51, 101)
    assert summary.rounds == 101


def test_percentiles_interpolate() -> None:
    summary = summarize([10 * MS, 20 * MS])
    assert summary.p50_ms == pytest.approx(10 + 0.5 * 10)
    assert summary.p90_ms == pytest.approx(10 + 0.9 * 10)
    assert summary.p99_ms == pytest.approx(10 + 0.99 * 10)


def test_histogram_puts_the_longest_into_its_last_bin() -> None:
    # 1,000 times from 0 to 3 ms in equal steps, and two outliers beyond the 99.5th percentile.
    times = [*(np.arange(1000) * 0.003 * MS), 500 * MS, 900 * MS]
    histogram = summarize(times).histogram
    assert len(histogram.edges_ms) == len(histogram.counts) + 1
    assert sum(histogram.counts) == len(times)
    assert histogram.edges_ms[0] == 0
    assert histogram.edges_ms[-1] < 3
    assert list(histogram.edges_ms) == sorted(histogram.edges_ms)
    # 99.5 % of 1,002 in 30 equal bins are 33 each; all the rest lies in the last one.
    assert set(histogram.counts[:-1]) <= {33, 34}
    assert histogram.counts[-1] == len(times) - sum(histogram.counts[:-1]) >= 33 + 5


def test_equal_times_are_one_bin() -> None:
    histogram = summarize([2 * MS] * 7).histogram
    assert histogram.counts == (7,)
    assert histogram.edges_ms[0] == 2 < histogram.edges_ms[1]


@pytest.mark.parametrize("spread_ns", [1, 18, 29, 1000])
def test_edges_rise_also_as_they_are_written(spread_ns: int) -> None:
    # Two ticks of a coarse clock, less than a nanosecond apart for each of 30 bins.
    histogram = summarize([MS, MS + spread_ns]).histogram
    written = [round(edge, 6) for edge in histogram.edges_ms]
    assert all(a < b for a, b in pairwise(written))
    assert sum(histogram.counts) == 2


def test_no_times() -> None:
    with pytest.raises(ValueError, match="expected at least one time, got none"):
        summarize([])


def test_order_of_the_calls() -> None:
    calls: list[str] = []
    times = interleaved_ns(
        [lambda: calls.append("a"), lambda: calls.append("b")], rounds=2, warmup=1, settle=1
    )
    assert "".join(calls) == 3 * "aabb"
    assert [len(found) for found in times] == [2, 2]
    calls.clear()
    interleaved_ns([lambda: calls.append("a")], rounds=30, settle=0)
    assert len(calls) == 30 + 3  # a tenth to warm up


def test_the_timed_call_is_what_takes_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0

    def call(duration: int) -> None:
        nonlocal now
        now += duration

    monkeypatch.setattr("time.perf_counter_ns", lambda: now)
    times = interleaved_ns([lambda: call(5), lambda: call(7)], rounds=3, warmup=2, settle=2)
    assert times == [[5, 5, 5], [7, 7, 7]]


@pytest.mark.parametrize(
    "arguments", [{"rounds": 0}, {"rounds": 1, "warmup": -1}, {"rounds": 1, "settle": -1}]
)
def test_bad_counts(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 round"):
        interleaved_ns([], **arguments)
