"""Golden vectors: synthetic, reproducible, and answered with a margin."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from tiny_model import TinyCompiled

from benchmarks.published import PublishedModel, published_models
from convert.int8.audit import describe
from convert.int8.golden import KEPT, choose_agreed, choose_golden, synthetic_pictures
from convert.int8.other_kernels import without_xnnpack
from convert.int8.packing import Identity, pack
from convert.int8.predict import predict
from minivgg_edge.golden_answers import tolerance_of, wrong_answers
from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.model_file import parse_model_file, read_model_file


def test_the_pictures_are_the_same_everywhere() -> None:
    pictures = synthetic_pictures(8, height=32, width=32)
    digest = hashlib.sha256(pictures.tobytes()).hexdigest()
    assert digest == "b28d01c8b879d828934160fa465c2883389cb97620d6bf5ca0aef1209a98b3b0"


def test_pictures_differ_and_fill_the_range() -> None:
    pictures = synthetic_pictures(100, height=9, width=17)
    assert (pictures.shape, pictures.dtype) == ((100, 9, 17, 3), np.uint8)
    assert len({picture.tobytes() for picture in pictures}) == 100
    assert pictures.min() < 5
    assert pictures.max() > 250


def test_the_smallest_pictures() -> None:
    assert synthetic_pictures(40, height=1, width=1).shape == (40, 1, 1, 3)


def test_chosen_with_a_margin_and_of_every_class(tiny_compiled: TinyCompiled) -> None:
    flatbuffer = read_model_file(tiny_compiled.path).flatbuffer
    golden = choose_golden(flatbuffer, height=16, width=16)
    assert golden.inputs.shape == (KEPT, 16, 16, 3)
    np.testing.assert_array_equal(predict(flatbuffer, golden.inputs), golden.outputs)
    everything = predict(flatbuffer, synthetic_pictures(400, height=16, width=16))
    assert set(golden.outputs.argmax(axis=1)) == set(everything.argmax(axis=1))
    ordered = np.sort(golden.outputs.astype(int), axis=1)
    assert (ordered[:, -1] - ordered[:, -2]).min() > 2 * 2  # two steps off on either side


def test_the_file_carries_them(tiny_compiled: TinyCompiled) -> None:
    for path in (tiny_compiled.path, tiny_compiled.float_path):
        file = read_model_file(path)
        golden = file.golden_vectors()
        np.testing.assert_array_equal(predict(file.flatbuffer, golden.inputs), golden.outputs)


def test_vectors_to_which_other_kernels_give_another_label_are_left_out(
    tiny_compiled: TinyCompiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer = read_model_file(tiny_compiled.path).flatbuffer
    usual = choose_golden(flatbuffer, height=16, width=16)
    agreed, apart = choose_agreed(flatbuffer, height=16, width=16)
    np.testing.assert_array_equal(agreed.inputs, usual.inputs)
    assert apart <= 2

    def others(_: bytes, pictures: object, table: object) -> object:
        found = usual.outputs.copy()
        found[::2] = np.roll(found[::2], 1, axis=1)
        found[1] = np.maximum(found[1], 11) - 11
        return found

    monkeypatch.setattr("convert.int8.golden.without_xnnpack", others)
    agreed, apart = choose_agreed(flatbuffer, height=16, width=16)
    np.testing.assert_array_equal(agreed.outputs, usual.outputs[1::2])
    assert apart == 11

    # What the device does not allow anyway goes into the file.
    file = read_model_file(tiny_compiled.path)
    identity = Identity("tiny", file.labels)
    packed = pack(flatbuffer, describe(flatbuffer), identity, ())
    steps = parse_model_file(packed, source="x").manifest.runtime.tolerance_steps
    assert steps == {"ai-edge-litert": 1, "tflite-runtime": 11}


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.name)
def test_the_family_is_right_on_kernels_without_xnnpack(model: PublishedModel) -> None:
    """As on 32-bit boards, where they are all that there is."""
    file = model.file
    golden = file.golden_vectors()
    found = without_xnnpack(file.flatbuffer, golden.inputs, None)
    runtime = RuntimeInfo("tflite-runtime", "2.14.0", "2.14.0")
    tolerance = tolerance_of(file.manifest, runtime)
    assert wrong_answers(found, golden.outputs, file.labels, tolerance=tolerance) == []
    # And a broken kernel is not.
    assert wrong_answers(found // 2, golden.outputs, file.labels, tolerance=tolerance)


def test_fewer_than_there_are_classes(tiny_compiled: TinyCompiled) -> None:
    flatbuffer = read_model_file(tiny_compiled.path).flatbuffer
    assert len(choose_golden(flatbuffer, height=16, width=16, count=1).inputs) == 1
