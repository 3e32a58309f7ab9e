"""Pixels as scale and zero point: hand-worked tables."""

from __future__ import annotations

import numpy as np
import pytest

from convert.int8.graph import Tensor
from convert.packaging.errors import AdoptionError
from convert.packaging.normalization import (
    Normalization,
    advice,
    by_quantization,
    per_channel,
    pixel_quantization,
)


def tensor(dtype: str, scale: float, zero_point: int) -> Tensor:
    """An input as a flatbuffer has it: the scale in float32."""
    return Tensor("in", dtype, (1, 8, 8, 3), (float(np.float32(scale)),), (zero_point,), False)


def uniform(scale: float, offset: float) -> Normalization:
    return Normalization((scale,) * 3, (offset,) * 3, "option")


@pytest.mark.parametrize(
    ("source", "normalization", "scale", "zero_point", "worst"),
    [
        # MLPerf Tiny: the code is the pixel minus 128.
        (tensor("int8", 1.0, -128), uniform(1.0, 0.0), 1.0, -128, 0.0),
        # 0-1: q = (p / 255) * 255 - 128.
        (tensor("int8", 1 / 255, -128), uniform(1 / 255, 0.0), 1.0, -128, 0.0),
        (tensor("uint8", 1 / 255, 0), uniform(1 / 255, 0.0), 1.0, 0, 0.0),
        # The quantized MobileNet: q = (p / 127.5 - 1) * 128 + 128 = p * 128 / 127.5.
        (tensor("uint8", 1 / 128, 128), uniform(1 / 127.5, -1.0), 127.5 / 128, 0, 0.5),
        # The same range by TensorFlow 2: q = p - 127.5 + 127, half a step beside a whole code.
        (tensor("uint8", 1 / 127.5, 127), uniform(1 / 127.5, -1.0), 1.0, 0, 0.5),
        # Steps of two pixels.
        (tensor("int8", 2.0, -64), uniform(1.0, 0.0), 2.0, -64, 0.5),
        # Caffe's mean in one number: q = (p - 123) - 5.
        (tensor("int8", 1.0, -5), uniform(1.0, -123.0), 1.0, -128, 0.0),
    ],
)
def test_what_can_be_expressed(
    source: Tensor, normalization: Normalization, scale: float, zero_point: int, worst: float
) -> None:
    found = pixel_quantization(source, normalization)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert found.zero_point == zero_point
    assert found.worst_steps == pytest.approx(worst, abs=0.01)


def test_a_whole_step_per_pixel_is_exactly_one() -> None:
    assert pixel_quantization(tensor("uint8", 1 / 255, 0), uniform(0.00392157, 0.0)).scale == 1.0


def test_an_input_that_takes_pixels_keeps_its_own_scale() -> None:
    source = tensor("uint8", 1.00001, 0)
    assert pixel_quantization(source, uniform(1.0, 0.0)).scale == source.scales[0]


@pytest.mark.parametrize(
    ("source", "normalization", "message"),
    [
        (tensor("uint8", 1 / 255, 0), uniform(1.0, 0.0), "fits the input's quantization"),
        (tensor("uint8", 1.0, 0), uniform(1 / 255, 0.0), "2 codes are left"),
        (tensor("uint8", 1.0, 0), uniform(1.0, -100.0), "got code -100"),
        (tensor("int8", 1.0, -128), uniform(-1.0, 255.0), "expected a positive scale"),
        (
            tensor("int8", 0.02, 0),
            Normalization((0.017, 0.0175, 0.0174), (-2.1, -2.0, -1.8), "option"),
            "the same for R, G and B",
        ),
    ],
)
def test_what_cannot(source: Tensor, normalization: Normalization, message: str) -> None:
    with pytest.raises(AdoptionError, match=message):
        pixel_quantization(source, normalization)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (tensor("int8", 1.0, -128), "--scale 1"),
        (tensor("uint8", 1 / 256, 0), "--scale 1/255"),
        (tensor("int8", 1 / 127.5, -1), "--scale 1/127.5 --offset -1"),
        (tensor("uint8", 1 / 128, 128), "--scale 1/127.5 --offset -1"),
    ],
)
def test_the_range_suggests_the_options(source: Tensor, options: str) -> None:
    assert advice(source).endswith(f"which suggests {options}")


def test_only_the_range_of_pixels_needs_no_options() -> None:
    assert by_quantization(tensor("int8", 1.0, -128)) == Normalization(
        (1.0,) * 3, (0.0,) * 3, "quantization"
    )
    assert by_quantization(tensor("int8", 1 / 255, -128)) is None
    assert by_quantization(tensor("uint8", 1.5, 0)) is None
    bare = Tensor("in", "float32", (1, 8, 8, 3), (), (), False)
    assert by_quantization(bare) is None
    assert "usual are" in advice(bare)


def test_channels_and_words() -> None:
    assert per_channel((2.0,), option="--scale") == (2.0, 2.0, 2.0)
    assert per_channel((1.0, 2.0, 3.0), option="--scale") == (1.0, 2.0, 3.0)
    for values in ((), (1.0, 2.0), (float("nan"),), (1.0,) * 4):
        with pytest.raises(AdoptionError, match="--scale: expected one number"):
            per_channel(values, option="--scale")
    assert uniform(1 / 255, -1.0).words() == "0.00392157 * pixel -1"
    different = Normalization((1.0, 2.0, 3.0), (0.0,) * 3, "option")
    assert different.words() == "1 * pixel +0, 2 * pixel +0, 3 * pixel +0"
    assert uniform(1 / 127.5, -1.0).agrees(uniform(0.0078431, -1.0))
    assert not uniform(1 / 127.5, -1.0).agrees(uniform(1 / 128, -1.0))
