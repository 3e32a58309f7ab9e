"""A frozen Keras model in, a flatbuffer of the chosen precision out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.conversion import (
    Io,
    convert_calibrated,
    convert_dynamic_range,
    convert_float,
    convert_float16,
    convert_int8,
)
from convert.int8.graph import read_graph
from convert.int8.ranges import read_ranges
from convert.precision.kinds import Precision
from convert.second_engine.conversion import quantize_static

if TYPE_CHECKING:
    import keras


def convert_precision(
    model: keras.Model, precision: Precision, calibration: NDArray[np.uint8], *, io: Io = "uint8"
) -> bytes:
    """Convert to a precision: the same arguments give the same bytes.

    Args:
        model: what `convert.int8.freeze.freeze` returns.
        precision: which.
        calibration: uint8 (n, height, width, 3), RGB, 0-255; looked at by the kinds that are
            calibrated only.
        io: dtype of the graph's ends, for the kinds that are calibrated; the others have float32.

    Raises:
        ConversionError: a converter failed or is not installed, or the model has nothing that the
            precision would store in 4 bits.
    """
    match precision:
        case "int8":
            return convert_int8(model, calibration, io=io)
        case "int8-dense4":
            return _convert_dense4(model, calibration, io)
        case "float16":
            return convert_float16(model)
        case "dynamic":
            return convert_dynamic_range(model)
        case "float32":
            return convert_float(model)


def _convert_dense4(model: keras.Model, calibration: NDArray[np.uint8], io: Io) -> bytes:
    float_model = convert_float(model)
    graph = read_graph(float_model)
    dense = [op for op in graph.operations if op.name == "FULLY_CONNECTED"]
    # The last one has few weights: 4 bits there save next to nothing, and on validation pictures
    # changed about as many answers as in the large layer before it.
    hidden = [graph.tensors[op.outputs[0]].name for op in dense[:-1]]
    if not hidden:
        raise ConversionError(
            f"expected a dense layer besides the one that gives the scores, got {len(dense)} dense "
            "layers in all: there is nothing to store in 4 bits, choose int8"
        )
    ranges = read_ranges(convert_calibrated(model, calibration))
    return quantize_static(float_model, ranges, io=io, dense_bits=4, dense_names=hidden)
