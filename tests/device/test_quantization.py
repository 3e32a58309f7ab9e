"""Scale and zero point arithmetic against hand-worked tables and numpy's definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from float_strategies import floats
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge.quantization import (
    dequantize,
    input_table,
    output_table,
    quantize,
    softmax,
    top_k,
)

DTYPES = st.sampled_from(["uint8", "int8"])
SCALES = floats(1e-6, 1e6)


def test_quantize_by_hand() -> None:
    # real / 0.5 + 10: halves go away from zero before the zero point is added.
    real = [-100.0, -0.75, -0.25, -0.2, 0.0, 0.2, 0.25, 0.75, 1.0, 1000.0]
    expected = [-128, 8, 9, 10, 10, 10, 11, 12, 12, 127]
    np.testing.assert_array_equal(quantize(real, 0.5, 10, "int8"), np.array(expected, np.int8))


def test_quantize_does_not_round_up_below_one_half() -> None:
    below = math.nextafter(0.5, 0.0)
    assert quantize([below, 0.5, -below, -0.5], 1.0, 0, "int8").tolist() == [0, 1, 0, -1]


def test_quantize_saturates_infinity_and_refuses_nan() -> None:
    assert quantize([math.inf, -math.inf, 1e308], 1e-6, 3, "uint8").tolist() == [255, 0, 255]
    with pytest.raises(ValueError, match="expected numbers, got NaN"):
        quantize([0.0, math.nan], 1.0, 0, "uint8")


def test_dequantize_by_hand() -> None:
    values = np.array([-128, -1, 0, 127], np.int8)
    np.testing.assert_array_equal(
        dequantize(values, 1 / 256, -128),
        np.array([0, 127 / 256, 128 / 256, 255 / 256], np.float32),
    )
    values = np.array([0, 200, 255], np.uint8)
    np.testing.assert_array_equal(
        dequantize(values, 2.0, 200), np.array([-400.0, 0.0, 110.0], np.float32)
    )
    assert dequantize(values, 2.0, 200).dtype == np.float32


@settings(deadline=None)
@given(dtype=DTYPES, scale=SCALES, data=st.data())
def test_every_value_survives_the_round_trip(dtype: str, scale: float, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(limits.min, limits.max))
    values = np.arange(limits.min, limits.max + 1).astype(dtype)
    real = dequantize(values, scale, zero_point)
    np.testing.assert_array_equal(quantize(real, scale, zero_point, dtype), values)


@settings(deadline=None)
@given(dtype=DTYPES, scale=SCALES, data=st.data())
def test_error_is_at_most_half_a_step(dtype: str, scale: float, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(limits.min, limits.max))
    low, high = scale * (limits.min - zero_point), scale * (limits.max - zero_point)
    real = data.draw(floats(low, high))
    back = float(dequantize(quantize([real], scale, zero_point, dtype), scale, zero_point)[0])
    # Beside half a step, the float32 rounding of the result: 2**-24 of at most 255 steps.
    assert abs(back - real) <= scale * (0.5 + 255 * 2**-23)


def test_input_table() -> None:
    assert input_table(1.0, 0, "uint8") is None
    shifted = input_table(1.0, -128, "int8")
    assert shifted is not None
    np.testing.assert_array_equal(shifted, np.arange(-128, 128).astype(np.int8))
    saturating = input_table(1.0, 0, "int8")
    assert saturating is not None
    assert saturating.tolist() == [*range(128), *[127] * 128]
    halved = input_table(2.0, 0, "uint8")
    assert halved is not None
    assert halved[:6].tolist() == [0, 1, 1, 2, 2, 3]
    assert halved.dtype == np.uint8


def test_output_table_is_indexed_by_bit_pattern() -> None:
    table = output_table(1 / 256, -128, "int8")
    values = np.array([-128, -1, 0, 127], np.int8)
    np.testing.assert_array_equal(table[values.view(np.uint8)], dequantize(values, 1 / 256, -128))
    # A list of it can be indexed by the signed value: Python counts negative ones from the end.
    assert [table.tolist()[v] for v in values.tolist()] == [0, 127 / 256, 128 / 256, 255 / 256]


def test_softmax_by_hand() -> None:
    logits = np.log(np.array([1.0, 2.0, 5.0])).astype(np.float32)
    np.testing.assert_allclose(softmax(logits), [1 / 8, 2 / 8, 5 / 8], rtol=1e-6)
    # Temperature 2 is the square root of the odds.
    roots = np.sqrt([1.0, 2.0, 5.0])
    np.testing.assert_allclose(softmax(logits, 2.0), roots / roots.sum(), rtol=1e-6)
    assert softmax(logits).dtype == np.float32


def test_softmax_does_not_overflow() -> None:
    scores = softmax(np.array([1e30, 0.0, -1e30], np.float32))
    assert scores.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("values", "k", "expected"),
    [
        ([3, 9, 9, 1], 1, [1]),
        ([3, 9, 9, 1], 2, [1, 2]),
        ([3, 9, 9, 1], 3, [1, 2, 0]),
        ([3, 9, 9, 1], 99, [1, 2, 0, 3]),
        ([7, 7, 7], 2, [0, 1]),
        ([0, 255, 128], 3, [1, 2, 0]),
    ],
)
def test_top_k(values: list[int], k: int, expected: list[int]) -> None:
    assert top_k(np.array(values, np.uint8), k) == expected
    assert top_k(np.array(values, np.float32), k) == expected


def test_top_k_of_int8() -> None:
    assert top_k(np.array([-128, 127, -1], np.int8), 3) == [1, 2, 0]
