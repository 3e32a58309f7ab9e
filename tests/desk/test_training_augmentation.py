"""Augmentation: each change against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from convert.training.augmentation import Augmentation


def test_augmentation_off_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    varied = Augmentation(crop_fraction=0, flip=False, cutout_fraction=0).apply(
        images, np.random.default_rng(1)
    )
    np.testing.assert_array_equal(varied.images, images)
    assert not varied.mirrored.any()


def test_crop_shifts_by_at_most_the_fraction_and_fills_with_black():
    images = np.full((200, 8, 8, 3), 255, dtype=np.uint8)
    crop = Augmentation(crop_fraction=0.25, flip=False, cutout_fraction=0)
    varied = crop.apply(images, np.random.default_rng(0)).images
    rows = (varied[:, :, :, 0] > 0).any(axis=2).sum(axis=1)
    columns = (varied[:, :, :, 0] > 0).any(axis=1).sum(axis=1)
    # Two pixels of padding on 8: between 6 and 8 rows stay, and all three cases occur.
    assert set(rows) == set(columns) == {6, 7, 8}
    assert images.min() == 255


def test_flip_mirrors_about_half_of_the_pictures_left_to_right():
    images = np.zeros((1000, 4, 4, 3), dtype=np.uint8)
    images[:, 1, 0] = 7
    both = Augmentation(0, True, 0).apply(images, np.random.default_rng(0))
    varied, mirrored = both.images, both.mirrored
    np.testing.assert_array_equal(mirrored, varied[:, 1, 3, 0] == 7)
    assert (varied[~mirrored, 1, 0, 0] == 7).all()
    # 1000 fair coins: 6 standard deviations of 15.8.
    assert abs(int(mirrored.sum()) - 500) < 95


def test_cutout_blacks_out_at_most_its_square():
    images = np.full((300, 8, 8, 3), 9, dtype=np.uint8)
    varied = Augmentation(0, False, 0.5).apply(images, np.random.default_rng(0)).images
    black = (varied[..., 0] == 0).sum(axis=(1, 2))
    # A square of side 4 reaches over the border by up to half: 2x2 to 4x4 pixels are seen.
    assert black.min() == 4
    assert black.max() == 16


def test_jitter_scales_brightness_and_contrast_about_the_mean():
    images = np.full((2000, 2, 2, 3), 100, dtype=np.uint8)
    images[:, 0] = 60
    light = Augmentation(0, False, 0, jitter=0.2)
    varied = light.apply(images, np.random.default_rng(0)).images.astype(float)
    # Rows of 60 and 100: their mean 80 is only brightened, their distance also stretched.
    brightness = varied.mean(axis=(1, 2, 3)) / 80
    contrast = (varied[:, 1, 0, 0] - varied[:, 0, 0, 0]) / 40 / brightness
    for factors in (brightness, contrast):
        assert 0.8 - 0.02 < factors.min() < 0.85
        assert 1.15 < factors.max() < 1.2 + 0.02
        assert factors.mean() == pytest.approx(1.0, abs=0.02)
    assert abs(np.corrcoef(brightness, contrast)[0, 1]) < 0.1


def test_jitter_stays_in_the_range_of_a_pixel():
    images = np.random.default_rng(0).integers(0, 2, (50, 4, 4, 3), dtype=np.uint8) * 255
    varied = Augmentation(0, False, 0, jitter=1.0).apply(images, np.random.default_rng(0)).images
    assert varied.dtype == np.uint8
    # Wrapped around, light pixels would become dark ones.
    assert (varied[images == 255].mean()) > varied[images == 0].mean() + 50


@pytest.mark.parametrize("more", [{}, {"rotate_deg": 10.0}], ids=["crop", "warp"])
def test_light_is_that_of_the_picture_not_of_the_black_around_it(more):
    images = np.full((200, 8, 8, 3), 200, dtype=np.uint8)
    images[:, ::2] = 60
    varied = (
        Augmentation(0.25, False, 0, jitter=0.2, **more)
        .apply(images, np.random.default_rng(0))
        .images
    )
    # Brightness and contrast of 0.8 leave at least 0.8 * (130 - 0.8 * 70) = 59... of 60: 0.8 * 48.
    inside = varied[varied > 0]
    outside = (varied == 0).mean()
    assert outside > 0.05
    if not more:  # no resampling that would mix the border with the picture
        assert inside.min() >= 0.8 * (130 - 1.2 * 70) - 1


def test_half_of_the_pictures_are_blurred_by_radii_up_to_the_given():
    sharp = np.zeros((4000, 9, 9, 3), dtype=np.uint8)
    sharp[:, 4, 4] = 255
    varied = Augmentation(0, False, 0, blur=1.5).apply(sharp, np.random.default_rng(0)).images
    changed = (varied != sharp).any(axis=(1, 2, 3))
    # A radius of less than about a tenth of a pixel changes no value.
    assert 0.40 < changed.mean() < 0.52
    strongest = Image.fromarray(sharp[0]).filter(ImageFilter.GaussianBlur(1.5))
    peaks = varied[changed, 4, 4, 0].astype(int)
    assert np.asarray(strongest)[4, 4, 0] <= peaks.min() < 30
    # Light is spread, not lost, and each channel alike.
    middle = varied[changed].astype(float).sum(axis=(1, 2)) / 255
    assert middle == pytest.approx(np.ones_like(middle), abs=0.15)
    assert sharp[:, 4, 4].min() == 255  # what was given is left alone
    none = Augmentation(0, False, 0).apply(sharp, np.random.default_rng(0)).images
    np.testing.assert_array_equal(none, sharp)


@pytest.mark.parametrize("more", [{}, {"rotate_deg": 10.0}], ids=["crop", "warp"])
def test_clear_pictures_are_moved_alike_and_keep_their_looks(more):
    images = np.random.default_rng(5).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)
    changed = Augmentation(blur=1.0, jitter=0.5, **more)
    varied = changed.apply(images, np.random.default_rng(0), clear=True)
    assert (varied.images != varied.clear).any(axis=(1, 2, 3)).mean() > 0.9
    # Pixels of no light stay so: what is cut out or comes from outside is so in both.
    outside = (varied.clear == 0).all(axis=3)
    assert outside.mean() > 0.05
    assert (varied.images[outside] == 0).mean() > 0.95


def test_to_ask_for_clear_pictures_draws_nothing():
    images = np.random.default_rng(5).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    changed = Augmentation(blur=1.0, jitter=0.5)
    states = []
    for clear in (False, True):
        generator = np.random.default_rng(0)
        varied = changed.apply(images, generator, clear=clear)
        assert (varied.clear is not None) == clear
        states.append((generator.bit_generator.state, varied.images.tobytes()))
    assert states[0] == states[1]


def test_clear_pictures_are_those_of_an_augmentation_without_looks():
    """Where no look is drawn by chance, the same draws move the same pictures."""
    images = np.random.default_rng(5).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)

    class NoLooks(Augmentation):
        def _change_light(self, images, generator):
            return images // 2

    varied = NoLooks(jitter=0.5).apply(images, np.random.default_rng(3), clear=True)
    moved = Augmentation().apply(images, np.random.default_rng(3), clear=True)
    np.testing.assert_array_equal(varied.clear, moved.images)
    np.testing.assert_array_equal(varied.images, moved.images // 2)
    assert moved.clear is None


def test_augmentation_refuses_fractions_out_of_range():
    with pytest.raises(ValueError, match=r"expected crop_fraction in 0\.\.1, got 1\.5"):
        Augmentation(crop_fraction=1.5)


def test_turning_by_a_known_angle():
    """A quarter turn moves the corner of a square picture as Pillow's own rotation does."""
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)

    class Known:
        def uniform(self, low, high, size):
            return np.full(size, high if high == 90.0 else 0.0)

        def random(self, count):
            return np.ones(count)

    turned = Augmentation(0.0, True, 0.0, rotate_deg=90.0).apply(images, Known()).images
    expected = np.asarray(Image.fromarray(images[0]).rotate(-90))
    # The bilinear weights are rounded, so a value may be one step off.
    np.testing.assert_allclose(turned[0].astype(int), expected.astype(int), atol=1)


def test_zoom_and_shift_stay_within_their_bounds():
    images = np.full((200, 32, 32, 3), 255, dtype=np.uint8)
    generator = np.random.default_rng(0)
    shifted = Augmentation(0.125, False, 0.0, rotate_deg=1e-9).apply(images, generator).images
    # Shifted by up to 4 of 32 either way: what is behind is black, the middle never is.
    assert (shifted[:, 5:-5, 5:-5] == 255).all()
    assert (shifted[:, 0] == 0).any()
    smaller = Augmentation(0.0, False, 0.0, zoom=0.5).apply(images, generator).images
    shares = (smaller == 255).mean(axis=(1, 2, 3))
    assert shares.max() == 1.0
    assert 1 / 1.5**2 - 0.1 < shares.min() < 0.6


@pytest.mark.parametrize(
    ("values", "message"),
    [({"rotate_deg": 181.0}, "rotate_deg in 0..180"), ({"zoom": -0.1}, "zoom in 0..1")],
)
def test_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**values)
