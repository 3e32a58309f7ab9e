"""The audit finds what is wrong in a flatbuffer; faults are planted into a sound one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import pytest
from tiny_model import TinyCompiled

from convert.errors import AuditError
from convert.int8.audit import audit, describe
from convert.int8.graph import read_graph
from minivgg_edge.manifest import Operator
from minivgg_edge.model_file import read_model_file


@pytest.fixture(scope="module")
def sound(tiny_compiled: TinyCompiled) -> bytes:
    return read_model_file(tiny_compiled.path).flatbuffer


@pytest.fixture(scope="module")
def sound_float(tiny_compiled: TinyCompiled) -> bytes:
    return read_model_file(tiny_compiled.float_path).flatbuffer


def _changed(flatbuffer: bytes, change: Callable[[Any, Any], None]) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    change(model, schema)
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _first(model: Any, schema: Any, name: str) -> Any:
    """The first operator of this kind."""
    code = getattr(schema.BuiltinOperator, name)
    operators = model.subgraphs[0].operators
    return next(op for op in operators if model.operatorCodes[op.opcodeIndex].builtinCode == code)


def test_a_sound_model(sound: bytes) -> None:
    found = audit(sound, io="uint8")
    assert Operator("CONV_2D", 3, 2) in found.operators
    assert Operator("QUANTIZE", 1, 2) in found.operators
    assert found.input.shape == (1, 16, 16, 3)
    assert (found.input.scales, found.input.zero_points) == ((1.0,), (0,))
    assert found.output.shape == (1, 3)
    assert found.activation == "softmax"
    # 16*16 outputs of 8 channels with 3*3*3 products each, 8*8 of 8 with 3*3*8, and 8 by 3.
    assert found.macs == 16 * 16 * 8 * 27 + 8 * 8 * 8 * 72 + 8 * 3
    assert found.minimum_runtime == "2.14.0"
    assert found.to_json()["input"]["dtype"] == "uint8"


def test_structure(sound: bytes) -> None:
    graph = read_graph(sound)
    names = [operation.name for operation in graph.operations]
    assert (names[0], names[-1]) == ("QUANTIZE", "QUANTIZE")
    convolution = next(op for op in graph.operations if op.name == "CONV_2D")
    weights, bias = (graph.tensors[index] for index in convolution.inputs[1:])
    assert (weights.dtype, weights.shape, len(weights.scales)) == ("int8", (8, 3, 3, 3), 8)
    assert weights.constant
    assert bias.dtype == "int32"
    assert not graph.tensors[convolution.outputs[0]].constant
    assert graph.runtime_version == "1.14.0"


def test_a_float_model_is_described_but_not_passed(sound_float: bytes) -> None:
    assert describe(sound_float).input.dtype == "float32"
    with pytest.raises(AuditError, match=r"CONV_2D: tensor .*: expected uint8, got float32"):
        audit(sound_float, io="uint8")


def test_a_planted_float_operator_is_named(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        pooled = model.subgraphs[0].tensors[_first(model, schema, "MAX_POOL_2D").outputs[0]]
        pooled.type, pooled.name = schema.TensorType.FLOAT32, b"planted"

    planted = _changed(sound, plant)
    message = "MAX_POOL_2D: tensor 'planted': expected int8 or int32, got float32"
    with pytest.raises(AuditError, match=message):
        audit(planted, io="uint8")


def test_uint8_inside(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        tensor = model.subgraphs[0].tensors[_first(model, schema, "MAX_POOL_2D").outputs[0]]
        tensor.type = schema.TensorType.UINT8

    with pytest.raises(AuditError, match=r"MAX_POOL_2D: .* expected int8 or int32, got uint8"):
        audit(_changed(sound, plant), io="uint8")


def test_the_wrong_ends(sound: bytes) -> None:
    with pytest.raises(AuditError, match=r"QUANTIZE: tensor .*: expected int8, got uint8"):
        audit(sound, io="int8")


def test_weights_with_one_scale(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        weights = model.subgraphs[0].tensors[_first(model, schema, "CONV_2D").inputs[1]]
        weights.quantization.scale = weights.quantization.scale[:1]
        weights.quantization.zeroPoint = weights.quantization.zeroPoint[:1]

    with pytest.raises(AuditError, match=r"CONV_2D: weights .*: expected 8 scales, .* got 1"):
        audit(_changed(sound, plant), io="uint8")


def test_a_shape_that_is_not_static(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = [-1, 16, 16, 3]

    with pytest.raises(AuditError, match=r"expected a static shape, got \(-1, 16, 16, 3\)"):
        audit(_changed(sound, plant), io="uint8")


def test_a_batch_of_two(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [2, 16, 16, 3]

    with pytest.raises(AuditError, match=r"input: expected \(1, height, width, 3\), got \(2,"):
        audit(_changed(sound, plant), io="uint8")


def test_a_custom_operator(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        code = model.operatorCodes[_first(model, schema, "MAX_POOL_2D").opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"Mine"

    with pytest.raises(AuditError, match="CUSTOM:Mine: expected a built-in operator"):
        audit(_changed(sound, plant), io="uint8")


def test_requantization_inside(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        pool, quantize = (_first(model, schema, n) for n in ("MAX_POOL_2D", "QUANTIZE"))
        pool.opcodeIndex = quantize.opcodeIndex

    with pytest.raises(AuditError, match=r"expected 2 QUANTIZE operators .* got 3"):
        audit(_changed(sound, plant), io="uint8")


def test_a_last_activation_that_gives_no_scores(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        code = model.operatorCodes[_first(model, schema, "SOFTMAX").opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOGISTIC

    with pytest.raises(AuditError, match="ends in softmax or logits, got LOGISTIC"):
        audit(_changed(sound, plant), io="uint8")


def test_without_softmax_the_output_is_logits(sound: bytes) -> None:
    def plant(model: Any, schema: Any) -> None:
        code = model.operatorCodes[_first(model, schema, "SOFTMAX").opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU

    assert audit(_changed(sound, plant), io="uint8").activation == "logits"


def test_the_minimum_runtime_of_a_newer_operator(sound: bytes) -> None:
    def newer(model: Any, schema: Any) -> None:
        code = model.operatorCodes[_first(model, schema, "FULLY_CONNECTED").opcodeIndex]
        code.version = 12

    assert describe(_changed(sound, newer)).minimum_runtime == "2.17.0"

    def unknown(model: Any, schema: Any) -> None:
        code = model.operatorCodes[_first(model, schema, "FULLY_CONNECTED").opcodeIndex]
        code.version = 99
        model.metadata = [m for m in model.metadata if m.name != b"min_runtime_version"]

    with pytest.raises(AuditError, match="FULLY_CONNECTED version 99: the runtime that it needs"):
        describe(_changed(sound, unknown))


def test_not_a_model(sound: bytes) -> None:
    with pytest.raises(AuditError, match=r"expected a TFLite model with b'TFL3' .*, got b' tex'"):
        read_graph(b"some text")
    with pytest.raises(AuditError):
        read_graph(sound[:40])
