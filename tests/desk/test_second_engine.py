"""ai-edge-quantizer beside TensorFlow's converter: the same ranges give the same graph."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import TINY_CLASSES, Tiny

from benchmarks.arm.files import FileCost
from convert.errors import ConversionError
from convert.int8.audit import audit, describe
from convert.int8.conversion import convert_calibrated, convert_float, quantize
from convert.int8.freeze import freeze
from convert.int8.graph import read_graph
from convert.int8.predict import predict
from convert.int8.ranges import read_ranges, write_ranges
from convert.int8.runtime_version import is_newer
from convert.int8.writing import read_model, write_model
from convert.second_engine.difference import layer_differences
from convert.second_engine.layers import read_layers

pytest.importorskip("ai_edge_quantizer", reason="the extra second-engine is not installed")

from benchmarks.precision.subject import Subject
from benchmarks.second_engine.examination import MAIN, Examination, examine
from benchmarks.second_engine.tables import failures, layers_table, models_table
from convert.int8.compilation import Pictures
from convert.int8.packing import Identity
from convert.second_engine.conversion import calibrate, quantize_static


@pytest.fixture(scope="module")
def pictures(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["train"].images[:20]


@pytest.fixture(scope="module")
def calibrated(tiny: Tiny, pictures: NDArray[np.uint8]) -> bytes:
    return convert_calibrated(freeze(tiny.model), pictures)


@pytest.fixture(scope="module")
def float_model(tiny: Tiny) -> bytes:
    return convert_float(freeze(tiny.model))


@pytest.fixture(scope="module")
def main_model(calibrated: bytes) -> bytes:
    return quantize(calibrated)


@pytest.fixture(scope="module")
def second_model(float_model: bytes, calibrated: bytes) -> bytes:
    return quantize_static(float_model, read_ranges(calibrated))


def _faults(first: bytes, second: bytes) -> dict[int, tuple[str, ...]]:
    differences = layer_differences(read_layers(first), read_layers(second))
    return {found.number: found.faults for found in differences if found.faults}


def test_both_engines_agree_on_every_scale_weight_and_bias(
    main_model: bytes, second_model: bytes
) -> None:
    assert _faults(main_model, second_model) == {}


def test_both_engines_answer_alike(tiny: Tiny, main_model: bytes, second_model: bytes) -> None:
    images = tiny.pictures["test"].images
    first, second = (predict(model, images).astype(int) for model in (main_model, second_model))
    np.testing.assert_allclose(first, second, atol=1)  # a weight in the middle of two codes


def test_the_second_model_passes_the_audit_and_needs_the_same_runtime(
    main_model: bytes, second_model: bytes, float_model: bytes, calibrated: bytes
) -> None:
    found, expected = audit(second_model, io="uint8"), audit(main_model, io="uint8")
    assert found.operators == expected.operators
    assert found.minimum_runtime == expected.minimum_runtime
    int8_ends = quantize_static(float_model, read_ranges(calibrated), io="int8")
    assert audit(int8_ends, io="int8").input.dtype == "int8"


def test_the_uint8_ends_change_no_answer(
    tiny: Tiny, second_model: bytes, float_model: bytes, calibrated: bytes
) -> None:
    images = tiny.pictures["test"].images
    int8_ends = quantize_static(float_model, read_ranges(calibrated), io="int8")
    np.testing.assert_array_equal(
        predict(second_model, images).astype(int), predict(int8_ends, images).astype(int) + 128
    )


def test_the_same_input_gives_the_same_bytes(
    float_model: bytes, calibrated: bytes, second_model: bytes
) -> None:
    assert quantize_static(float_model, read_ranges(calibrated)) == second_model


def test_its_own_calibration_finds_the_extremes(
    float_model: bytes, calibrated: bytes, pictures: NDArray[np.uint8]
) -> None:
    found, expected = calibrate(float_model, pictures), read_ranges(calibrated)
    assert list(found) == list(expected)
    for name, limits in expected.items():
        # Two runtimes' float kernels: equal but for the last bits.
        assert found[name] == pytest.approx(limits, rel=1e-5, abs=1e-6)


def test_a_changed_scale_of_an_activation_shows_at_its_layer(
    main_model: bytes, calibrated: bytes
) -> None:
    ranges = read_ranges(calibrated)
    name = list(ranges)[1]
    low, high = ranges[name]
    faulty = quantize(write_ranges(calibrated, {name: (low, high * 1.01)}))
    assert "output scale" in _faults(main_model, faulty)[1][0]


@pytest.mark.parametrize("place", ["weight scale", "weight", "bias"])
def test_a_fault_planted_in_the_weights_shows_at_its_layer(second_model: bytes, place: str) -> None:
    assert _faults(second_model, _with_fault(second_model, place)).keys() == {1}
    assert place in _faults(second_model, _with_fault(second_model, place))[1][0]


def _with_fault(flatbuffer: bytes, place: str) -> bytes:
    """Change one number of the first convolution."""
    graph = read_graph(flatbuffer)
    convolution = next(op for op in graph.operations if op.name == "CONV_2D")
    model = read_model(flatbuffer)
    tensor = model.subgraphs[0].tensors[convolution.inputs[2 if place == "bias" else 1]]
    if place == "weight scale":
        tensor.quantization.scale = np.array(tensor.quantization.scale)
        tensor.quantization.scale[3] *= 1.001
    else:
        dtype = np.int32 if place == "bias" else np.int8
        values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype=dtype).copy()
        values[5] += 3 if values[5] < 0 else -3
        model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), dtype=np.uint8)
    return write_model(model)


def test_graphs_of_two_models_are_not_compared(main_model: bytes) -> None:
    layers = read_layers(main_model)
    with pytest.raises(ConversionError, match="expected the operators"):
        layer_differences(layers, layers[:-1])


def test_a_range_that_is_missing_is_named(float_model: bytes, calibrated: bytes) -> None:
    ranges = read_ranges(calibrated)
    name = list(ranges)[2]
    del ranges[name]
    with pytest.raises(ConversionError, match=re.escape(repr(name))):
        quantize_static(float_model, ranges)


def test_without_the_library_the_error_says_what_to_install(
    float_model: bytes, calibrated: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(ConversionError, match="second-engine"):
        quantize_static(float_model, read_ranges(calibrated))


def test_four_bits_ask_for_a_runtime_that_has_them(float_model: bytes, calibrated: bytes) -> None:
    model = quantize_static(float_model, read_ranges(calibrated), dense_bits=4)
    graph = read_graph(model)
    dense = next(op for op in graph.operations if op.name == "FULLY_CONNECTED")
    assert graph.tensors[dense.inputs[1]].dtype == "int4"
    assert dense.version == 10
    # The last release of tflite-runtime has no kernel for it.
    assert is_newer(describe(model).minimum_runtime, "2.14.0")
    convolution = next(op for op in graph.operations if op.name == "CONV_2D")
    assert graph.tensors[convolution.inputs[1]].dtype == "int8"


@pytest.fixture(scope="module")
def examined(tiny: Tiny, pictures: NDArray[np.uint8]) -> Examination:
    parts = tiny.pictures
    sets = Pictures("tiny", parts["train"], parts["validation"], parts["test"])
    subject = Subject(
        tiny.model, freeze(tiny.model), Identity("tiny", TINY_CLASSES), sets, pictures
    )
    return examine(subject, say=lambda _: None)


def test_the_examination_finds_no_fault_in_two_sound_engines(examined: Examination) -> None:
    assert list(failures(examined, {})) == []
    rows = models_table(examined, {}).rows
    assert [row[0] for row in rows] == list(examined.models)


def test_the_examination_names_a_planted_fault(examined: Examination, main_model: bytes) -> None:
    faulty = read_layers(_with_fault(main_model, "weight scale"))
    found = replace(examined, layers=layer_differences(read_layers(main_model), faulty))
    assert [sentence.split(":")[0] for sentence in failures(found, {})] == ["layer 1, CONV_2D"]
    assert "weight scale" in layers_table(found).rows[0][-1]


def test_a_model_that_costs_more_is_a_fault(examined: Examination) -> None:
    costs = {title: FileCost(1000, 0, 0) for title in examined.models}
    assert list(failures(examined, {"a board": costs})) == []
    costs[MAIN] = FileCost(1020, 0, 0)
    assert "instructions" in failures(examined, {"a board": costs})[0]
