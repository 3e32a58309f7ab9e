"""From pixels to tensors and from tensors to scores, for every dtype that a model may have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivgg_edge import ModelFileError
from minivgg_edge.manifest import Dtype, OutputSpec
from minivgg_edge.quantization import dequantize
from minivgg_edge.scoring import Scorer, pixel_table
from minivgg_edge.tensors import TensorSpec

SHAPE = (1, 4)


def scorer(
    dtype: Dtype, *, scale: float | None = None, zero_point: int | None = None, **fields: object
) -> Scorer:
    spec = OutputSpec(4, dtype, scale, zero_point, **fields)  # type: ignore[arg-type]
    return Scorer(TensorSpec(SHAPE, dtype, scale, zero_point), spec, source="m")


def test_pixels_that_stand_for_themselves_need_no_table() -> None:
    assert pixel_table(TensorSpec((1, 8, 8, 3), "uint8", 1.0, 0)) is None


def test_pixels_of_an_int8_model() -> None:
    table = pixel_table(TensorSpec((1, 8, 8, 3), "int8", 1.0, -128))
    assert table is not None
    assert table.dtype == np.int8
    assert table[[0, 127, 128, 255]].tolist() == [-128, -1, 0, 127]


def test_pixels_of_a_float_model() -> None:
    table = pixel_table(TensorSpec((1, 8, 8, 3), "float32", None, None))
    assert table is not None
    assert table.dtype == np.float32
    assert table.tolist() == list(range(256))


@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 0), ("int8", -128)])
@pytest.mark.parametrize("steps", [(0, 1, 127, 128), (255, 0, 0, 0), (64, 64, 63, 65), (7,) * 4])
def test_probabilities_of_8_bits(dtype: Dtype, zero_point: int, steps: tuple[int, ...]) -> None:
    scale = 1 / 256
    raw = (np.array(steps) + zero_point).astype(dtype)
    of = scorer(dtype, scale=scale, zero_point=zero_point)
    expected = [step / 256 for step in steps]
    assert of.scores(raw).tolist() == expected
    assert of.scores(raw).dtype == np.float32
    order = sorted(range(4), key=lambda i: (-expected[i], i))
    for k in range(1, 6):  # one is taken by another way than several
        assert of.best(raw, k) == [(i, expected[i]) for i in order[:k]]


@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 0), ("int8", -128)])
def test_half_a_step_above_1_is_1(dtype: Dtype, zero_point: int) -> None:
    scale = 1 / 254.5
    raw = (np.array([0, 255, 254, 1]) + zero_point).astype(dtype)
    of = scorer(dtype, scale=scale, zero_point=zero_point)
    scores = of.scores(raw)
    assert scores.dtype == np.float32
    assert scores.tolist() == pytest.approx([0, 1, 254 / 254.5, 1 / 254.5])
    assert scores.max() == 1.0
    assert of.best(raw, 1) == [(1, 1.0)]
    assert of.best(raw, 2)[0] == (1, 1.0)


def test_logits_of_8_bits() -> None:
    raw = np.array([-128, 0, 1, 127], np.int8)
    of = scorer("int8", scale=0.05, zero_point=1, activation="logits", temperature=2.0)
    powers = np.exp(dequantize(raw, 0.05, 1).astype(np.float64) / 2.0)
    np.testing.assert_allclose(of.scores(raw), powers / powers.sum(), rtol=1e-6)
    assert [index for index, _ in of.best(raw, 4)] == [3, 2, 1, 0]
    assert of.best(raw, 1) == of.best(raw, 4)[:1]


def test_probabilities_of_a_float_model() -> None:
    raw = np.array([0.125, 0.5, 0.25, 0.125], np.float32)
    assert scorer("float32").scores(raw).tolist() == raw.tolist()
    assert scorer("float32").best(raw, 3) == [(1, 0.5), (2, 0.25), (0, 0.125)]


@pytest.mark.parametrize("k", [1, 4])
def test_logits_are_ranked_before_softmax_makes_equals_of_them(k: int) -> None:
    raw = np.array([0.0, 1e-9, 3e-9, 2e-9], np.float32)
    of = scorer("float32", activation="logits")
    assert of.scores(raw).tolist() == [0.25] * 4
    assert [index for index, _ in of.best(raw, k)] == [2, 3, 1, 0][:k]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_outputs_that_are_no_numbers(value: float) -> None:
    raw = np.array([0.5, value, 0.0, 0.0], np.float32)
    for k in (1, 4):
        with pytest.raises(ModelFileError, match=r"^'m': expected finite outputs, got \[0.5, "):
            scorer("float32").best(raw, k)
