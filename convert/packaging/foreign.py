"""A foreign TFLite model, read and checked at the desk before it gets a manifest."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.errors import AuditError
from convert.int8.graph import Graph, Tensor, read_graph
from convert.packaging.errors import AdoptionError
from convert.packaging.foreign_metadata import NAME, ForeignMetadata, read_metadata

_INTEGERS = ("uint8", "int8")
_ENDS = (*_INTEGERS, "float32")
# By the schema, offsets of 0 and 1 mean that a buffer lies inside the flatbuffer.
_INSIDE = 1


@dataclass(frozen=True, slots=True)
class Foreign:
    """A foreign model that passed the checks.

    Attributes:
        model: `ModelT` of LiteRT's schema module; an open batch is set to 1.
        input: the input tensor.
        metadata: what the model says about itself.
        opened_batch: whether the batch was open.
    """

    model: Any
    input: Tensor
    metadata: ForeignMetadata
    opened_batch: bool


@contextlib.contextmanager
def reading(source: str) -> Iterator[None]:
    """Turn what reading and writing a damaged flatbuffer raises into an `AdoptionError`."""
    try:
        yield
    except AuditError as error:
        raise AdoptionError(f"{source}: {error}") from error
    # What the flatbuffers package and the code generated from the schema raise where an offset
    # leads outside the bytes or a field is absent that has to be there.
    except (
        struct.error,
        LookupError,
        TypeError,
        ValueError,
        OverflowError,
        AttributeError,
    ) as error:
        raise AdoptionError(f"{source}: damaged TFLite model: {error}") from error


def read_foreign(flatbuffer: bytes, *, source: str) -> Foreign:
    """Read a model and check its structure.

    One subgraph, built-in operators only, everything inside the file, one input (1, H, W, 3) and
    one output (1, classes), static but for a leading batch axis, scales and zero points that make
    sense.

    Raises:
        AdoptionError: one of these does not hold; the message names it.
    """
    from ai_edge_litert import schema_py_generated as schema

    with reading(source):
        graph = read_graph(flatbuffer)
        _check_operators(graph)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
        _check_storage(model, len(flatbuffer))
        opened_batch = _close_batch(model)
        for tensor in graph.tensors:
            _check_quantization(tensor)
        _check_ends(graph)
        return Foreign(model, graph.tensors[graph.inputs[0]], _metadata(model), opened_batch)


def _check_operators(graph: Graph) -> None:
    custom = sorted({op.name for op in graph.operations if op.name.startswith("CUSTOM")})
    if custom:
        names = ", ".join(name.removeprefix("CUSTOM:") for name in custom)
        raise AuditError(
            f"expected built-in operators only, got custom ones ({names}): no runtime on a board "
            "has them; convert the model with TFLITE_BUILTINS alone"
        )


def _check_storage(model: Any, size_bytes: int) -> None:
    if model.externalBuffers or model.externalBufferGroups:
        raise AuditError("expected all weights inside the file, got external buffers")
    stored = 0
    for index, buffer in enumerate(model.buffers):
        if buffer.offset > _INSIDE or buffer.size > _INSIDE:
            raise AuditError(
                f"buffer {index}: expected it inside the flatbuffer, got one at byte "
                f"{buffer.offset} of the file"
            )
        stored += 0 if buffer.data is None else len(buffer.data)
    if stored > size_bytes:
        raise AuditError(f"expected buffers within {size_bytes} bytes, got {stored} bytes of them")
    for tensor in model.subgraphs[0].tensors:
        if tensor.externalBuffer:
            raise AuditError(f"tensor {_name(tensor)!r}: expected its values inside the file")
        if tensor.isVariable:
            raise AuditError(
                f"tensor {_name(tensor)!r}: expected a model without state, got a variable"
            )


def _close_batch(model: Any) -> bool:
    """Set open batches (a leading axis of -1, stored as 1) to 1; say whether there was one."""
    opened = False
    for tensor in model.subgraphs[0].tensors:
        signature = () if tensor.shapeSignature is None else tuple(map(int, tensor.shapeSignature))
        if -1 not in signature:
            continue
        shape = () if tensor.shape is None else tuple(map(int, tensor.shape))
        if signature != (-1, *shape[1:]) or shape[0] != 1:
            raise AuditError(
                f"tensor {_name(tensor)!r}: expected static sizes (but for the batch), "
                f"got {signature}: convert the model with a fixed input size"
            )
        tensor.shapeSignature = None
        opened = True
    return opened


def _check_quantization(tensor: Tensor) -> None:
    if len(tensor.scales) != len(tensor.zero_points):
        raise AuditError(
            f"tensor {tensor.name!r}: expected as many zero points as scales, got "
            f"{len(tensor.zero_points)} and {len(tensor.scales)}"
        )
    for scale, zero_point in zip(tensor.scales, tensor.zero_points, strict=True):
        if not (math.isfinite(scale) and scale > 0.0):
            raise AuditError(f"tensor {tensor.name!r}: expected a positive scale, got {scale}")
        if tensor.dtype in _INTEGERS:
            codes = np.iinfo(tensor.dtype)
            if not codes.min <= zero_point <= codes.max:
                raise AuditError(
                    f"tensor {tensor.name!r}: expected a zero point of {codes.min} to "
                    f"{codes.max} for {tensor.dtype}, got {zero_point}"
                )


def _check_ends(graph: Graph) -> None:
    for role, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if len(indices) != 1:
            raise AuditError(f"expected one {role}, got {len(indices)}")
        tensor = graph.tensors[indices[0]]
        if tensor.dtype not in _ENDS:
            raise AuditError(f"{role}: expected {', '.join(_ENDS)}, got {tensor.dtype}")
        expected = 1 if tensor.dtype in _INTEGERS else 0
        if len(tensor.scales) != expected:
            raise AuditError(
                f"{role}: expected {expected or 'no'} scale for {tensor.dtype}, "
                f"got {len(tensor.scales)}"
            )


def _metadata(model: Any) -> ForeignMetadata:
    for entry in model.metadata or ():
        if entry.name == NAME:
            data = model.buffers[entry.buffer].data
            return ForeignMetadata() if data is None else read_metadata(bytes(data))
    return ForeignMetadata()


def _name(tensor: Any) -> str:
    return (tensor.name or b"").decode("utf-8", errors="replace")
