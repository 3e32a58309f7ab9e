"""Golden vectors: synthetic, reproducible, and answered with a margin."""

from __future__ import annotations

import hashlib

import numpy as np
from tiny_model import TinyCompiled

from convert.int8.golden import KEPT, choose_golden, synthetic_pictures
from convert.int8.predict import predict
from minivgg_edge.model_file import read_model_file


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


def test_fewer_than_there_are_classes(tiny_compiled: TinyCompiled) -> None:
    flatbuffer = read_model_file(tiny_compiled.path).flatbuffer
    assert len(choose_golden(flatbuffer, height=16, width=16, count=1).inputs) == 1
