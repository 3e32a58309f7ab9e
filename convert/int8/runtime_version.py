"""Which TensorFlow Lite release first had an operator version."""

from __future__ import annotations

from convert.errors import AuditError
from convert.int8.graph import Graph, Operation
from convert.int8.operator_version import version_of

# (operator, version) -> release, for the operators of small image classifiers. Source: the map in
# TensorFlow's tensorflow/compiler/mlir/lite/tools/versioning/runtime_version.cc (2.23 branch),
# which the converter itself uses for the `min_runtime_version` that it writes.
_FIRST_RELEASE = {
    "ADD": {1: "1.5.0", 2: "1.14.0", 3: "2.4.0", 4: "2.6.0"},
    "AVERAGE_POOL_2D": {1: "1.5.0", 2: "1.14.0", 3: "2.3.0"},
    "CONCATENATION": {1: "1.5.0", 2: "1.14.0", 3: "2.3.0"},
    "CONV_2D": {
        1: "1.5.0",
        2: "1.14.0",
        3: "1.14.0",
        4: "2.3.0",
        5: "2.4.0",
        6: "2.9.0",
        7: "2.11.0",
        8: "2.15.0",
    },
    "DEPTHWISE_CONV_2D": {
        1: "1.5.0",
        2: "1.12.0",
        3: "1.14.0",
        4: "2.2.0",
        5: "2.3.0",
        6: "2.3.0",
        7: "2.11.0",
    },
    "DEQUANTIZE": {1: "1.13.1", 2: "1.14.0", 3: "1.15.0", 4: "2.2.0", 5: "2.7.0"},
    "FULLY_CONNECTED": {
        1: "1.5.0",
        2: "1.10.0",
        3: "1.14.0",
        4: "1.14.0",
        5: "2.0.0",
        6: "2.1.0",
        7: "2.3.0",
        8: "2.3.0",
        9: "2.3.0",
        10: "2.11.0",
        11: "2.15.0",
        12: "2.17.0",
        13: "2.18.0",
    },
    "HARD_SWISH": {1: "1.15.0"},
    "LOGISTIC": {1: "1.14.0", 2: "1.14.0", 3: "2.3.0"},
    "MAX_POOL_2D": {1: "1.5.0", 2: "1.14.0", 3: "2.3.0"},
    "MEAN": {1: "1.6.0", 2: "1.14.0", 3: "2.4.0"},
    "MUL": {1: "1.5.0", 2: "1.14.0", 3: "1.15.0", 4: "2.3.0", 5: "2.6.0"},
    "PAD": {1: "1.5.0", 2: "1.14.0", 3: "2.4.0", 4: "2.6.0"},
    "QUANTIZE": {1: "1.14.0", 2: "1.15.0", 3: "2.7.0"},
    "RELU": {1: "1.5.0", 2: "2.1.0", 3: "2.5.0"},
    "RELU6": {1: "1.5.0", 2: "1.14.0", 3: "2.5.0"},
    "RESHAPE": {1: "1.5.0"},
    "SOFTMAX": {1: "1.5.0", 2: "1.14.0", 3: "2.3.0"},
    "SUB": {1: "1.6.0", 2: "1.14.0", 3: "2.3.0", 4: "2.4.0", 5: "2.4.0"},
}
# Per-channel weights of a dense layer did not get an operator version of their own: an older
# kernel takes the first channel's scale for all and answers wrongly without a word. 2.14.0 is the
# oldest runtime on which this project has compared the answers.
_PER_CHANNEL_DENSE = "2.14.0"
# Weights of 4 bits in a dense layer: by the table 2.11.0 has them, but tflite-runtime 2.14.0 has no
# kernel for one scale per channel. 2.21.0 is the oldest runtime that was seen to answer rightly.
_INT4_WEIGHTS = "2.21.0"


def minimum_runtime(graph: Graph) -> str:
    """The first TensorFlow Lite release that can run `graph`, for example "2.14.0".

    It is the latest of what the converter noted, what the table here says of the versions that
    the operators' dtypes need, and what per-channel dense weights and weights of 4 bits need.

    Raises:
        AuditError: neither the converter nor the table knows.
    """
    versions = [] if graph.runtime_version is None else [graph.runtime_version]
    for operation in graph.operations:
        version = version_of(graph, operation)
        known = _FIRST_RELEASE.get(operation.name, {}).get(version)
        if known is not None:
            versions.append(known)
        elif graph.runtime_version is None:
            raise AuditError(
                f"{operation.name} version {version}: the runtime that it needs is "
                "neither noted in the model nor known here"
            )
        if _has_per_channel_dense(graph, operation):
            versions.append(_PER_CHANNEL_DENSE)
        if any(graph.tensors[index].dtype == "int4" for index in operation.inputs):
            versions.append(_INT4_WEIGHTS)
    return max(versions, key=_numbers)


def is_newer(version: str, other: str) -> bool:
    """Whether a release such as "2.14.0" is newer than another.

    Raises:
        AuditError: one of them is no such version.
    """
    return _numbers(version) > _numbers(other)


def _has_per_channel_dense(graph: Graph, operation: Operation) -> bool:
    if operation.name != "FULLY_CONNECTED":
        return False
    return any(
        len(graph.tensors[index].scales) > 1
        for index in operation.inputs
        if graph.tensors[index].dtype == "int8"
    )


def _numbers(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        raise AuditError(
            f"minimum runtime: expected a version like 2.14.0, got {version!r}"
        ) from None
