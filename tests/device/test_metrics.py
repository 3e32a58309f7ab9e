"""Metrics against tables worked by hand, published examples and intervals, and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivgg_edge import metrics

# Ten pictures, three classes, worked by hand:
#          answered 0  1  2
# true 0 (5)        3  1  1
# true 1 (3)        0  2  1
# true 2 (2)        1  0  1
TRUE = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
PREDICTED = [0, 0, 0, 1, 2, 1, 1, 2, 0, 2]


def test_hand_worked_table() -> None:
    confusion = metrics.confusion_matrix(TRUE, PREDICTED, 3)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == [[3, 1, 1], [0, 2, 1], [1, 0, 1]]
    assert metrics.accuracy(confusion) == 6 / 10
    np.testing.assert_allclose(metrics.recall(confusion), [3 / 5, 2 / 3, 1 / 2])
    np.testing.assert_allclose(metrics.precision(confusion), [3 / 4, 2 / 3, 1 / 3])
    # 2·right / (pictures + answers)
    np.testing.assert_allclose(metrics.f1_score(confusion), [6 / 9, 4 / 6, 2 / 5])
    assert metrics.balanced_accuracy(confusion) == pytest.approx((3 / 5 + 2 / 3 + 1 / 2) / 3)


def test_class_without_pictures_and_class_never_answered_are_nan() -> None:
    confusion = metrics.confusion_matrix([0, 0, 1], [0, 2, 0], 4)
    np.testing.assert_equal(metrics.recall(confusion), [1 / 2, 0.0, math.nan, math.nan])
    np.testing.assert_equal(metrics.precision(confusion), [1 / 2, math.nan, 0.0, math.nan])
    np.testing.assert_equal(metrics.f1_score(confusion), [1 / 2, 0.0, 0.0, math.nan])
    assert metrics.balanced_accuracy(confusion) == (1 / 2 + 0) / 2


def test_no_pictures_is_nan_not_a_number_from_nowhere() -> None:
    confusion = metrics.confusion_matrix([], [], 2)
    assert confusion.tolist() == [[0, 0], [0, 0]]
    assert math.isnan(metrics.accuracy(confusion))
    assert math.isnan(metrics.balanced_accuracy(confusion))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64])
def test_small_integer_types_do_not_overflow(dtype: type[np.integer]) -> None:
    true = np.array([249, 249], dtype=dtype)
    confusion = metrics.confusion_matrix(true, np.array([249, 3], dtype=dtype), 250)
    assert confusion[249, 249] == 1
    assert confusion[249, 3] == 1
    assert confusion.sum() == 2


def test_examples_of_the_scikit_learn_documentation() -> None:
    # sklearn.metrics.confusion_matrix
    confusion = metrics.confusion_matrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2], 3)
    assert confusion.tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 2]]
    # sklearn.metrics.balanced_accuracy_score
    confusion = metrics.confusion_matrix([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], 2)
    assert metrics.balanced_accuracy(confusion) == 0.625
    # sklearn.metrics.precision_score, recall_score and f1_score with average=None
    confusion = metrics.confusion_matrix([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], 3)
    np.testing.assert_allclose(metrics.precision(confusion), [2 / 3, 0, 0])
    np.testing.assert_allclose(metrics.recall(confusion), [1, 0, 0])
    np.testing.assert_allclose(metrics.f1_score(confusion), [0.8, 0, 0])


@pytest.mark.parametrize(
    ("true", "predicted", "classes", "error", "message"),
    [
        ([0], [0], 0, ValueError, "classes must be at least 1, got 0"),
        ([0, 1], [0], 2, ValueError, "true and predicted must have one length, got 2 and 1"),
        ([0, 2], [0, 1], 2, ValueError, "true must lie in 0 to 1, got 0 to 2"),
        ([0, 1], [-1, 1], 2, ValueError, "predicted must lie in 0 to 1, got -1 to 1"),
        ([[0]], [0], 2, ValueError, r"true must have one dimension, got shape \(1, 1\)"),
        ([0.0], [0], 2, TypeError, "true must hold integers, got float64"),
        ([True], [0], 2, TypeError, "true must hold integers, got bool"),
    ],
)
def test_bad_indices(
    true: list[int], predicted: list[int], classes: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        metrics.confusion_matrix(true, predicted, classes)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
    # Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_published(successes: int, count: int, low: float, high: float) -> None:
    interval = metrics.wilson_interval(successes, count)
    assert interval.low == pytest.approx(low, abs=0.00005)
    assert interval.high == pytest.approx(high, abs=0.00005)
    assert interval.confidence == 0.95


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("successes", "count"), [(0, 1), (1, 1), (8912, 10_000), (3, 7)])
def test_wilson_interval_agrees_with_scipy(successes: int, count: int, confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="oracle not installed")
    theirs = stats.binomtest(successes, count).proportion_ci(confidence, method="wilson")
    interval = metrics.wilson_interval(successes, count, confidence=confidence)
    assert interval.low == pytest.approx(theirs.low, abs=1e-12)
    assert interval.high == pytest.approx(theirs.high, abs=1e-12)


def test_wilson_interval_ends_exactly_at_0_and_1() -> None:
    for count in (1, 3, 10, 999, 10_000):
        assert metrics.wilson_interval(0, count).low == 0.0
        assert metrics.wilson_interval(count, count).high == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 0.95), "count must be at least 1, got 0"),
        ((-1, 5, 0.95), "successes must lie in 0 to 5, got -1"),
        ((6, 5, 0.95), "successes must lie in 0 to 5, got 6"),
        ((1, 5, 0.0), "confidence must lie between 0 and 1, got 0.0"),
        ((1, 5, 1.0), "confidence must lie between 0 and 1, got 1.0"),
        ((1, 5, math.nan), "confidence must lie between 0 and 1, got nan"),
    ],
)
def test_bad_interval_arguments(arguments: tuple[int, int, float], message: str) -> None:
    successes, count, confidence = arguments
    with pytest.raises(ValueError, match=message):
        metrics.wilson_interval(successes, count, confidence=confidence)
