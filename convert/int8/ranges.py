"""The range of every activation in a calibrated flatbuffer: read, changed, written back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from convert.errors import ConversionError
from convert.int8.graph import read_graph
from convert.int8.writing import read_model, write_model

Range = tuple[float, float]

# Their output has the scale of their input: the kernels copy or compare the stored values.
SAME_SCALE = ("MAX_POOL_2D", "RESHAPE")

# The converter takes a narrower range as -1e-6 to 1e-6; kernels refuse to turn a layer's sums into
# steps so small.
_SMALLEST_SPAN = 1e-6
_DEAD_RANGE: Range = (0.0, 1.0)


def read_ranges(calibrated: bytes) -> dict[str, Range]:
    """Return lowest and highest value by tensor name, in the order of the graph.

    Args:
        calibrated: what `convert.int8.conversion.convert_calibrated` returns.

    Raises:
        ConversionError: there is no range in it.
    """
    model = read_model(calibrated)
    found = {tensor.name.decode(): _range(tensor) for tensor in model.subgraphs[0].tensors}
    graph = read_graph(calibrated)
    order = [*graph.inputs, *(index for op in graph.operations for index in op.outputs)]
    names = [graph.tensors[index].name for index in order]
    ranges = {name: found[name] for name in names if found[name] is not None}
    if not ranges:
        raise ConversionError("expected a calibrated model, got one without activation ranges")
    return {name: value for name, value in ranges.items() if value is not None}


def write_ranges(calibrated: bytes, ranges: Mapping[str, Range]) -> bytes:
    """Return the model with other ranges; what `ranges` does not name stays.

    A range goes on to the outputs of max-pooling and reshaping behind the tensor, which have the
    scale of their input. Ranges are widened to hold zero, as quantization needs a code for it.

    Args:
        calibrated: what `convert.int8.conversion.convert_calibrated` returns.
        ranges: lowest and highest value by tensor name, as `read_ranges` names them.

    Raises:
        ConversionError: a name is unknown, or a range is empty or not finite.
    """
    known = read_ranges(calibrated)
    for name, (low, high) in ranges.items():
        if name not in known:
            raise ConversionError(f"expected the name of an activation, got {name!r}")
        if not (math.isfinite(low) and math.isfinite(high) and min(low, 0.0) < max(high, 0.0)):
            raise ConversionError(f"{name}: expected a finite range, got {low} to {high}")
    graph = read_graph(calibrated)
    wanted = {name: (min(low, 0.0), max(high, 0.0)) for name, (low, high) in ranges.items()}
    for operation in graph.operations:
        source = graph.tensors[operation.inputs[0]].name
        if operation.name in SAME_SCALE and source in wanted:
            wanted[graph.tensors[operation.outputs[0]].name] = wanted[source]
    model = read_model(calibrated)
    for tensor in model.subgraphs[0].tensors:
        changed = wanted.get(tensor.name.decode())
        if changed is not None:
            low, high = changed
            tensor.quantization.min = np.array([low], dtype=np.float32)
            tensor.quantization.max = np.array([high], dtype=np.float32)
    return write_model(model)


def widen_dead(calibrated: bytes) -> bytes:
    """Return the model with a range of 0 to 1 for activations that were always zero.

    A layer all of whose units are dead is a useless part of a model, but no reason not to run it:
    with any range its zeros stay zeros.

    Args:
        calibrated: a calibrated flatbuffer.
    """
    graph = read_graph(calibrated)
    inputs = {graph.tensors[number].name for number in graph.inputs}
    dead = {
        name: _DEAD_RANGE
        for name, (low, high) in read_ranges(calibrated).items()
        if max(high, 0.0) - min(low, 0.0) < _SMALLEST_SPAN and name not in inputs
    }
    return write_ranges(calibrated, dead) if dead else calibrated


def has_dead(quantized: bytes) -> bool:
    """Whether an int8 model has an activation with the scale that the converter gives dead ones."""
    graph = read_graph(quantized)
    return any(
        255.0 * tensor.scales[0] < 3.0 * _SMALLEST_SPAN
        for tensor in graph.tensors
        if tensor.dtype == "int8" and len(tensor.scales) == 1 and not tensor.constant
    )


def _range(tensor: Any) -> Range | None:
    quantization = tensor.quantization
    if quantization is None or quantization.min is None or quantization.max is None:
        return None
    return float(quantization.min[0]), float(quantization.max[0])
