"""The gate on hand-made answers."""

from __future__ import annotations

import numpy as np
import pytest

from convert.int8.comparison import Comparison
from convert.int8.gate import judge, pictures_needed

_LABELS = tuple("abcde")


def comparison(losses: int, gains: int, count: int) -> Comparison:
    """Both models right on all pictures but the first `losses` and the next `gains`."""
    true = np.arange(count) % 5
    reference, target = true.copy(), true.copy()
    target[:losses] = (true[:losses] + 1) % 5
    lost = slice(losses, losses + gains)
    reference[lost] = (true[lost] + 1) % 5
    return Comparison("set", "validation", _LABELS, true, reference, target)


def test_the_same_answers_pass() -> None:
    verdict = judge(comparison(0, 0, 1000))
    assert (verdict.status, verdict.exit_code) == ("pass", 0)
    assert verdict.reason == (
        "the compiled model loses 0.00 points on 1000 pictures, within the 0.50 points allowed"
    )


def test_a_significant_drop_fails() -> None:
    # 20 of 1000 lost, none gained: 2 points, p = 2 / 2^20.
    verdict = judge(comparison(20, 0, 1000))
    assert (verdict.status, verdict.exit_code) == ("fail", 1)
    assert "loses 2.00 points on 1000 pictures (p = 1.9e-06), more than the 0.50" in verdict.reason


def test_the_same_drop_may_be_allowed() -> None:
    assert judge(comparison(20, 0, 1000), max_drop=0.05).status == "pass"


def test_a_drop_that_may_be_an_accident_is_not_enough() -> None:
    # 1.0 point on 200 pictures, but two lost and none gained happens by chance: p = 0.5.
    verdict = judge(comparison(2, 0, 200))
    assert (verdict.status, verdict.exit_code) == ("not-enough", 3)
    assert verdict.reason.endswith(
        "measure on more validation pictures, or allow more with --max-drop"
    )


def test_too_few_pictures_name_a_number() -> None:
    verdict = judge(comparison(0, 0, 100))
    assert verdict.status == "not-enough"
    # Without a difference the bound is z^2/(n + z^2) with z = 1.645: n = 2.7055 * 0.995/0.005.
    assert verdict.reason.endswith("about 540 validation pictures would tell")
    assert pictures_needed(comparison(0, 0, 100), max_drop=0.005) == 540
    assert judge(comparison(0, 0, 540)).status == "pass"
    assert judge(comparison(0, 0, 530)).status == "not-enough"


def test_a_picture_won_by_chance_makes_not_fewer_do() -> None:
    for losses, gains, count in ((0, 1, 21), (0, 2, 21), (0, 1, 200)):
        assert pictures_needed(comparison(losses, gains, count), max_drop=0.005) == 540
    # As many won as lost: the bound is about 1.645 * sqrt(0.02 / n), which is 0.005 at 2,200.
    balanced = pictures_needed(comparison(3, 3, 300), max_drop=0.005)
    assert balanced is not None
    assert 2000 < balanced < 2700
    assert judge(comparison(balanced // 100, balanced // 100, balanced)).status == "pass"
    assert balanced == pictures_needed(comparison(3, 9, 300), max_drop=0.005)


def test_many_small_differences_are_measured_not_assumed() -> None:
    # 60 lost, 60 gained of 2500: no drop, but the bound is about 1.645 * sqrt(120)/2500 = 0.72 %.
    assert judge(comparison(60, 60, 2500)).status == "not-enough"
    assert judge(comparison(20, 20, 2500)).status == "pass"


def test_a_better_int8_model_passes() -> None:
    assert judge(comparison(0, 30, 1000)).status == "pass"


def test_a_collapse_fails_whatever_the_drop() -> None:
    true = np.arange(1000) % 5
    random = np.random.default_rng(0).permutation(true)
    verdict = judge(
        Comparison("set", "validation", _LABELS, true, random, np.full(1000, 3)), max_drop=1.0
    )
    assert (verdict.status, verdict.exit_code) == ("fail", 1)
    assert "collapsed to about 1.0 classes where the float model gives 5.0" in verdict.reason


def test_a_handful_of_changed_answers_is_no_collapse() -> None:
    # A picture per class of three: one flip leaves two classes, 1.9 by perplexity, of 3.0.
    true = np.arange(3)
    few = Comparison("set", "validation", _LABELS[:3], true, true, np.array([0, 1, 1]))
    assert few.target_perplexity < 0.7 * few.reference_perplexity
    verdict = judge(few)
    assert (verdict.status, verdict.exit_code) == ("not-enough", 3)

    def all_in_one(count: int) -> Comparison:
        true = np.arange(count) % 2
        return Comparison("set", "validation", _LABELS[:2], true, true, np.zeros(count, np.int64))

    assert not all_in_one(18).collapsed  # nine changed answers
    assert all_in_one(20).collapsed
    # The loss itself is no accident then, and the gate says that.
    assert judge(all_in_one(18)).status == "fail"


def test_verdict_as_json() -> None:
    verdict = judge(comparison(0, 0, 1000), max_drop=0.01)
    assert verdict.to_json() == {
        "status": "pass",
        "max_drop": 0.01,
        "reason": verdict.reason,
    }


def test_max_drop_out_of_range() -> None:
    with pytest.raises(ValueError, match="max_drop from 0 to 1, got 5"):
        judge(comparison(0, 0, 10), max_drop=5)
