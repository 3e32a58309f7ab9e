"""Which version of an operator its dtypes need, whatever the flatbuffer says.

A runtime refuses an operator version that it does not know, and mostly checks nothing else: a graph
whose versions are too low loads on an old runtime, which then computes something else. Not every
converter writes the versions: ai-edge-quantizer 0.10 leaves those of the float graph.
"""

from __future__ import annotations

from convert.int8.graph import Graph, Operation

# Source of the rules: TFLite's tools/versioning/op_version.cc, for the dtypes that occur here.
# With int8 in, these are version 2.
_INT8_SECOND = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "RELU",
        "RELU6",
        "SOFTMAX",
        "SUB",
    }
)
# (input, weights) -> version with one scale for all weights, and with one per output channel.
_WEIGHTED = {
    "CONV_2D": {
        ("int8", "int8"): (3, 3),
        ("int8", "int4"): (7, 7),
        ("float32", "int8"): (2, 5),
    },
    "DEPTHWISE_CONV_2D": {
        ("int8", "int8"): (3, 3),
        ("int8", "int4"): (7, 7),
        ("float32", "int8"): (4, 6),
    },
    "FULLY_CONNECTED": {
        ("int8", "int8"): (4, 4),
        ("int8", "int4"): (10, 10),
        ("float32", "int8"): (3, 12),
        # No rule of its own; kernels that do not know it take the bytes for floats.
        ("float32", "int4"): (12, 12),
    },
}
# float16 or int8 in; dequantizing is what a constant needs before a float kernel can read it.
_DEQUANTIZE = {"float16": 3, "int8": 2, "int4": 6}


def version_of(graph: Graph, operation: Operation) -> int:
    """The version that runtimes must know for this operation: what is noted or what dtypes need."""
    return max(operation.version, _by_dtypes(graph, operation))


def _by_dtypes(graph: Graph, operation: Operation) -> int:
    if not operation.inputs:
        return 1
    source = graph.tensors[operation.inputs[0]]
    if operation.name in _WEIGHTED and len(operation.inputs) > 1:
        weights = graph.tensors[operation.inputs[1]]
        versions = _WEIGHTED[operation.name].get((source.dtype, weights.dtype), (1, 1))
        return versions[len(weights.scales) > 1]
    if operation.name == "DEQUANTIZE":
        return _DEQUANTIZE.get(source.dtype, 1)
    return 2 if operation.name in _INT8_SECOND and source.dtype == "int8" else 1
