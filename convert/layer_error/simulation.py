"""The float model with the rounding of chosen operators of the int8 model, and of no other.

The converter can keep an operator in float32, but not a tensor: an operator that stays int8 rounds
its inputs too, so the fault of one layer shows in its neighbours as well. Here a rounded output is
the output followed by QUANTIZE and DEQUANTIZE with the int8 model's scale and zero point, and
rounded constants are the float32 values that the int8 codes stand for (simulated quantization,
Jacob et al. 2018, arXiv:1712.05877, section 3; Krishnamoorthi 2018, arXiv:1806.08342, section 2).

With all operators chosen, layers of convolutions answer as the int8 model does, code for code. Only
sums that fall in the middle of two codes are rounded by rules of the integer kernels; those of an
average pooling often do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from convert.int8.writing import read_model, write_model
from convert.layer_error.matching import Matching
from convert.layer_error.rounding import Rounding

Part = Literal["constants", "output"]
PARTS: tuple[Part, ...] = ("constants", "output")
_VERSIONS = {"QUANTIZE": 1, "DEQUANTIZE": 2}


@dataclass(frozen=True, slots=True)
class Simulation:
    """A float32 flatbuffer that rounds, and the number of every matched operator's output."""

    flatbuffer: bytes
    outputs: tuple[int, ...]


def simulate(
    reference: bytes,
    matching: Matching,
    roundings: Sequence[Rounding],
    chosen: Collection[int],
    *,
    parts: Collection[Part] = PARTS,
) -> Simulation:
    """Return the float model in which the chosen operators round.

    Args:
        reference: the float32 model.
        matching: of it and the int8 model.
        roundings: of the matched operators, from `read_roundings`.
        chosen: positions of the matches that round.
        parts: what of them is rounded.
    """
    model = read_model(reference)
    graph = model.subgraphs[0]
    outputs = []
    # The operator after which a tensor is rounded; None for the input.
    inserted: dict[int | None, list[Any]] = {}
    for position, (match, rounding) in enumerate(zip(matching.matches, roundings, strict=True)):
        output = match.reference
        if position in chosen and "constants" in parts and match.float_operation is not None:
            _write_constants(model, graph.operators[match.float_operation], rounding)
        if position in chosen and "output" in parts and not rounding.exact:
            operators, output = _round(model, match.reference, rounding)
            inserted[match.float_operation] = operators
        outputs.append(output)
    ordered = list(inserted.get(None, ()))
    for number, operator in enumerate(graph.operators):
        ordered += [operator, *inserted.get(number, ())]
    graph.operators = ordered
    model.signatureDefs = None  # they would name the outputs that are not rounded
    return Simulation(write_model(model), tuple(outputs))


def _write_constants(model: Any, operator: Any, rounding: Rounding) -> None:
    from ai_edge_litert import schema_py_generated as schema

    inputs = [int(number) for number in operator.inputs]
    for position, constant in rounding.constants.items():
        # Of its own: the converter lets equal constants be one.
        values = np.ascontiguousarray(constant.rounded, dtype=np.float32)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), dtype=np.uint8)
        model.buffers.append(buffer)
        old = model.subgraphs[0].tensors[inputs[position]]
        inputs[position] = _add_tensor(
            model, old, schema.TensorType.FLOAT32, len(model.buffers) - 1
        )
    operator.inputs = np.array(inputs, dtype=np.int32)


def _round(model: Any, number: int, rounding: Rounding) -> tuple[list[Any], int]:
    """Let all readers of a tensor read it rounded; return the operators, and the new number."""
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    like = graph.tensors[number]
    codes = _add_tensor(model, like, schema.TensorType.INT8, 0)
    quantization = schema.QuantizationParametersT()
    quantization.scale = np.array([rounding.scale], dtype=np.float32)
    quantization.zeroPoint = np.array([rounding.zero_point], dtype=np.int64)
    graph.tensors[codes].quantization = quantization
    rounded = _add_tensor(model, like, schema.TensorType.FLOAT32, 0)
    for operator in graph.operators:
        operator.inputs = _renamed(operator.inputs, number, rounded)
    graph.outputs = _renamed(graph.outputs, number, rounded)
    return [
        _operator(model, "QUANTIZE", number, codes),
        _operator(model, "DEQUANTIZE", codes, rounded),
    ], rounded


def _add_tensor(model: Any, like: Any, dtype: int, buffer: int) -> int:
    from ai_edge_litert import schema_py_generated as schema

    tensors = model.subgraphs[0].tensors
    tensor = schema.TensorT()
    tensor.name = b"%s;rounded%d" % (like.name, len(tensors))
    tensor.shape, tensor.shapeSignature = like.shape, like.shapeSignature
    tensor.type, tensor.buffer = dtype, buffer
    tensors.append(tensor)
    return len(tensors) - 1


def _operator(model: Any, kind: str, source: int, target: int) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = _VERSIONS[kind]
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = np.array([source], dtype=np.int32)
    operator.outputs = np.array([target], dtype=np.int32)
    return operator


def _renamed(numbers: Any, old: int, new: int) -> Any:
    found = np.asarray(numbers, dtype=np.int32)
    return np.where(found == old, np.int32(new), found)
