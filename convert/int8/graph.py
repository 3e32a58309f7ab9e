"""The structure of a TFLite flatbuffer: which operators, on which tensors. Desk only."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from convert.errors import AuditError


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the graph.

    Attributes:
        name: its name in the flatbuffer.
        dtype: in lower case, for example "int8".
        shape: its size per axis; -1 where it is not static.
        scales: none for a tensor that is not quantized, one, or one per channel.
        zero_points: as many as `scales`.
        constant: whether the flatbuffer holds its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    constant: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One node of the graph; `inputs` and `outputs` are tensor indices, without absent inputs."""

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """The one subgraph of a model.

    `runtime_version` is what the converter noted as the minimum runtime; None if it did not.
    """

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    runtime_version: str | None


def read_graph(flatbuffer: bytes) -> Graph:
    """Read the structure of a flatbuffer; its weights are not copied.

    Raises:
        AuditError: the bytes are no TFLite model, or it has more than one subgraph.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != b"TFL3":
        raise AuditError(
            f"expected a TFLite model with b'TFL3' at bytes 4 to 7, got {flatbuffer[4:8]!r}"
        )
    try:
        model = schema.Model.GetRootAs(flatbuffer, 0)
        if model.SubgraphsLength() != 1:
            raise AuditError(f"expected one subgraph, got {model.SubgraphsLength()}")
        return _read(model, schema)
    # What the flatbuffers package raises when an offset leads outside the bytes.
    except (struct.error, LookupError, TypeError, ValueError, OverflowError) as error:
        raise AuditError(f"damaged TFLite model: {error}") from error


def _read(model: Any, schema: Any) -> Graph:
    subgraph = model.Subgraphs(0)
    dtypes, operators = _names(schema.TensorType), _names(schema.BuiltinOperator)
    return Graph(
        tuple(
            _tensor(model, subgraph.Tensors(index), dtypes)
            for index in range(subgraph.TensorsLength())
        ),
        tuple(
            _operation(model, subgraph.Operators(index), operators)
            for index in range(subgraph.OperatorsLength())
        ),
        tuple(map(int, subgraph.InputsAsNumpy())),
        tuple(map(int, subgraph.OutputsAsNumpy())),
        _runtime_version(model),
    )


def _tensor(model: Any, tensor: Any, dtypes: dict[int, str]) -> Tensor:
    quantization = tensor.Quantization()
    quantized = quantization is not None and quantization.ScaleLength() > 0
    shape: tuple[int, ...] = ()
    if tensor.ShapeSignatureLength():
        # Holds -1 where the converter left an axis open; absent when all are fixed.
        shape = tuple(map(int, tensor.ShapeSignatureAsNumpy()))
    elif tensor.ShapeLength():
        shape = tuple(map(int, tensor.ShapeAsNumpy()))
    return Tensor(
        _text(tensor.Name()),
        dtypes[tensor.Type()].lower(),
        shape,
        tuple(map(float, quantization.ScaleAsNumpy())) if quantized else (),
        tuple(map(int, quantization.ZeroPointAsNumpy())) if quantized else (),
        _has_data(model.Buffers(tensor.Buffer())),
    )


def _has_data(buffer: Any) -> bool:
    # In the flatbuffer, or behind it: then the buffer says how much.
    return bool(buffer.DataLength() > 0 or buffer.Size() > 0)


def _operation(model: Any, operator: Any, names: dict[int, str]) -> Operation:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files from before the schema had more than 127 operators use the deprecated field only.
    name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    if name == "CUSTOM":
        name = f"CUSTOM:{_text(code.CustomCode())}"
    return Operation(
        name,
        code.Version(),
        tuple(int(index) for index in operator.InputsAsNumpy() if index >= 0),
        tuple(map(int, operator.OutputsAsNumpy())),
    )


def _runtime_version(model: Any) -> str | None:
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == b"min_runtime_version":
            data = bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
            return _text(data.split(b"\0", 1)[0]) or None
    return None


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def _text(data: bytes | None) -> str:
    return "" if data is None else data.decode("utf-8", errors="replace")
