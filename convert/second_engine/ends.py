"""A graph with int8 ends gets uint8 ones: one QUANTIZE at each, as TensorFlow's converter does."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from convert.errors import ConversionError
from convert.int8.graph import read_graph
from convert.int8.writing import read_model, write_model

# From an int8 code to the uint8 code of the same value: the zero point moves along.
_SHIFT = 128


def with_uint8_ends(flatbuffer: bytes) -> bytes:
    """Return the model with a uint8 input and output of the same scales.

    Raises:
        ConversionError: the graph has not one input and one output of int8.
        AuditError: the bytes are no TFLite model.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph = read_graph(flatbuffer)
    ends = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    if [end.dtype for end in ends] != ["int8", "int8"]:
        raise ConversionError(
            f"expected one input and one output of int8, got {[end.dtype for end in ends]}"
        )
    model = read_model(flatbuffer)
    subgraph = model.subgraphs[0]
    code = _operator_code(model, schema)
    source, target = int(graph.inputs[0]), int(graph.outputs[0])
    new_source, new_target = (_uint8_twin(model, index, schema) for index in (source, target))
    subgraph.operators.insert(0, _operator(code, new_source, source, schema))
    subgraph.operators.append(_operator(code, target, new_target, schema))
    subgraph.inputs = np.array([new_source], dtype=np.int32)
    subgraph.outputs = np.array([new_target], dtype=np.int32)
    for signature in model.signatureDefs or ():
        for mapping in signature.inputs:
            mapping.tensorIndex = new_source
        for mapping in signature.outputs:
            mapping.tensorIndex = new_target
    return write_model(model)


def _uint8_twin(model: Any, index: int, schema: Any) -> int:
    """Add the uint8 tensor that stands before or behind an int8 one; it takes over the name."""
    tensors = model.subgraphs[0].tensors
    inner = tensors[index]
    outer = copy.deepcopy(inner)
    outer.type = schema.TensorType.UINT8
    outer.buffer = len(model.buffers)
    outer.quantization.zeroPoint = np.asarray(inner.quantization.zeroPoint) + _SHIFT
    inner.name += b"_int8"
    model.buffers.append(schema.BufferT())
    tensors.append(outer)
    return len(tensors) - 1


def _operator_code(model: Any, schema: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _operator(code: int, source: int, target: int, schema: Any) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs = np.array([source], dtype=np.int32)
    operator.outputs = np.array([target], dtype=np.int32)
    operator.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
    operator.builtinOptions = schema.QuantizeOptionsT()
    return operator
