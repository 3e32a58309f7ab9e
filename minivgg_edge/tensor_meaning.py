"""What the tensors of a model without a manifest can mean, and what contradicts it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from minivgg_edge.errors import ModelFileError
from minivgg_edge.quantization import QuantizedDtype, dequantize, quantize
from minivgg_edge.scoring import pixel_table
from minivgg_edge.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy.typing as npt

_DTYPES = ("uint8", "int8", "float32")
_MAX_SIDE = 4096
_MIN_CLASSES, _MAX_CLASSES = 2, 100_000
_SMALLEST_SCALE = 2.0**-126  # smaller ones are no normal float32; `np.finfo` warns on 32-bit ARM

# How much of the pixels' range the input has to hold, and how much of the input's range the pixels
# have to use. Calibration on few pictures cuts a little off; a mistaken `mean` or `std` (0-1 taken
# for 0-255, -1 to 1 for 0-1) is off by half or more.
_HELD = 0.75
_USED = 0.4

_LARGEST_ROUNDING = 1e-3  # of a float32 softmax and of its sum; float16 kernels are included
# Steps of a softmax that is computed in int8 or int16 before its scores become float32, as in a
# fully quantized model with the converter's default ends. The TFLite quantization specification
# (int8) and its 16x8 scheme fix them.
_INNER_STEPS = (1 / 256, 1 / 32768)


def check_classifier_tensors(
    input_tensor: TensorSpec, output_tensor: TensorSpec, *, source: str
) -> None:
    """Check that two tensors can be those of a picture classifier, before the model is run.

    Raises:
        ModelFileError: A dtype, a size or a quantization is none that a classifier has.
    """
    for role, tensor in (("input", input_tensor), ("output", output_tensor)):
        where = f"{source!r}: {role} tensor"
        if tensor.dtype not in _DTYPES:
            raise ModelFileError(f"{where}: expected one of {_DTYPES}, got {tensor.dtype}")
        if tensor.dtype == "float32":
            if tensor.scale is not None:
                raise ModelFileError(f"{where}: expected no scale for float32, got {tensor.scale}")
            continue
        if tensor.scale is None or tensor.zero_point is None:
            raise ModelFileError(f"{where}: expected a scale for {tensor.dtype}, got none")
        limits = np.iinfo(tensor.dtype)
        if not (math.isfinite(tensor.scale) and tensor.scale >= _SMALLEST_SCALE):
            raise ModelFileError(f"{where}: expected a scale above 0, got {tensor.scale}")
        if not limits.min <= tensor.zero_point <= limits.max:
            raise ModelFileError(
                f"{where}: expected a zero point from {limits.min} to {limits.max}, "
                f"got {tensor.zero_point}"
            )
    _, height, width, _ = input_tensor.shape
    # What a runtime makes of a size that the model leaves open is 1.
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE and height * width > 1):
        raise ModelFileError(
            f"{source!r}: input tensor: expected a fixed size of more than 1 x 1 pixels and at "
            f"most {_MAX_SIDE} a side, got {width} x {height}"
        )
    classes = output_tensor.shape[1]
    if not _MIN_CLASSES <= classes <= _MAX_CLASSES:
        raise ModelFileError(
            f"{source!r}: output tensor: expected {_MIN_CLASSES} to {_MAX_CLASSES} classes, "
            f"got {classes}"
        )


def check_pixel_range(tensor: TensorSpec, *, mean: float, std: float, source: str) -> None:
    """Check that a quantized input can hold the pixels which it is said to stand for.

    Raises:
        ModelFileError: Its range and that of (pixel - mean) / std differ by far.
    """
    if tensor.scale is None or tensor.zero_point is None:
        return  # float32 holds anything
    low, high = _range(tensor.scale, tensor.zero_point, tensor.dtype)
    black, white = (0 - mean) / std, (255 - mean) / std
    common = min(high, white) - max(low, black)
    if common < _HELD * (white - black) or common < _USED * (high - low):
        raise ModelFileError(
            f"{source!r}: input tensor: expected a range like that of (pixel - {mean:g}) / {std:g},"
            f" {black:g} to {white:g}, got {low:g} to {high:g}: is this the model's mean and std?"
        )


def _range(scale: float, zero_point: int, dtype: str) -> tuple[float, float]:
    limits = np.iinfo(dtype)
    return scale * (limits.min - zero_point), scale * (limits.max - zero_point)


def normalized_pixel_table(
    tensor: TensorSpec, *, mean: float, std: float
) -> npt.NDArray[Any] | None:
    """Return the input tensor's value of (pixel - mean) / std for every pixel value.

    Args:
        tensor: The input tensor.
        mean: In pixel values.
        std: In pixel values, above 0.

    Returns:
        (256,) of the tensor's dtype, indexed by pixel value; None if pixels need no conversion.
    """
    if mean == 0 and std == 1:
        return pixel_table(tensor)
    real = (np.arange(256) - mean) / std
    if tensor.scale is None or tensor.zero_point is None:
        return real.astype(tensor.dtype)
    return quantize(real, tensor.scale, tensor.zero_point, cast(QuantizedDtype, tensor.dtype))


def _inner_half_step(outputs: npt.NDArray[Any]) -> float:
    """Half a step of float32 outputs that are whole multiples of a quantized softmax's; else 0."""
    for step in _INNER_STEPS:
        if not np.any(outputs % step):
            return step / 2
    return 0.0


def check_scores(
    outputs: npt.NDArray[Any],
    tensor: TensorSpec,
    *,
    activation: Literal["softmax", "logits"],
    source: str,
) -> None:
    """Compare what a model answered with what its outputs are said to be.

    Args:
        outputs: (k, classes) of the output's dtype, of any pictures.
        tensor: The output tensor.
        activation: "softmax" for scores from 0 to 1, or "logits".
        source: The model file's name for messages.

    Raises:
        ModelFileError: Scores that are none, logits that are scores already, NaN or infinity.
    """
    where = f"{source!r}: output tensor"
    real, half_step = outputs, 0.0
    if tensor.scale is not None and tensor.zero_point is not None:
        real, half_step = dequantize(outputs, tensor.scale, tensor.zero_point), tensor.scale / 2
    if not np.isfinite(real).all():
        raise ModelFileError(f"{where}: expected finite values, got {real.tolist()}")
    if activation == "softmax" and tensor.scale is not None and tensor.zero_point is not None:
        low, high = _range(tensor.scale, tensor.zero_point, tensor.dtype)
        if low < -half_step or high > 1 + half_step:
            raise ModelFileError(
                f"{where}: expected softmax, that is a range of 0 to 1, got {low:g} to {high:g}"
            )
    if tensor.scale is None:
        half_step = _inner_half_step(real)
    sums = real.sum(axis=1, dtype=np.float64)
    outside = half_step + _LARGEST_ROUNDING
    are_scores = bool(
        (real >= -outside).all()
        and (real <= 1 + outside).all()
        and (np.abs(sums - 1) <= _LARGEST_ROUNDING + real.shape[1] * half_step).all()
    )
    if are_scores != (activation == "softmax"):
        got = "scores from 0 to 1 whose sum is 1" if are_scores else "values that are no scores"
        raise ModelFileError(
            f"{where}: expected {activation}, got {got} "
            f"({real.min():g} to {real.max():g}, sum {sums.min():g} to {sums.max():g})"
        )
