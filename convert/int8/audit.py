"""Is a flatbuffer what an int8 model claims to be? Read from its bytes, operator by operator."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from convert.errors import AuditError
from convert.int8.conversion import Io
from convert.int8.graph import Graph, Operation, Tensor, read_graph
from convert.int8.runtime_version import minimum_runtime
from minivgg_edge.manifest import Operator

Activation = Literal["softmax", "logits"]

_INSIDE = ("int8", "int32")
_PER_CHANNEL = ("CONV_2D", "DEPTHWISE_CONV_2D")
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
# Operators that hand on what they get: looked through when the graph's last activation is sought.
_PASSING = (*_CONVERSIONS, "RESHAPE")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in a flatbuffer.

    Attributes:
        operators: each operator and version with how often it stands in the graph.
        minimum_runtime: first TensorFlow Lite release that can run it.
        input: the input tensor, (1, height, width, 3).
        output: the output tensor, (1, classes).
        activation: "softmax", or "logits" for a graph that ends without one.
        macs: multiply-accumulates of its convolutions and dense layers for one picture.
        size_bytes: length of the flatbuffer.
    """

    operators: tuple[Operator, ...]
    minimum_runtime: str
    input: Tensor
    output: Tensor
    activation: Activation
    macs: int
    size_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "operators": [
                {"name": op.name, "version": op.version, "count": op.count} for op in self.operators
            ],
            "minimum_runtime": self.minimum_runtime,
            "input": _tensor_json(self.input),
            "output": _tensor_json(self.output),
            "activation": self.activation,
            "macs": self.macs,
            "size_bytes": self.size_bytes,
        }


def audit(flatbuffer: bytes, *, io: Io) -> Audit:
    """Check that a flatbuffer is a static int8 model with `io` at its ends, and list what is in it.

    Int8 and int32 inside; `io` only in the input and the output, behind one QUANTIZE each when it
    is uint8; weights of convolutions per channel; static shapes; a batch of 1.

    Raises:
        AuditError: one of these does not hold; the message names the operator and the tensor.
    """
    graph = read_graph(flatbuffer)
    # The converter wraps an operator without an int8 kernel in DEQUANTIZE and QUANTIZE: the
    # operator itself is what the message has to name.
    for operation in sorted(graph.operations, key=lambda op: op.name in _CONVERSIONS):
        _check_dtypes(graph, operation, io)
        _check_weights(graph, operation)
    found = describe(flatbuffer)
    for role, tensor in (("input", found.input), ("output", found.output)):
        if tensor.dtype != io:
            raise AuditError(f"{role} {tensor.name!r}: expected {io}, got {tensor.dtype}")
    conversions = sum(op.count for op in found.operators if op.name in _CONVERSIONS)
    expected = 2 if io == "uint8" else 0
    if conversions != expected:
        raise AuditError(
            f"expected {expected} QUANTIZE operators (one at each end for uint8), "
            f"got {conversions}: part of the graph is requantized"
        )
    return found


def describe(flatbuffer: bytes) -> Audit:
    """List what is in a classifier's flatbuffer of any dtype; its ends and shapes are checked.

    Raises:
        AuditError: not one input (1, height, width, 3) and one output (1, classes), a shape that
            is not static, or a last activation that gives no scores.
    """
    graph = read_graph(flatbuffer)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise AuditError(
            f"expected one input and one output, got {len(graph.inputs)} and {len(graph.outputs)}"
        )
    for tensor in graph.tensors:
        if min(tensor.shape, default=1) < 1:
            raise AuditError(f"tensor {tensor.name!r}: expected a static shape, got {tensor.shape}")
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if len(source.shape) != 4 or source.shape[0] != 1 or source.shape[3] != 3:
        raise AuditError(f"input: expected (1, height, width, 3), got {source.shape}")
    if len(target.shape) != 2 or target.shape[0] != 1:
        raise AuditError(f"output: expected (1, classes), got {target.shape}")
    counts = Counter((op.name, op.version) for op in graph.operations)
    return Audit(
        tuple(Operator(name, version, n) for (name, version), n in sorted(counts.items())),
        minimum_runtime(graph),
        source,
        target,
        _activation(graph),
        sum(macs(graph, operation) for operation in graph.operations),
        len(flatbuffer),
    )


def _check_dtypes(graph: Graph, operation: Operation, io: Io) -> None:
    ends = {*graph.inputs, *graph.outputs}
    for index in (*operation.inputs, *operation.outputs):
        tensor = graph.tensors[index]
        allowed = (io,) if index in ends else _INSIDE
        if tensor.dtype not in allowed:
            raise AuditError(
                f"{operation.name}: tensor {tensor.name!r}: expected {' or '.join(allowed)}, "
                f"got {tensor.dtype}"
            )
    if operation.name.startswith("CUSTOM"):
        raise AuditError(f"{operation.name}: expected a built-in operator, got a custom one")


def _check_weights(graph: Graph, operation: Operation) -> None:
    if operation.name not in _PER_CHANNEL:
        return
    weights = graph.tensors[operation.inputs[1]]
    # (out, h, w, in) for CONV_2D, (1, h, w, out) for DEPTHWISE_CONV_2D.
    channels = weights.shape[0 if operation.name == "CONV_2D" else 3]
    if len(weights.scales) != channels or any(weights.zero_points):
        raise AuditError(
            f"{operation.name}: weights {weights.name!r}: expected {channels} scales, one per "
            f"channel, with zero points of 0, got {len(weights.scales)}"
        )


def _activation(graph: Graph) -> Activation:
    wanted = graph.outputs[0]
    for operation in reversed(graph.operations):
        if wanted not in operation.outputs:
            continue
        if operation.name not in _PASSING:
            if operation.name in ("LOGISTIC", "TANH", "LOG_SOFTMAX"):
                raise AuditError(
                    f"expected a model that ends in softmax or logits, got {operation.name}"
                )
            return "softmax" if operation.name == "SOFTMAX" else "logits"
        wanted = operation.inputs[0]
    return "logits"


def macs(graph: Graph, operation: Operation) -> int:
    """Return the multiply-accumulates of a convolution or dense layer; 0 for other operators."""
    if operation.name not in (*_PER_CHANNEL, "FULLY_CONNECTED"):
        return 0
    weights = graph.tensors[operation.inputs[1]].shape
    outputs = math.prod(graph.tensors[operation.outputs[0]].shape)
    # Multiplications behind each output: the weights without their output axis.
    return outputs * math.prod(weights[1:-1] if operation.name.startswith("DEPTH") else weights[1:])


def _tensor_json(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": tensor.scales[0] if tensor.scales else None,
        "zero_point": tensor.zero_points[0] if tensor.zero_points else None,
    }
