"""The two flatbuffers that are compared: made from a Keras model, or out of compiled files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.int8.conversion import convert_float, convert_int8, quantize
from convert.search.method import Method
from convert.search.preparation import prepare

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Models:
    """A float32 and an int8 flatbuffer of the same weights.

    Attributes:
        reference: the float32 one.
        target: the int8 one.
        method: by which the target was made.
    """

    reference: bytes
    target: bytes
    method: Method


def convert_both(model: keras.Model, calibration: NDArray[np.uint8], method: Method) -> Models:
    """Convert a model as `convert.quantize` does, and to the float model to compare with.

    An equalized model is compared with the float model that was equalized in the same way: it
    answers as the original does, but its activations are scaled. One with corrected biases is
    compared with the true ones.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        method: what to do before the quantization.

    Raises:
        ConversionError: the converter failed, or the method does not suit the model.
    """
    if method.is_plain:
        return Models(convert_float(model), convert_int8(model, calibration), method)
    weights, calibrated = prepare(model, calibration, method)
    return Models(weights, quantize(calibrated), method)
