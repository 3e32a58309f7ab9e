"""Histograms of activations and the ranges that are cut from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from convert.search.clipping import clipped_range, mse_range, percentile_range, squared_error
from convert.search.histogram import BINS, Histogram
from convert.search.method import Method


def _histogram(*parts: NDArray[np.float64]) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part.astype(np.float32))
    return histogram


def _values(seed: int, count: int = 20_000) -> NDArray[np.float64]:
    return np.maximum(np.random.default_rng(seed).laplace(size=count), 0.0)


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    st.integers(0, 40),
)
@settings(deadline=None, max_examples=50)
def test_the_order_of_the_values_does_not_matter(values: list[float], cut: int) -> None:
    array = np.array(values)
    parts = [part for part in (array[:cut], array[cut:]) if part.size]
    one, other = _histogram(array), _histogram(*reversed(parts))
    np.testing.assert_array_equal(one.counts, other.counts)
    assert (one.span, one.zeros, one.low, one.high) == (
        other.span,
        other.zeros,
        other.low,
        other.high,
    )
    assert one.total == len(values)


def test_values_lie_in_the_bin_that_holds_them() -> None:
    histogram = _histogram(np.array([0.3, -0.7, 0.0, 1.0]))
    width = 2.0 / BINS
    found = np.sort(histogram.centers[np.flatnonzero(histogram.counts)])
    np.testing.assert_allclose(found, [-0.7, 0.3, 1.0], atol=width)
    assert (histogram.zeros, histogram.low, histogram.high, histogram.span) == (
        1,
        float(np.float32(-0.7)),
        1.0,
        1.0,
    )


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_a_percentile_is_that_of_the_values(percentile: float) -> None:
    values = _values(1)
    histogram = _histogram(values[:3], values[3:])
    low, high = percentile_range(histogram, percentile)
    width = 2.0 * histogram.span / BINS
    spread = np.percentile(np.abs(values), [percentile - 0.01, percentile + 0.01])
    assert low == 0.0
    assert spread[0] - width <= high <= spread[1] + width


def test_a_percentile_of_signed_values_is_of_their_size() -> None:
    values = np.concatenate([-np.arange(1, 11), np.arange(1, 1001) / 100.0])
    low, high = percentile_range(_histogram(values), 99.0)
    limit = np.percentile(np.abs(values), 99.0)
    assert (-low, high) == pytest.approx((limit, limit), rel=0.02)
    # All of them is everything, and no side is wider than its values.
    assert percentile_range(_histogram(values), 100.0) == (-10.0, 10.0)
    assert percentile_range(_histogram(np.array([-1.0, 8.0])), 100.0) == (-1.0, 8.0)


def test_more_zeros_than_the_percentile_still_leave_a_range() -> None:
    values = np.zeros(1000)
    values[0] = 5.0
    low, high = percentile_range(_histogram(values), 90.0)
    assert low == 0.0
    assert 0.0 < high <= 5.0


def _true_error(values: NDArray[np.float64], low: float, high: float) -> float:
    """Quantized the long way, value by value."""
    scale = (high - low) / 255
    zero_point = round(-low / scale)
    codes = np.clip(np.round(values / scale) + zero_point, 0, 255)
    return float((((codes - zero_point) * scale - values) ** 2).sum())


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_the_error_of_the_histogram_is_that_of_the_values(share: float) -> None:
    values = np.concatenate([_values(2), -_values(3) / 4])
    histogram = _histogram(values)
    low, high = share * histogram.low, share * histogram.high
    assert squared_error(histogram, (low, high)) == pytest.approx(
        _true_error(values, low, high), rel=0.02
    )


def test_the_mse_range_is_the_best_of_the_grid() -> None:
    values = np.linspace(0.0, 1.0, 1_000_000)
    values[-1] = 3.0  # one outlier is not worth three times the error of all others
    found = mse_range(_histogram(values))
    errors = {share: _true_error(values, 0.0, share * values.max()) for share in (0.4, 0.7, 1.0)}
    assert found[1] < 0.7 * values.max()
    assert _true_error(values, *found) < min(errors.values())
    # Evenly spread values have nothing to clip.
    even = np.linspace(0.0, 1.0, 10_000)
    assert mse_range(_histogram(even))[1] == pytest.approx(1.0, abs=0.02)


def test_minmax_takes_all() -> None:
    values = np.array([-2.0, 0.0, 3.0])
    assert clipped_range(_histogram(values), Method()) == (-2.0, 3.0)


def test_without_values_there_is_no_range() -> None:
    with pytest.raises(ValueError, match="other than zero"):
        clipped_range(_histogram(np.zeros(4)), Method())


@pytest.mark.parametrize("percentile", [49.0, 100.5])
def test_impossible_percentiles(percentile: float) -> None:
    with pytest.raises(ValueError, match=f"from 50 to 100, got {percentile}"):
        Method("percentile", percentile)
