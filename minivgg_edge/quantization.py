"""The arithmetic of quantized tensors: real value = scale * (quantized - zero_point). Pure numpy.

Source: https://ai.google.dev/edge/litert/models/quantization_spec
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

QuantizedDtype = Literal["uint8", "int8"]

_CODES = np.arange(256, dtype=np.uint8)
"""Every bit pattern of an 8-bit value, in the order in which a table is indexed."""

_HALF = 0.5


def quantize(
    real: npt.ArrayLike, scale: float, zero_point: int, dtype: QuantizedDtype
) -> npt.NDArray[Any]:
    """Quantize real values, rounding halves away from zero (as TFLite does) and saturating.

    Args:
        real: Numbers of any shape, none of them NaN.
        scale: Step of the quantized values, above 0.
        zero_point: The quantized value of 0.0.
        dtype: "uint8" or "int8".

    Returns:
        `dtype`, the shape of `real`.

    Raises:
        ValueError: A value is NaN.
    """
    limits = np.iinfo(dtype)
    with np.errstate(over="ignore"):  # infinity saturates like any large number
        steps = np.asarray(real, dtype=np.float64) / scale
    if np.isnan(steps).any():
        raise ValueError("quantize: expected numbers, got NaN")
    span = 2 * (limits.max - limits.min)  # farther from 0, every zero point saturates
    steps = np.clip(steps, -span, span)
    whole = np.trunc(steps)
    # Not floor(x + 0.5): the sum rounds up for the float below one half.
    rounded = whole + np.sign(steps) * (np.abs(steps - whole) >= _HALF)
    codes: npt.NDArray[Any] = np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)
    return codes


def dequantize(
    quantized: npt.NDArray[Any], scale: float, zero_point: int
) -> npt.NDArray[np.float32]:
    """Return the real values of quantized ones.

    Args:
        quantized: uint8 or int8 of any shape.
        scale: Step of the quantized values, above 0.
        zero_point: The quantized value of 0.0.

    Returns:
        float32, the shape of `quantized`.
    """
    # Widened first: the difference of two 8-bit values does not fit 8 bits.
    distance = quantized.astype(np.int32) - np.int32(zero_point)
    real: npt.NDArray[np.float32] = np.multiply(distance, np.float32(scale), dtype=np.float32)
    return real


def input_table(scale: float, zero_point: int, dtype: QuantizedDtype) -> npt.NDArray[Any] | None:
    """Return the quantized value of every pixel value, so that quantizing a picture is a look-up.

    Args:
        scale: The input tensor's scale.
        zero_point: The input tensor's zero point.
        dtype: The input tensor's dtype.

    Returns:
        `dtype` (256,), indexed by pixel value; None if each pixel value stands for itself.
    """
    if scale == 1.0 and zero_point == 0 and dtype == _CODES.dtype.name:
        return None  # as the table would show
    table = quantize(_CODES, scale, zero_point, dtype)
    return None if np.array_equal(table, _CODES) else table


def output_table(scale: float, zero_point: int, dtype: QuantizedDtype) -> npt.NDArray[np.float32]:
    """Return the real value of every output value.

    Args:
        scale: The output tensor's scale.
        zero_point: The output tensor's zero point.
        dtype: The output tensor's dtype.

    Returns:
        float32 (256,), indexed by the value's bit pattern: `table[output.view(np.uint8)]`.
    """
    return dequantize(_CODES.view(dtype), scale, zero_point)


def softmax(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """Return exp(logits / temperature), normalized to a sum of 1.

    Args:
        logits: float32 (classes,).
        temperature: Above 0; above 1 it evens the scores out, below 1 it sharpens them.

    Returns:
        float32 (classes,), each from 0 to 1.
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max())  # the largest is 1, so that nothing overflows
    scores: npt.NDArray[np.float32] = (powers / powers.sum()).astype(np.float32)
    return scores


def top_k(values: npt.NDArray[Any], k: int) -> list[int]:
    """Return the indices of the k largest values, largest first, the lower index first on a tie.

    8-bit scores tie often, so the rule for ties is part of the answer.

    Args:
        values: (classes,) of any real dtype.
        k: At least 1; more than there are values means all.
    """
    if k == 1:
        return [int(values.argmax())]  # argmax takes the first of equals
    # Negated in float64, which holds every 8-bit and float32 value; a uint8 would wrap around.
    order = np.argsort(-values.astype(np.float64), kind="stable")
    return [int(index) for index in order[:k]]
