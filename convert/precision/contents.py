"""What a flatbuffer's weights and arithmetic are, read from its bytes; and what is not int8."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from convert.int8.graph import Graph, Operation, read_graph

_WEIGHTED = {
    "CONV_2D": "convolution",
    "DEPTHWISE_CONV_2D": "convolution",
    "FULLY_CONNECTED": "dense layer",
}
_ENDS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is stored and what is computed.

    Attributes:
        weights: stored dtype and kind of layer, with how many layers have it.
        activations: dtypes between the operators, with how many tensors have it.
    """

    weights: tuple[tuple[str, str, int], ...]
    activations: tuple[tuple[str, int], ...]

    @property
    def is_int8(self) -> bool:
        """Whether weights and activations are int8 throughout."""
        dtypes = {dtype for dtype, *_ in (*self.weights, *self.activations)}
        return dtypes == {"int8"}

    @property
    def sentence(self) -> str:
        """What a person has to know about it."""
        weights = ", ".join(f"{dtype} in {_number(n, kind)}" for dtype, kind, n in self.weights)
        activations = " and ".join(dtype for dtype, _ in self.activations)
        start = "An int8 model" if self.is_int8 else "Not an int8 model"
        return f"{start}: weights {weights}; activations {activations}."


def read_contents(flatbuffer: bytes) -> Contents:
    """Read what the weights are stored as and what passes between the operators.

    The graph's two ends do not count, nor the operators that only convert them.

    Raises:
        AuditError: the bytes are no TFLite model.
    """
    graph = read_graph(flatbuffer)
    weights: Counter[tuple[str, str]] = Counter()
    activations: Counter[str] = Counter()
    for operation in graph.operations:
        if operation.name in _WEIGHTED:
            stored = _stored_dtype(graph, operation.inputs[1])
            weights[stored, _WEIGHTED[operation.name]] += 1
        if operation.name not in _ENDS:
            activations[graph.tensors[operation.outputs[0]].dtype] += 1
    return Contents(
        tuple((dtype, kind, count) for (dtype, kind), count in sorted(weights.items())),
        tuple(sorted(activations.items())),
    )


def _stored_dtype(graph: Graph, index: int) -> str:
    """The dtype of a constant, seen through the operator that expands it."""
    tensor = graph.tensors[index]
    if tensor.constant:
        return tensor.dtype
    maker: Operation = next(op for op in graph.operations if index in op.outputs)
    return graph.tensors[maker.inputs[0]].dtype


def _number(count: int, kind: str) -> str:
    return f"{count} {kind}{'' if count == 1 else 's'}"
