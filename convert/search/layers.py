"""The convolutions and dense layers of a flatbuffer: their weights as arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.writing import read_model, write_model

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
HOMOGENEOUS_ACTIVATIONS = ("NONE", "RELU")
_NEUTRAL = ("RELU", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "RESHAPE")


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution or dense layer, in real numbers.

    Attributes:
        name: of its output tensor.
        kind: one of `KINDS`.
        source: number of the input tensor.
        target: number of the output tensor.
        weights: float64; a convolution's (out, height, width, in), a depthwise one's
            (1, height, width, out), a dense layer's (out, in).
        bias: float64 (out,).
        strides: vertical and horizontal; 1 for a dense layer, as are the dilations.
        dilations: vertical and horizontal.
        same_padding: whether the input is padded with zeros to keep its size.
        activation: fused into it, in the schema's words, "NONE" or "RELU" for example.
    """

    name: str
    kind: str
    source: int
    target: int
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    same_padding: bool
    activation: str

    @property
    def output_axis(self) -> int:
        """Axis of the weights that numbers the output channels."""
        return 3 if self.kind == "DEPTHWISE_CONV_2D" else 0


def read_layers(flatbuffer: bytes) -> tuple[Layer, ...]:
    """Return the layers in the order of the graph; quantized weights are given in real numbers.

    Raises:
        ConversionError: a layer's weights are no constant.
    """
    model = read_model(flatbuffer)
    subgraph = model.subgraphs[0]
    return tuple(_layer(model, op, kind) for op, kind in _weighted(model, subgraph))


def write_layers(flatbuffer: bytes, changed: Mapping[str, Layer]) -> bytes:
    """Return a float32 model with other weights and biases in the layers named.

    Each gets constants of its own, as the converter lets equal ones be one.

    Args:
        flatbuffer: a float32 TFLite model.
        changed: by the name of the layer's output tensor; of a layer only weights and bias count.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(flatbuffer)
    subgraph = model.subgraphs[0]
    for op, _ in _weighted(model, subgraph):
        layer = changed.get(_name(subgraph, op.outputs[0]))
        if layer is None:
            continue
        inputs = [int(number) for number in op.inputs]
        inputs += [-1] * (3 - len(inputs))
        for position, values in ((1, layer.weights), (2, layer.bias)):
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), dtype=np.uint8)
            tensor = schema.TensorT()
            tensor.name = f"{layer.name};{('', 'weights', 'bias')[position]}".encode()
            tensor.shape = np.array(values.shape, dtype=np.int32)
            tensor.type = schema.TensorType.FLOAT32
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
            inputs[position] = len(subgraph.tensors)
            subgraph.tensors.append(tensor)
        op.inputs = np.array(inputs, dtype=np.int32)
    return write_model(model)


def targets_of_neutral(flatbuffer: bytes) -> frozenset[int]:
    """Return the outputs of the operators between layers with f(s x) = s f(x), s > 0, per channel.

    Channels are the last axis, once or several times behind each other. Not among them are a
    pooling whose fused activation bounds its output, a mean over the channels, and a reshaping that
    divides them among places.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(flatbuffer)
    subgraph = model.subgraphs[0]
    known = {getattr(schema.BuiltinOperator, kind): kind for kind in _NEUTRAL}
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in model.operatorCodes]
    found = []
    for op in subgraph.operators:
        kind = known.get(codes[op.opcodeIndex])
        if kind is not None and _is_neutral(model, op, kind):
            found.append(int(op.outputs[0]))
    return frozenset(found)


def _is_neutral(model: Any, op: Any, kind: str) -> bool:
    before, behind = (
        [int(side) for side in model.subgraphs[0].tensors[int(number)].shape]
        for number in (op.inputs[0], op.outputs[0])
    )
    if kind.endswith("_POOL_2D"):
        return _activation(op.builtinOptions) in HOMOGENEOUS_ACTIVATIONS
    if kind == "MEAN":
        axes = _constant(model, int(op.inputs[1])).ravel()
        return all(int(axis) % len(before) != len(before) - 1 for axis in axes)
    if kind == "RESHAPE":
        return bool(before and behind) and behind[-1] % before[-1] == 0
    return True


def _activation(options: Any) -> str:
    from ai_edge_litert import schema_py_generated as schema

    names = {v: k for k, v in vars(schema.ActivationFunctionType).items() if k[0] != "_"}
    name: str = names[options.fusedActivationFunction]
    return name


def _weighted(model: Any, subgraph: Any) -> list[tuple[Any, str]]:
    from ai_edge_litert import schema_py_generated as schema

    known = {getattr(schema.BuiltinOperator, kind): kind for kind in KINDS}
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in model.operatorCodes]
    found = ((op, known.get(codes[op.opcodeIndex])) for op in subgraph.operators)
    return [(op, kind) for op, kind in found if kind is not None]


def _layer(model: Any, op: Any, kind: str) -> Layer:
    from ai_edge_litert import schema_py_generated as schema

    subgraph, options = model.subgraphs[0], op.builtinOptions
    weights = _constant(model, int(op.inputs[1]))
    has_bias = len(op.inputs) > 2 and op.inputs[2] >= 0
    outputs = weights.shape[3 if kind == "DEPTHWISE_CONV_2D" else 0]
    dense = kind == "FULLY_CONNECTED"
    return Layer(
        name=_name(subgraph, op.outputs[0]),
        kind=kind,
        source=int(op.inputs[0]),
        target=int(op.outputs[0]),
        weights=weights,
        bias=_constant(model, int(op.inputs[2])) if has_bias else np.zeros(outputs),
        strides=(1, 1) if dense else (options.strideH, options.strideW),
        dilations=(1, 1) if dense else (options.dilationHFactor, options.dilationWFactor),
        same_padding=not dense and options.padding == schema.Padding.SAME,
        activation=_activation(options),
    )


def _constant(model: Any, number: int) -> NDArray[np.float64]:
    from ai_edge_litert import schema_py_generated as schema

    tensor = model.subgraphs[0].tensors[number]
    names = {v: k.lower() for k, v in vars(schema.TensorType).items() if k[0] != "_"}
    data = model.buffers[tensor.buffer].data
    if data is None:
        raise ConversionError(f"{tensor.name.decode()}: expected constant weights, got computed")
    stored = np.frombuffer(bytes(data), dtype=names[tensor.type]).reshape(tensor.shape)
    values: NDArray[np.float64] = stored.astype(np.float64)
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None:
        return values
    shape = [1] * values.ndim
    shape[quantization.quantizedDimension] = -1
    zero_points = np.reshape(np.asarray(quantization.zeroPoint, dtype=np.float64), shape)
    scales = np.reshape(np.asarray(quantization.scale, dtype=np.float64), shape)
    real: NDArray[np.float64] = (values - zero_points) * scales
    return real


def _name(subgraph: Any, number: int) -> str:
    return str(subgraph.tensors[int(number)].name.decode())
