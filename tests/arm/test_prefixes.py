"""A model cut behind each operator, against Keras and the runtime."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.arm.prefixes import prefixes
from convert.int8.audit import describe
from convert.int8.graph import read_graph
from minivgg_edge.interpreter import _load_runtime


def run(flatbuffer: bytes, picture: np.ndarray) -> np.ndarray:
    interpreter = _load_runtime()[1].Interpreter(model_content=flatbuffer, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(source["index"], picture[np.newaxis])
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])


@pytest.fixture(scope="module")
def flatbuffer(int8_model) -> bytes:
    return int8_model.path.read_bytes()


def test_each_operator_ends_one(flatbuffer: bytes) -> None:
    names = [part.name for part in prefixes(flatbuffer)]
    assert names == [
        "quantize 1",
        "conv 1",
        "conv 2",
        "max-pool 1",
        "conv 3",
        "conv 4",
        "max-pool 2",
        "dense 1",
        "dense 2",
        "softmax 1",
        "quantize 2",
    ]


def test_multiply_adds_are_those_of_the_layers(flatbuffer: bytes) -> None:
    by_name = {part.name: part.macs for part in prefixes(flatbuffer)}
    assert by_name["conv 1"] == 32 * 32 * 32 * 3 * 9
    assert by_name["conv 4"] == 16 * 16 * 64 * 64 * 9
    assert by_name["dense 1"] == 8 * 8 * 64 * 512
    assert sum(by_name.values()) == describe(flatbuffer).macs


def test_the_last_one_answers_as_the_whole(flatbuffer: bytes) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    last = prefixes(flatbuffer)[-1].flatbuffer
    assert run(last, picture).tolist() == run(flatbuffer, picture).tolist()


def test_each_one_is_a_step_of_the_whole(flatbuffer: bytes) -> None:
    """Max-pooling of the model that ends before it, by numpy, is the model that ends behind it."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    parts = {part.name: part.flatbuffer for part in prefixes(flatbuffer)}
    before = run(parts["conv 2"], picture)[0]
    height, width, channels = before.shape
    pooled = before.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))
    assert run(parts["max-pool 1"], picture)[0].tolist() == pooled.tolist()


def test_a_branch_is_refused(shared_dir) -> None:
    model = shared_dir / "peers" / "mlperf-tiny" / "pretrainedResnet_quant.tflite"
    assert len(read_graph(model.read_bytes()).operations) > 1
    with pytest.raises(ValueError, match="expected a chain of operators, got a branch"):
        prefixes(model.read_bytes())
