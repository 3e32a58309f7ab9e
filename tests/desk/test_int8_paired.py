"""Paired statistics against hand-worked values and an independent computation."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from convert.data.split_file import SplitRule
from convert.int8.gate import DEFAULT_MAX_DROP
from convert.int8.paired import drop_interval, drop_upper_bound, mcnemar_p, score_statistic

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("losses", "gains", "expected"),
    [
        (0, 0, 1.0),
        (5, 0, 2 / 2**5),
        (0, 5, 2 / 2**5),
        (3, 3, 1.0),
        # 2 * (C(10,0) + C(10,1) + C(10,2)) / 2^10
        (8, 2, 2 * (1 + 10 + 45) / 1024),
        # 2 * (C(8,0) + C(8,1)) / 2^8
        (1, 7, 2 * (1 + 8) / 256),
    ],
)
def test_mcnemar(losses: int, gains: int, expected: float) -> None:
    assert mcnemar_p(losses, gains) == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 50, 2500])
def test_interval_without_a_difference(count: int) -> None:
    """With no differing picture the equation (n d)^2 = z^2 n d (1 - d) gives d = z^2/(n + z^2)."""
    z = NormalDist().inv_cdf(0.975)
    interval = drop_interval(0, 0, count)
    assert interval.high == pytest.approx(z**2 / (count + z**2))
    assert interval.low == pytest.approx(-interval.high)
    one_sided = NormalDist().inv_cdf(0.95)
    assert drop_upper_bound(0, 0, count) == pytest.approx(one_sided**2 / (count + one_sided**2))


def _statistic_by_search(losses: int, gains: int, count: int, drop: float) -> float:
    """The score statistic with the nuisance parameter found by maximizing the likelihood."""
    same = count - losses - gains
    # P(gain) = q and P(loss) = q + drop; neither is negative, and their sum is at most 1.
    low, high = max(0.0, -drop), (1.0 - drop) / 2.0
    q = np.linspace(low, high, 2_000_003)[1:-1]
    likelihood = gains * np.log(q) + losses * np.log(q + drop) + same * np.log(1 - 2 * q - drop)
    best = q[likelihood.argmax()]
    return (losses - gains - count * drop) / math.sqrt(count * (2 * best + drop - drop**2))


@pytest.mark.parametrize(
    ("losses", "gains", "count", "drop"),
    [(12, 4, 100, 0.01), (12, 4, 100, 0.2), (1, 6, 40, 0.1), (30, 25, 2500, 0.005)],
)
def test_score_statistic_against_a_search(losses: int, gains: int, count: int, drop: float) -> None:
    expected = _statistic_by_search(losses, gains, count, drop)
    assert score_statistic(losses, gains, count, drop) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("losses", "gains", "count"), [(12, 4, 100), (3, 0, 20), (25, 30, 2500)])
def test_interval_ends_are_where_the_test_rejects(losses: int, gains: int, count: int) -> None:
    z = NormalDist().inv_cdf(0.975)
    interval = drop_interval(losses, gains, count)
    assert interval.low < (losses - gains) / count < interval.high
    assert score_statistic(losses, gains, count, interval.high) == pytest.approx(-z, abs=1e-6)
    assert score_statistic(gains, losses, count, -interval.low) == pytest.approx(-z, abs=1e-6)


def test_exchanging_the_models_mirrors_the_interval() -> None:
    one, other = drop_interval(9, 2, 200), drop_interval(2, 9, 200)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_many_pairs_give_the_wald_interval() -> None:
    losses, gains, count = 4000, 3000, 100_000
    drop = (losses - gains) / count
    spread = math.sqrt(((losses + gains) / count - drop**2) / count)
    interval = drop_interval(losses, gains, count)
    assert interval.low == pytest.approx(drop - 1.959964 * spread, abs=2e-5)
    assert interval.high == pytest.approx(drop + 1.959964 * spread, abs=2e-5)


def test_all_pictures_lost() -> None:
    interval = drop_interval(10, 0, 10)
    assert interval.high == 1.0
    assert 0.0 < interval.low < 1.0


def test_how_many_pictures_the_docs_ask_for() -> None:
    """README.md and docs/first-hour.md: if no answer changes, of 15 % of the photos."""
    assert drop_upper_bound(0, 0, 530) > DEFAULT_MAX_DROP >= drop_upper_bound(0, 0, 540)
    assert drop_upper_bound(0, 0, 170) > 0.015 >= drop_upper_bound(0, 0, 180)
    readme, guide = (
        (ROOT / page).read_text("utf-8") for page in ("README.md", "docs/first-hour.md")
    )
    assert "at least 540 to validate, of about 3,600 in all" in readme
    assert "about 3,600 photos, of which 540 validate" in " ".join(guide.split())
    assert "`--max-drop 1.5` asks for what 180 to validate can show" in " ".join(guide.split())
    assert SplitRule(0).validation * 3600 == pytest.approx(540)
