"""Mixup and CutMix against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from convert.training.mixing import Mix, Mixing

TARGETS = np.eye(2, dtype=np.float32)


def test_blended_pictures_and_targets_by_hand():
    images = np.stack([np.full((2, 2, 3), 0, np.uint8), np.full((2, 2, 3), 100, np.uint8)])
    mix = Mix(np.array([1, 0]), np.array([0.75, 0.4], np.float32))
    assert mix.pictures(images)[:, 0, 0, 0].tolist() == [25, 40]
    np.testing.assert_allclose(mix.targets(TARGETS), [[0.75, 0.25], [0.6, 0.4]], rtol=1e-6)


def test_pasted_boxes_by_hand():
    images = np.stack([np.full((4, 4, 3), 1, np.uint8), np.full((4, 4, 3), 9, np.uint8)])
    mix = Mix(
        np.array([1, 0]), np.array([0.5, 1], np.float32), np.array([[0, 2, 0, 4], [1, 1, 1, 1]])
    )
    mixed = mix.pictures(images)
    assert mixed[0, :, 0, 0].tolist() == [9, 9, 1, 1]
    assert (mixed[1] == 9).all()
    assert (images[0] == 1).all()


def test_a_box_covers_the_area_that_the_share_leaves():
    mix = Mixing(cutmix=1.0).draw(500, 32, 32, np.random.default_rng(0))
    top, bottom, left, right = mix.boxes.T
    areas = (bottom - top) * (right - left) / 32**2
    np.testing.assert_allclose(mix.shares, 1 - areas, atol=1e-6)
    assert sorted(mix.partners) == list(range(500))
    assert areas.std() > 0.1
    # Shares near 1/2: a box that no border cuts covers half of the picture, but for its rounding.
    top, bottom, left, right = (
        Mixing(cutmix=100.0).draw(500, 32, 32, np.random.default_rng(0)).boxes.T
    )
    assert 0.4 < ((bottom - top) * (right - left)).max() / 32**2 < 0.65


def test_shares_of_mixup_follow_its_beta_distribution():
    shares = Mixing(mixup=0.2).draw(4000, 8, 8, np.random.default_rng(0)).shares
    # Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)); five standard errors.
    assert shares.mean() == pytest.approx(0.5, abs=5 * 0.42 / 4000**0.5)
    assert shares.var() == pytest.approx(1 / (4 * 1.4), abs=0.01)


def test_both_take_turns_and_a_probability_leaves_batches_alone():
    generator = np.random.default_rng(0)
    both = [Mixing(mixup=1, cutmix=1).draw(4, 8, 8, generator).boxes is None for _ in range(100)]
    assert 20 < sum(both) < 80
    half = [Mixing(mixup=1, probability=0.5).draw(4, 8, 8, generator) for _ in range(100)]
    assert 20 < sum(mix is None for mix in half) < 80


def test_nothing_is_drawn_without_an_alpha():
    generator = np.random.default_rng(0)
    assert Mixing().draw(4, 8, 8, generator) is None
    assert generator.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mixup": -1.0}, r"expected mixup in 0\.\.100, got -1\.0"),
        ({"cutmix": float("nan")}, r"expected cutmix in 0\.\.100, got nan"),
        ({"probability": 0.0}, r"expected a probability in 0\.\.1 \(0 excluded\), got 0\.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Mixing(**arguments)
