"""What a quantized graph holds, layer by layer, in numbers that can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.graph import Graph, Operation, read_graph
from convert.int8.writing import read_model

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_DTYPES = {"int8": np.int8, "int32": np.int32}


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of a quantized graph.

    Attributes:
        operator: its name, for example "CONV_2D".
        output_scale: of its output.
        output_zero_point: of its output as int8, whatever the graph's ends are.
        weight_scales: float64, one per output channel; empty without weights.
        weights: int8 codes, the output channel first; empty without weights.
        bias: int32 codes, of the scale input times weights; empty without one.
    """

    operator: str
    output_scale: float
    output_zero_point: int
    weight_scales: NDArray[np.float64]
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]


def read_layers(flatbuffer: bytes) -> tuple[Layer, ...]:
    """Read every operator but those that only convert the graph's ends.

    Raises:
        ConversionError: an output is not quantized, or weights or biases are of another dtype.
        AuditError: the bytes are no TFLite model.
    """
    graph, model = read_graph(flatbuffer), read_model(flatbuffer)
    return tuple(
        _layer(graph, operation, model)
        for operation in graph.operations
        if operation.name not in _CONVERSIONS
    )


def _layer(graph: Graph, operation: Operation, model: Any) -> Layer:
    output = graph.tensors[operation.outputs[0]]
    if output.dtype != "int8" or len(output.scales) != 1:
        raise ConversionError(
            f"{operation.name}: expected an int8 output with one scale, got {output.dtype} with "
            f"{len(output.scales)}"
        )
    scales, weights = np.empty(0), np.empty((0, 0), dtype=np.int8)
    bias = np.empty(0, dtype=np.int32)
    if operation.name in _WEIGHTED:
        index = operation.inputs[1]
        scales = np.asarray(graph.tensors[index].scales, dtype=np.float64)
        weights = _values(graph, index, model, "int8")
        # (1, h, w, out) for a depthwise convolution, (out, ...) for all others.
        if operation.name == "DEPTHWISE_CONV_2D":
            weights = np.moveaxis(weights, -1, 0)
        weights = weights.reshape(len(weights), -1)
        if len(operation.inputs) > 2:
            bias = _values(graph, operation.inputs[2], model, "int32")
    return Layer(operation.name, output.scales[0], output.zero_points[0], scales, weights, bias)


def _values(graph: Graph, index: int, model: Any, dtype: str) -> NDArray[Any]:
    tensor = graph.tensors[index]
    if tensor.dtype != dtype:
        raise ConversionError(f"{tensor.name!r}: expected {dtype} values, got {tensor.dtype}")
    buffer = model.buffers[model.subgraphs[0].tensors[index].buffer]
    return np.frombuffer(bytes(buffer.data), dtype=_DTYPES[dtype]).reshape(tensor.shape)
