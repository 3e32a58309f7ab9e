"""Pictures of any size and layout: preprocessing against Pillow, answers among themselves."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from float_strategies import floats
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minivgg_edge import Classifier, resample
from minivgg_edge.preprocess import Crop, Engine, preprocess, to_rgb

SIDES = st.one_of(st.integers(1, 40), st.integers(1, 700))
MODEL_SIDES = st.one_of(st.just(32), st.integers(1, 64))
CHANNELS = st.sampled_from([(), (1,), (3,), (4,)])
LAYOUTS = ("contiguous", "columns first", "reversed", "every second", "part", "channels last of 8")
Pixels = np.ndarray[Any, Any]


def _of_layout(layout: str, shape: tuple[int, ...], seed: int) -> Pixels:
    """Noise of a shape, in memory in another way than C would have it."""
    generator = np.random.default_rng(seed)

    def noise(*sides: int) -> Pixels:
        return generator.integers(0, 256, sides, dtype=np.uint8)

    height, width, *channels = shape
    if layout == "columns first":
        return noise(width, height, *channels).swapaxes(0, 1)
    if layout == "reversed":
        return noise(*shape)[tuple([slice(None, None, -1)] * len(shape))]
    if layout == "every second":
        return noise(2 * height, 2 * width, *channels)[::2, ::2]
    if layout == "part":
        return noise(height + 3, width + 2, *channels)[1:-2, 1:-1]
    if layout == "channels last of 8" and channels:
        return noise(height, width, 8)[:, :, 1 : 1 + channels[0]]
    return noise(*shape)


@st.composite
def pictures(draw: st.DrawFn, sides: st.SearchStrategy[int] = SIDES) -> Pixels:
    """A picture that `preprocess` takes."""
    shape = (draw(sides), draw(sides), *draw(CHANNELS))
    return _of_layout(draw(st.sampled_from(LAYOUTS)), shape, draw(st.integers(0, 2**32 - 1)))


def _pillow_rgb(picture: Pixels) -> Image.Image:
    """RGB by Pillow alone: grey repeated, alpha over white."""
    image = Image.fromarray(
        np.ascontiguousarray(picture.squeeze(2) if picture.shape[2:] == (1,) else picture)
    )
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def _crop_box(rows: int, columns: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the center crop, in exact arithmetic."""

    def kept(exact: Fraction) -> int:
        return max(1, int(exact + Fraction(1, 2)))  # half up

    if Fraction(columns, rows) > Fraction(width, height):
        size = kept(Fraction(rows * width, height))
        left = (columns - size) // 2  # of an odd rest, the right side loses one more
        return left, 0, left + size, rows
    size = kept(Fraction(columns * height, width))
    top = (rows - size) // 2
    return 0, top, columns, top + size


def _expected(picture: Pixels, height: int, width: int, crop: Crop) -> Pixels:
    """The whole of preprocessing by Pillow."""
    image = _pillow_rgb(picture)
    if crop == "center":
        image = image.crop(_crop_box(image.height, image.width, height, width))
    # One call per pass: Pillow 13 would otherwise choose their order by the cost.
    for size in ((width, image.height), (width, height)):
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


@settings(max_examples=60, deadline=None)
@given(
    picture=pictures(),
    height=MODEL_SIDES,
    width=MODEL_SIDES,
    crop=st.sampled_from(["none", "center"]),
    engine=st.sampled_from(["numpy", "pillow", "auto"]),
)
def test_preprocess_is_what_pillow_does(
    picture: Pixels, height: int, width: int, crop: Crop, engine: Engine
) -> None:
    before = picture.copy()
    result = preprocess(picture, height=height, width=width, crop=crop, engine=engine)
    np.testing.assert_array_equal(result, _expected(picture, height, width, crop))
    assert result.flags.c_contiguous
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)


@settings(max_examples=40, deadline=None)
@given(picture=pictures(), height=SIDES, width=SIDES)
def test_the_resampler_up_and_down_to_any_size(picture: Pixels, height: int, width: int) -> None:
    rgb = to_rgb(picture)
    np.testing.assert_array_equal(rgb, np.asarray(_pillow_rgb(picture)))
    np.testing.assert_array_equal(
        resample.resize(rgb, height, width), _expected(rgb, height, width, "none")
    )


@settings(max_examples=60, deadline=None)
@given(rows=SIDES, columns=SIDES, height=MODEL_SIDES, width=MODEL_SIDES)
def test_the_crop_keeps_the_middle(rows: int, columns: int, height: int, width: int) -> None:
    left, top, right, bottom = _crop_box(rows, columns, height, width)
    assert (right - left, bottom - top) != (0, 0)
    # As large as it can be: it spans one axis, and is centered to within a pixel on the other.
    assert right - left == columns or bottom - top == rows
    assert 0 <= (columns - right) - left <= 1
    assert 0 <= (rows - bottom) - top <= 1
    # Rows and columns as values: what is cut out shows where it came from.
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[top:bottom, left:right] = 200
    cropped = preprocess(picture, height=height, width=width, crop="center", engine="numpy")
    assert cropped.min() == cropped.max() == 200


@settings(max_examples=30, deadline=None)
@given(value=st.integers(0, 255), rows=SIDES, columns=SIDES, height=MODEL_SIDES, width=MODEL_SIDES)
def test_one_color_stays_that_color(
    value: int, rows: int, columns: int, height: int, width: int
) -> None:
    picture = np.full((rows, columns, 3), value, np.uint8)
    result = preprocess(picture, height=height, width=width, engine="numpy")
    assert result.min() == result.max() == value


# --- answers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier() as loaded:
        yield loaded


@settings(max_examples=60, deadline=None)
@given(
    batch=st.lists(pictures(st.one_of(st.just(32), st.integers(1, 80))), min_size=1, max_size=3),
    top_k=st.integers(1, 12),
    threshold=st.one_of(st.none(), floats(0, 1), st.sampled_from([0, 1, 0.00390625])),
)
def test_one_by_one_in_a_batch_and_as_scores(
    classifier: Classifier, batch: list[Pixels], top_k: int, threshold: float | None
) -> None:
    together = list(classifier.classify_batch(batch, top_k=top_k, threshold=threshold))
    assert len(together) == len(batch)
    for picture, answer in zip(batch, together, strict=True):
        assert classifier.classify(picture, top_k=top_k, threshold=threshold) == answer
        scores = classifier.scores(picture).tolist()
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:top_k]
        kept = [i for i in order if threshold is None or scores[i] >= threshold]
        assert [(p.index, p.score, p.label) for p in answer] == [
            (i, scores[i], classifier.labels[i]) for i in kept
        ]


@settings(max_examples=20, deadline=None)
@given(picture=pictures(st.integers(1, 80)))
def test_an_array_and_its_lossless_file_get_the_same_answer(
    classifier: Classifier, picture: Pixels
) -> None:
    import io

    stream = io.BytesIO()
    flat = picture.squeeze(2) if picture.shape[2:] == (1,) else picture
    image = Image.fromarray(np.ascontiguousarray(flat))
    image.save(stream, "PNG")
    expected = classifier.scores(picture).tolist()
    assert classifier.scores(stream.getvalue()).tolist() == expected
    assert classifier.scores(image).tolist() == expected
