"""Smaller pictures in the first epochs: how they are resized, which epochs, and which models."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convert.architecture import build_minivgg
from convert.errors import TrainingError
from convert.training.network import build_trained
from convert.training.recipe import Recipe
from convert.training.smaller import smaller, smaller_side, smallest_side


def test_a_picture_is_resized_as_pillow_does():
    import tensorflow as tf

    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = np.asarray(smaller(tf.constant(picture[np.newaxis], tf.float32)))[0]
    expected = np.asarray(Image.fromarray(picture).resize((24, 24), Image.Resampling.BILINEAR))
    # Pillow rounds to whole pixels behind each of its two passes.
    assert np.abs(found - expected).max() < 1.01


@pytest.mark.parametrize(("side", "expected"), [(32, 24), (64, 48), (1, 1)])
def test_sides(side, expected):
    assert smaller_side(side) == expected


@pytest.mark.parametrize(
    ("share", "epochs", "expected"), [(0.0, 30, 0), (0.5, 30, 15), (0.99, 10, 9), (0.5, 1, 0)]
)
def test_the_last_epoch_sees_whole_pictures(share, epochs, expected):
    recipe = Recipe(epochs=epochs, progressive=share, warmup_epochs=0)
    assert recipe.small_epochs == expected


@pytest.mark.parametrize("branches", ["none", "rep"])
def test_the_model_takes_both_sizes_with_the_same_weights(branches):
    plain = build_minivgg(classes=3, height=16, width=16, blocks=((4, 4),), head="gap", seed=1)
    fixed = build_trained(plain, branches=branches)
    free = build_trained(plain, branches=branches, any_size=True)
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    assert [weight.path for weight in free.weights] == [weight.path for weight in fixed.weights]
    np.testing.assert_array_equal(free(images), fixed(images))
    assert free(images[:, :12, :12]).shape == (2, 3)


def test_a_dense_head_is_refused():
    plain = build_minivgg(classes=3, height=8, width=8, blocks=((4,),), head="dense", seed=1)
    with pytest.raises(TrainingError, match="expected a pooled head with --progressive"):
        build_trained(plain, any_size=True)


def test_pictures_that_would_vanish_are_refused():
    """12 pixels are shown as 9, which three poolings leave one of; 11 as 8, 10 as 7: too few."""
    assert smallest_side(8) == 11
    blocks = ((4,), (4,), (4,))
    sides = {"classes": 3, "blocks": blocks, "head": "gap", "seed": 1}
    fits = build_trained(build_minivgg(height=11, width=11, **sides), any_size=True)
    images = np.zeros((1, 8, 8, 3), dtype=np.float32)
    assert fits(images).shape == (1, 3)
    with pytest.raises(TrainingError, match="of at least 11 pixels with --progressive, got 10"):
        build_trained(build_minivgg(height=10, width=10, **sides), any_size=True)


def test_a_share_of_one_is_refused():
    with pytest.raises(ValueError, match=r"progressive in 0\.\.1 \(1 excluded\), got 1\.0"):
        Recipe(progressive=1.0)
