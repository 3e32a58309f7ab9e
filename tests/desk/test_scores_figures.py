"""Calibration error, temperature and threshold: worked by hand, and against other ways to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import beta, binom

from convert.data.pictures import PictureSet
from convert.int8.class_changes import class_changes
from convert.int8.comparison import Comparison
from convert.int8.graph import Tensor
from convert.int8.paired import holm_adjusted
from convert.report.flips import clearest_flips
from convert.report.quantization import class_text, comparison_text
from convert.scores.answers import device_scores, logits_of
from convert.scores.finish import Finished, Scores
from convert.scores.reliability import (
    bin_places,
    calibration_error,
    equal_places,
    reliability,
)
from convert.scores.resolution import Resolution
from convert.scores.temperature import NoTemperatureError, fit_temperature, loss
from convert.scores.threshold import (
    STEPS,
    choose_threshold,
    coverage_at,
    coverage_curve,
    lower_bound,
)


def drawn(count: int, *, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn with the probabilities that these have at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0.0, 3.0, (count, 5))
    powers = np.exp(logits / temperature)
    cumulative = np.cumsum(powers / powers.sum(axis=1, keepdims=True), axis=1)
    labels = (random.random((count, 1)) > cumulative).sum(axis=1)
    return logits, np.minimum(labels, 4).astype(np.int64)


def scores_at(logits: np.ndarray, temperature: float) -> np.ndarray:
    powers = np.exp(logits / temperature)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


# --- calibration error ----------------------------------------------------------------------------


def test_an_error_by_hand() -> None:
    confidence = np.array([0.55, 0.65, 0.95, 0.95])
    right = np.array([True, False, True, True])
    places = np.array([0, 0, 1, 1])
    # Bin 0: one half right at a mean score of 0.6; bin 1: all right at 0.95. Half of all in each.
    assert calibration_error(confidence, right, places) == pytest.approx(0.5 * 0.1 + 0.5 * 0.05)


def test_bins_are_closed_above() -> None:
    edges = np.array([0.0, 1 / 5, 1 / 5 + 1e-9, 2 / 5, 1.0])
    assert bin_places(edges, 5).tolist() == [0, 0, 1, 1, 4]


def test_equal_bins_keep_equal_scores_together() -> None:
    confidence = np.array([0.1, 0.9, 0.9, 0.9, 0.2, 0.3])
    places = equal_places(confidence, 3)
    assert len(set(places[confidence == 0.9].tolist())) == 1
    distinct = np.random.default_rng(1).permutation(np.linspace(0.1, 1.0, 300))
    assert np.bincount(equal_places(distinct, 15)).tolist() == [20] * 15


def test_figures_by_hand() -> None:
    scores = np.array([[0.75, 0.25], [0.5, 0.5]], dtype=np.float32)
    found = reliability(scores, np.array([0, 1]), np.array([0, 0]))
    assert (found.confidence, found.accuracy, found.count) == (0.625, 0.5, 2)
    assert found.error == pytest.approx(0.5 * 0.25 + 0.5 * 0.5)
    # (0.25^2 + 0.25^2 + 0.5^2 + 0.5^2) / 2
    assert found.brier == pytest.approx((2 * 0.0625 + 2 * 0.25) / 2)
    filled = [b for b in found.bins if b.count]
    assert [(b.confidence, b.accuracy) for b in filled] == [(0.5, 0.0), (0.75, 1.0)]
    assert sum(b.count for b in found.bins) == 2
    edges = [(b.low, b.high) for b in found.bins]
    assert edges == [(pytest.approx(n / 15), pytest.approx((n + 1) / 15)) for n in range(15)]
    assert all(b.low < b.confidence <= b.high for b in filled if b.confidence is not None)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_only_true_scores_are_within_chance(temperature: float) -> None:
    logits, labels = drawn(20_000, temperature=1.0, seed=3)
    found = reliability(scores_at(logits, temperature), labels, logits.argmax(axis=1))
    if temperature == 1.0:
        assert found.error < 2 * found.chance
        assert found.adaptive_error < 2 * found.chance
    else:
        assert found.error > 5 * found.chance
        # Too sure of itself below the true temperature, too modest above.
        assert (found.confidence > found.accuracy) == (temperature < 1.0)


# --- scores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_scores_of_quantized_logits(dtype: str) -> None:
    zero_point = 128 if dtype == "uint8" else 0
    tensor = Tensor("out", dtype, (1, 3), (0.25,), (zero_point,), False)
    raw = (np.array([[0, 4, 8], [-8, -8, 100]]) + zero_point).astype(dtype)
    expected = scores_at(0.25 * np.array([[0, 4, 8], [-8, -8, 100]]), 2.0)
    found = device_scores(raw, tensor, "logits", temperature=2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_logits_of_scores_differ_by_a_constant() -> None:
    logits, _ = drawn(50, temperature=1.0, seed=2)
    difference = logits_of(scores_at(logits, 1.0), "softmax") - logits
    assert np.ptp(difference, axis=1).max() < 1e-4
    assert np.isfinite(logits_of(np.zeros((1, 2), dtype=np.float32), "softmax")).all()


# --- temperature ----------------------------------------------------------------------------------


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_true_temperature_is_found(true: float) -> None:
    logits, labels = drawn(20_000, temperature=true, seed=5)
    found = fit_temperature(logits, labels)
    assert abs(found.value - true) < 4 * found.standard_error
    assert found.loss <= found.loss_before
    assert found.standard_error < 0.05 * true


def test_the_temperature_is_the_best_of_all() -> None:
    logits, labels = drawn(300, temperature=1.7, seed=6)
    found = fit_temperature(logits, labels)
    other = minimize(
        lambda x: loss(logits, labels, math.exp(x[0])), [0.0], method="Nelder-Mead", tol=1e-10
    )
    assert found.value == pytest.approx(math.exp(other.x[0]), rel=1e-3)
    assert found.loss == pytest.approx(float(other.fun), rel=1e-5)
    constants = np.random.default_rng(7).normal(0.0, 50.0, (300, 1))
    assert fit_temperature(logits + constants, labels).value == found.value


def test_the_standard_error_is_that_of_repetition() -> None:
    found = [fit_temperature(*drawn(1000, temperature=1.5, seed=seed)) for seed in range(60)]
    spread = float(np.std([fit.value for fit in found], ddof=1))
    # A spread of 60 is itself uncertain by about 1 / sqrt(2 * 59), 9 %: three times that.
    assert spread == pytest.approx(float(np.mean([f.standard_error for f in found])), rel=0.3)


def test_pictures_that_determine_no_temperature() -> None:
    logits, _ = drawn(100, temperature=1.0, seed=8)
    with pytest.raises(NoTemperatureError, match="all but all right, or no better than guessed"):
        fit_temperature(logits, logits.argmax(axis=1))
    with pytest.raises(NoTemperatureError, match="the 100 validation pictures"):
        fit_temperature(logits, logits.argmin(axis=1))


@pytest.mark.parametrize("count", [1, 15, 300])
@pytest.mark.parametrize("lead", [0.01, 1.5, 2.0, 4.0, 12.0, 60.0])
def test_answers_that_are_all_right_determine_no_temperature(lead: float, count: int) -> None:
    """The likelihood grows to its end in floating point, above the lowest temperature tried."""
    random = np.random.default_rng(9)
    logits, labels = random.normal(0.0, 1.0, (count, 3)), random.integers(0, 3, count)
    places = np.arange(count)
    logits[places, labels] = logits.max(axis=1) + random.uniform(lead, lead + 1.0, count)
    with pytest.raises(NoTemperatureError, match="all but all right"):
        fit_temperature(logits, labels)


def test_one_wrong_answer_of_few_may_determine_one() -> None:
    logits, labels = drawn(40, temperature=1.0, seed=10)
    found = fit_temperature(logits, labels)
    assert 0 < found.standard_error < found.value


# --- threshold ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 0.999))
def test_the_bound_is_clopper_and_pearson_s(right: int, wrong: int, level: float) -> None:
    count = right + wrong
    # Their closed form, and what it means: so many or more right have the probability 1 - level.
    expected = beta.ppf(1 - level, right, wrong + 1) if right else 0.0
    found = lower_bound(right, count, level)
    assert found == pytest.approx(float(expected), abs=1e-9)
    if right:
        assert binom.sf(right - 1, count, found) == pytest.approx(1 - level, rel=1e-5)


def test_coverage_by_hand() -> None:
    confidence, right = np.array([0.25, 0.5, 0.75, 0.75]), np.array([False, True, True, False])
    found = coverage_at(0.5, confidence, right)
    assert (found.accepted, found.right, found.coverage) == (3, 2, 0.75)
    assert found.accuracy == pytest.approx(2 / 3)
    assert coverage_at(0.8, confidence, right).accuracy is None
    curve = coverage_curve(confidence, right)
    assert len(curve) == STEPS
    assert (curve[0].accepted, curve[128].accepted, curve[129].accepted) == (4, 3, 2)


def test_the_lowest_threshold_that_keeps_the_promise() -> None:
    logits, labels = drawn(8000, temperature=1.0, seed=9)
    scores = scores_at(logits, 1.0)
    answers = logits.argmax(axis=1)
    confidence = scores.max(axis=1).astype(np.float64)
    right = answers == labels
    found = choose_threshold(confidence, right, accept_accuracy=0.9)
    assert found.value is not None
    assert found.on == coverage_at(found.value, confidence, right)
    assert found.bound is not None
    assert found.bound >= 0.9
    below = coverage_at(found.value - 1 / STEPS, confidence, right)
    level = 1 - 0.05 / 9  # 257 outcomes: nine looks
    assert lower_bound(below.right, below.accepted, level) < 0.9
    strict = choose_threshold(confidence, right, accept_accuracy=0.97)
    assert strict.value is not None
    assert strict.value > found.value


def test_no_threshold_and_every_answer() -> None:
    confidence = np.full(200, 0.9)
    nothing = choose_threshold(confidence, np.arange(200) % 2 == 0, accept_accuracy=0.95)
    assert (nothing.value, nothing.bound, nothing.on) == (None, None, None)
    everything = choose_threshold(confidence, np.full(200, True), accept_accuracy=0.95)
    assert everything.value == 0.0
    # All right, but too few to promise it: 0.05 / 9 = 0.95^n needs 102.
    few = choose_threshold(confidence[:100], np.full(100, True), accept_accuracy=0.95)
    assert few.value is None


def test_the_promise_is_kept() -> None:
    """Chosen by 400 pictures and judged by the true probabilities, 19 of 20 times or more."""
    broken, chosen = 0, 0
    population = drawn(60_000, temperature=1.0, seed=10)[0]
    confidence = scores_at(population, 1.0).max(axis=1).astype(np.float64)
    random = np.random.default_rng(11)
    for _ in range(120):
        picked = random.choice(confidence, 400)
        found = choose_threshold(picked, random.random(400) < picked, accept_accuracy=0.85)
        if found.value is not None:
            chosen += 1
            broken += confidence[confidence >= found.value].mean() < 0.85
    assert chosen > 60
    assert broken <= 0.05 * 120


# --- resolution -----------------------------------------------------------------------------------


def test_steps_of_logits() -> None:
    step = 0.3
    found = Resolution("logits", step)
    scores = 1 / (1 + np.exp(-np.arange(-10, 10, 0.01)))
    after = 1 / (1 + np.exp(-np.arange(-10, 10, 0.01) - step))
    assert found.largest_score_step == pytest.approx(float((after - scores).max()), abs=1e-5)
    assert f"{100 * (math.exp(step) - 1):.1f} %" in found.sentence
    assert "float32" in Resolution("softmax", None).sentence


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_threshold_is_stored_only_where_it_was_asked_for(is_stored: bool) -> None:
    right = np.full(200, True)
    threshold = choose_threshold(np.full(200, 0.9), right, accept_accuracy=0.95)
    scores = Scores(Finished(None, "softmax"), threshold, is_stored, Resolution("softmax", None))
    assert threshold.value is not None
    assert scores.stored_threshold == (threshold.value if is_stored else None)
    assert ("threshold" in scores.provenance) == is_stored
    assert scores.to_json()["threshold"]["stored"] == is_stored


def test_the_surest_flips_come_first() -> None:
    names = ("a", "b", "c")
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    true = np.array([0, 1, 2, 0])
    reference, target = np.array([0, 1, 0, 0]), np.array([0, 2, 2, 1])
    scores = np.array(
        [[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3], [0.8, 0.1, 0.1]], dtype=np.float32
    )
    comparison = Comparison(
        "set",
        "validation",
        names,
        true,
        reference,
        target,
        reference_scores=scores,
        target_scores=scores[:, ::-1],
    )
    pictures = PictureSet(images, true, names, ("p0", "p1", "p2", "p3"))
    found = clearest_flips(comparison, pictures)
    assert [flip.name for flip in found] == ["p3", "p1", "p2"]
    assert [flip.image[0, 0, 0] for flip in found] == [3, 1, 2]
    assert [flip.kind for flip in found] == ["lost", "lost", "gained"]
    assert [(f.truth, f.reference, f.target) for f in found][1] == ("b", "b", "c")
    assert [f.reference_score for f in found] == pytest.approx([0.8, 0.5, 0.4])
    assert [f.target_score for f in found] == pytest.approx([0.1, 0.2, 0.4])
    assert len(clearest_flips(comparison, pictures, most=2)) == 2


# --- classes --------------------------------------------------------------------------------------


def test_a_class_that_changed_and_one_that_did_not() -> None:
    true = np.repeat([0, 1, 2], 20)
    reference, target = true.copy(), true.copy()
    target[:12] = 1  # twelve lost of class a
    target[20:22] = 0  # two of class b
    a, b, c = class_changes("abc", true, reference, target)
    assert (a.count, a.losses, a.gains, a.drop) == (20, 12, 0, 0.6)
    assert a.p_value == pytest.approx(2 * 0.5**12)
    assert a.adjusted_p_value == pytest.approx(3 * 2 * 0.5**12)
    assert (b.losses, b.p_value, c.losses) == (2, 0.5, 0)
    assert (a.is_real, b.is_real, c.is_real) == (True, False, False)


def test_a_difference_beyond_doubt_has_no_probability_of_zero() -> None:
    true = np.repeat([0, 1], 20)
    target = true.copy()
    target[:12] = 1  # p is 2 * 0.5 ** 12, by class twice that
    found = Comparison("data", "validation", ("a", "b"), true, true, target)
    assert comparison_text([found]).splitlines()[2].endswith("  < 0.01")
    assert class_text(found).splitlines()[2].endswith("  < 0.01")


def test_a_class_name_moves_no_cursor() -> None:
    true = np.repeat([0, 1], 20)
    target = true.copy()
    target[:12] = 1
    text = class_text(Comparison("data", "validation", ("\x1b[2J", "b"), true, true, target))
    assert "\x1b" not in text
    assert text.count(r"\x1b[2J") == 2  # in the table, and among the classes that changed


def test_holm_by_hand() -> None:
    # Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.9 * 1, and none below the one before.
    assert holm_adjusted([0.02, 0.9, 0.01, 0.03]) == pytest.approx((0.06, 0.9, 0.04, 0.06))
    assert holm_adjusted([0.5, 0.5]) == (1.0, 1.0)
    assert holm_adjusted([]) == ()
