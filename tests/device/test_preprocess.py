"""Arrays to the model's size: colors, crop, both engines, and every refusal."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minivgg_edge import preprocess as preprocess_module
from minivgg_edge.errors import PictureError
from minivgg_edge.preprocess import Crop, Engine, preprocess, to_rgb

RNG = np.random.default_rng(11)


def random_array(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def test_rgb_is_returned_itself() -> None:
    picture = random_array(5, 6, 3)
    assert to_rgb(picture) is picture


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1)])
def test_grey_becomes_three_equal_channels(shape: tuple[int, ...]) -> None:
    grey = random_array(*shape)
    rgb = to_rgb(grey)
    assert rgb.shape == (5, 6, 3)
    for channel in range(3):
        np.testing.assert_array_equal(rgb[:, :, channel], grey.reshape(5, 6))


def test_alpha_over_white_is_rounded_exactly() -> None:
    # every color with every alpha: 65,536 pixels against exact fractions and against Pillow
    color, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([color, color, color, alpha], axis=2).astype(np.uint8)
    rgb = to_rgb(rgba)
    for c, a in [(0, 0), (0, 255), (0, 1), (17, 128), (254, 254), (255, 3), (100, 77)]:
        exact = Fraction(c * a + 255 * (255 - a), 255)
        assert rgb[a, c].tolist() == [round(exact)] * 3
    white = Image.new("RGB", (256, 256), "white")
    image = Image.fromarray(rgba)
    white.paste(image, mask=image)
    np.testing.assert_array_equal(rgb, np.asarray(white))


def test_alpha_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rgba = random_array(23, 17, 4)
    whole = to_rgb(rgba)
    monkeypatch.setattr(preprocess_module, "_BLOCK_PIXELS", 40)
    np.testing.assert_array_equal(to_rgb(rgba), whole)


def test_model_size_is_returned_without_copy() -> None:
    picture = random_array(32, 32, 3)
    assert preprocess(picture, height=32, width=32) is picture
    assert np.shares_memory(preprocess(picture, height=32, width=32, crop="center"), picture)


def test_model_size_with_strides_becomes_contiguous() -> None:
    picture = random_array(32, 32, 3)[:, :, ::-1]
    result = preprocess(picture, height=32, width=32)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, picture)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    channels=st.sampled_from([(), (1,), (3,), (4,)]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    crop=st.sampled_from(["none", "center"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_engines_agree(
    shape: tuple[int, int],
    channels: tuple[int, ...],
    size: tuple[int, int],
    crop: Crop,
    seed: int,
) -> None:
    height, width = size
    picture = np.random.default_rng(seed).integers(0, 256, shape + channels, dtype=np.uint8)
    engines: tuple[Engine, ...] = ("pillow", "numpy", "auto")
    results = [
        preprocess(picture, height=height, width=width, crop=crop, engine=engine)
        for engine in engines
    ]
    for result in results:
        assert result.shape == (height, width, 3)
        assert result.dtype == np.uint8
        assert result.flags.c_contiguous
        np.testing.assert_array_equal(result, results[0])


def test_resizes_the_whole_picture_as_pillow_does() -> None:
    picture = random_array(48, 64, 3)
    expected = Image.fromarray(picture).resize((32, 30), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(preprocess(picture, height=30, width=32), np.asarray(expected))


@pytest.mark.parametrize(
    ("old", "new", "box"),  # box: top, bottom, left, right of the region, by hand
    [
        ((48, 64), (32, 32), (0, 48, 8, 56)),
        ((64, 48), (32, 32), (8, 56, 0, 48)),
        ((48, 65), (32, 32), (0, 48, 8, 56)),  # 17 columns fall away: 8 left, 9 right
        (
            (5, 10),
            (2, 3),
            (0, 5, 1, 9),
        ),  # 5 * 3 / 2 = 7.5 columns, rounded up to 8; 1 left, 1 right
        ((1, 100), (100, 1), (0, 1, 49, 50)),  # 0.01 columns: at least one
        ((40, 60), (20, 30), (0, 40, 0, 60)),
    ],
)
def test_center_crop(
    old: tuple[int, int], new: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    picture = random_array(*old, 3)
    top, bottom, left, right = box
    region = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right]))
    expected = np.asarray(region.resize((new[1], new[0]), Image.Resampling.BILINEAR))
    result = preprocess(picture, height=new[0], width=new[1], crop="center")
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "expected dtype uint8, values 0-255, got float32"),
        (np.full((4, 4, 3), np.nan), "expected dtype uint8, values 0-255, got float64"),
        (np.zeros((4, 4, 3), np.int8), "got int8"),
        (np.zeros((4, 4, 3), np.uint16), "got uint16"),
        (np.zeros((4, 4, 3), bool), "got bool"),
        (np.zeros((4, 4, 3), object), "got object"),
        (np.zeros((4,), np.uint8), r"expected shape \(H, W, 3\).* got \(4,\)"),
        (np.zeros((), np.uint8), r"got \(\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"got \(1, 4, 4, 3\)"),
        (np.zeros((3, 4, 5), np.uint8), r"got \(3, 4, 5\)"),
        (np.zeros((4, 4, 2), np.uint8), r"got \(4, 4, 2\)"),
        (np.zeros((4, 4, 0), np.uint8), r"got \(4, 4, 0\)"),
        (np.zeros((0, 4, 3), np.uint8), r"at least 1 x 1 pixels, got shape \(0, 4, 3\)"),
        (np.zeros((4, 0), np.uint8), r"at least 1 x 1 pixels, got shape \(4, 0\)"),
    ],
)
def test_refuses_what_is_no_picture(array: np.ndarray, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        to_rgb(array)
    with pytest.raises(PictureError, match=message):
        preprocess(array, height=4, width=4, crop="center")


@pytest.mark.parametrize("function", [to_rgb, lambda p: preprocess(p, height=2, width=2)])
def test_refuses_other_types(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match="picture: expected a numpy array, got list"):
        function([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 0, "width": 4}, "height and width: expected at least 1, got 0 and 4"),
        ({"height": 4, "width": -1}, "expected at least 1, got 4 and -1"),
        (
            {"height": 4, "width": 4, "crop": "fit"},
            'crop: expected "none" or "center", got \'fit\'',
        ),
        ({"height": 4, "width": 4, "engine": "gpu"}, "engine: expected .* got 'gpu'"),
    ],
)
def test_refuses_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preprocess(random_array(4, 4, 3), **options)  # type: ignore[arg-type]


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = random_array(50, 40, 3)
    expected = preprocess(picture, height=32, width=32, engine="pillow")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    np.testing.assert_array_equal(preprocess(picture, height=32, width=32), expected)
    with pytest.raises(PictureError, match='run: pip install "pillow>=9'):
        preprocess(picture, height=32, width=32, engine="pillow")


def test_arrays_do_not_import_pillow() -> None:
    program = """
import sys
import numpy as np
from minivgg_edge.preprocess import preprocess
picture = np.zeros((32, 32, 3), np.uint8)
preprocess(picture, height=32, width=32)
preprocess(np.zeros((32, 32, 4), np.uint8), height=32, width=32, crop="center")
preprocess(picture, height=16, width=16, engine="numpy")
assert not [name for name in sys.modules if name.split(".")[0] == "PIL"]
preprocess(picture, height=16, width=16)
assert not [name for name in sys.modules if name.split(".")[0] == "PIL"]
preprocess(picture, height=16, width=16, engine="pillow")
assert "PIL.Image" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
