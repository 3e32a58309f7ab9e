"""Conversion in two halves, and the ranges between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tiny_model import Tiny

from convert.errors import ConversionError
from convert.int8.conversion import convert_calibrated, convert_float, convert_int8, quantize
from convert.int8.freeze import freeze
from convert.int8.graph import Graph, read_graph
from convert.int8.predict import predict
from convert.int8.ranges import read_ranges, write_ranges


@pytest.fixture(scope="module")
def calibrated(tiny: Tiny) -> bytes:
    return convert_calibrated(freeze(tiny.model), tiny.pictures["train"].images[:20])


def _scales(graph: Graph) -> dict[str, float]:
    outputs = [graph.tensors[op.outputs[0]] for op in graph.operations]
    return {tensor.name: tensor.scales[0] for tensor in outputs if tensor.scales}


def _convolutions(flatbuffer: bytes) -> list[str]:
    graph = read_graph(flatbuffer)
    return [graph.tensors[o.outputs[0]].name for o in graph.operations if o.name == "CONV_2D"]


def test_both_halves_are_the_whole(tiny: Tiny, calibrated: bytes) -> None:
    direct = convert_int8(freeze(tiny.model), tiny.pictures["train"].images[:20])
    halves = quantize(calibrated)
    assert _scales(read_graph(halves)) == _scales(read_graph(direct))
    pictures = tiny.pictures["test"].images
    np.testing.assert_array_equal(predict(halves, pictures), predict(direct, pictures))


def test_the_ranges_are_those_of_the_activations(tiny: Tiny, calibrated: bytes) -> None:
    ranges = read_ranges(calibrated)
    first = next(iter(ranges))
    assert ranges[first] == (0.0, 255.0)
    float_model = convert_float(freeze(tiny.model))
    scores = predict(float_model, tiny.pictures["train"].images[:20])
    low, high = list(ranges.values())[-1]
    assert (low, high) == pytest.approx((scores.min(), scores.max()), abs=1e-6)


def test_written_ranges_become_scales(calibrated: bytes) -> None:
    first, *_, last = _convolutions(calibrated)
    before = _scales(read_graph(quantize(calibrated)))
    ranges = read_ranges(calibrated)
    changed = write_ranges(
        calibrated, {first: (0.0, ranges[first][1] / 2), last: (0.5, 2 * ranges[last][1])}
    )
    after = _scales(read_graph(quantize(changed)))
    assert after[first] == pytest.approx(before[first] / 2, rel=1e-6)
    assert after[last] == pytest.approx(2 * before[last], rel=1e-6)
    # The pool behind it compares stored values, so it has the same scale.
    graph = read_graph(changed)
    (pool,) = (
        graph.tensors[op.outputs[0]].name
        for op in graph.operations
        if op.name == "MAX_POOL_2D" and graph.tensors[op.inputs[0]].name == last
    )
    assert after[pool] == after[last]
    assert read_ranges(changed)[pool] == read_ranges(changed)[last] == (0.0, 2 * ranges[last][1])
    assert write_ranges(changed, ranges) == write_ranges(calibrated, ranges)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ((0.0, math.inf), "expected a finite range, got 0.0 to inf"),
        ((math.nan, 1.0), "expected a finite range, got nan to 1.0"),
        ((0.0, 0.0), "expected a finite range, got 0.0 to 0.0"),
    ],
)
def test_impossible_ranges(calibrated: bytes, wanted: tuple[float, float], message: str) -> None:
    first = _convolutions(calibrated)[0]
    with pytest.raises(ConversionError, match=message):
        write_ranges(calibrated, {first: wanted})


def test_unknown_names_and_models_without_ranges(tiny: Tiny, calibrated: bytes) -> None:
    with pytest.raises(ConversionError, match="name of an activation, got 'nowhere'"):
        write_ranges(calibrated, {"nowhere": (0.0, 1.0)})
    with pytest.raises(ConversionError, match="without activation ranges"):
        read_ranges(convert_float(freeze(tiny.model)))
    with pytest.raises(ConversionError, match=r"the converter failed: .+"):
        quantize(b"no model at all, but long enough")


def test_an_operator_can_stay_in_float32(tiny: Tiny, calibrated: bytes) -> None:
    first = _convolutions(calibrated)[0]
    graph = read_graph(quantize(calibrated, io=None, float_operators=[first]))
    dtypes = {tensor.name: tensor.dtype for tensor in graph.tensors}
    assert dtypes[first] == "float32"
    assert dtypes[_convolutions(calibrated)[1]] == "int8"
    everything = [
        read_graph(calibrated).tensors[op.outputs[0]].name
        for op in read_graph(calibrated).operations
    ]
    same = quantize(calibrated, io=None, float_operators=everything)
    pictures = tiny.pictures["test"].images
    expected = predict(convert_float(freeze(tiny.model)), pictures)
    np.testing.assert_allclose(predict(same, pictures), expected, atol=1e-5)
