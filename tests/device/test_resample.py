"""The numpy resampler against Pillow, byte for byte, and against sums worked out by hand."""

from __future__ import annotations

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minivgg_edge import resample

SIDES = st.integers(min_value=1, max_value=90)


def with_pillow(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pillow, one call per pass: Pillow 13 would otherwise choose their order by the cost."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    image = image.resize((width, image.height), Image.Resampling.BILINEAR)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def random_picture(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=100, deadline=None)
@given(old_height=SIDES, old_width=SIDES, height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1))
def test_equals_pillow(old_height: int, old_width: int, height: int, width: int, seed: int) -> None:
    picture = random_picture(seed, old_height, old_width)
    expected = with_pillow(picture, height, width)
    np.testing.assert_array_equal(resample.resize(picture, height, width), expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((1, 1), (32, 32)),
        ((1, 1), (1, 1)),
        ((2, 2), (1, 1)),
        ((7, 5), (32, 32)),
        ((31, 33), (32, 32)),
        ((32, 33), (32, 32)),  # the vertical pass is skipped
        ((33, 32), (32, 32)),  # the horizontal pass is skipped
        ((480, 640), (32, 32)),
        ((640, 480), (224, 224)),
        ((1, 5000), (32, 32)),
        ((5000, 1), (32, 32)),
        ((3, 4001), (1, 1)),
        ((1000, 3), (3, 1000)),
        ((750, 1001), (32, 32)),  # several blocks in the horizontal pass
        ((32, 32), (299, 1)),
    ],
)
@pytest.mark.parametrize("fill", ["random", "white", "black", "extremes"])
def test_equals_pillow_at_the_edges(old: tuple[int, int], new: tuple[int, int], fill: str) -> None:
    picture = random_picture(7, *old)
    if fill == "white":
        picture[:] = 255
    elif fill == "black":
        picture[:] = 0
    elif fill == "extremes":
        picture = np.where(picture < 128, np.uint8(0), np.uint8(255))
    np.testing.assert_array_equal(resample.resize(picture, *new), with_pillow(picture, *new))


def test_long_windows_do_not_pass_white() -> None:
    # 200,000 weights rounded to 22 bits add up to more than 1; the last step has to clip to 255
    picture = np.full((1, 200_000, 3), 255, dtype=np.uint8)
    np.testing.assert_array_equal(resample.resize(picture, 1, 1), with_pillow(picture, 1, 1))


@pytest.mark.parametrize(
    ("old", "new"), [((480, 640), (32, 32)), ((333, 500), (224, 224)), ((24, 32), (96, 128))]
)
def test_equals_one_call_of_pillow_for_wide_pictures(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    picture = random_picture(9, *old)
    image = Image.fromarray(picture).resize((new[1], new[0]), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resample.resize(picture, *new), np.asarray(image))


@pytest.mark.parametrize(
    ("old", "new"), [((640, 480), (32, 32)), ((50, 40), (32, 32)), ((60, 9), (5, 40))]
)
def test_tall_pictures_keep_the_order_of_passes(old: tuple[int, int], new: tuple[int, int]) -> None:
    picture = random_picture(9, *old)
    image = Image.fromarray(picture).resize((new[1], new[0]), Image.Resampling.BILINEAR)
    resized = resample.resize(picture, *new)
    if int(PIL.__version__.split(".")[0]) < 13:  # 13 chooses the order by cost
        np.testing.assert_array_equal(resized, np.asarray(image))
    np.testing.assert_allclose(resized.astype(int), np.asarray(image).astype(int), atol=1)


def test_halving_by_hand() -> None:
    # scale 2, support 2: output 0 has its center at 1.0 and the triangle's weights at 0.5, 1.5, 2.5
    # are 0.75, 0.75, 0.25 (the one at -0.5 lies outside). Normalized: 3/7, 3/7, 1/7.
    line = np.array([10, 80, 150, 220], dtype=np.uint8)
    picture = np.repeat(line[np.newaxis, :, np.newaxis], 3, axis=2)
    first = (3 * 10 + 3 * 80 + 150) / 7  # 60.0
    last = (80 + 3 * 150 + 3 * 220) / 7  # 170.0
    assert resample.resize(picture, 1, 2)[0, :, 0].tolist() == [first, last]


@pytest.mark.parametrize("view", ["flipped", "channels reversed", "every second", "transposed"])
def test_any_strides(view: str) -> None:
    picture = random_picture(3, 41, 60)
    strided = {
        "flipped": picture[::-1, ::-1],
        "channels reversed": picture[:, :, ::-1],
        "every second": picture[::2, ::2],
        "transposed": picture.transpose(1, 0, 2),
    }[view]
    resized = resample.resize(strided, 16, 20)
    np.testing.assert_array_equal(resized, with_pillow(strided, 16, 20))
    assert resized.flags.c_contiguous
    assert resized.dtype == np.uint8


@pytest.mark.parametrize("block_values", [1, 100, 1 << 20])
def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, block_values: int) -> None:
    monkeypatch.setattr(resample, "_BLOCK_VALUES", block_values)
    picture = random_picture(5, 37, 53)
    np.testing.assert_array_equal(resample.resize(picture, 8, 9), with_pillow(picture, 8, 9))


def test_result_is_not_a_view() -> None:
    picture = random_picture(5, 8, 8)
    resized = resample.resize(picture, 8, 8)
    np.testing.assert_array_equal(resized, picture)
    assert not np.shares_memory(resized, picture)
