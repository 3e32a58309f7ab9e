"""The metadata, read back field by field with the flatbuffers package alone."""

from __future__ import annotations

import numpy as np
import pytest
from flatbuffers import number_types
from flatbuffers.table import Table
from tiny_model import TinyCompiled

from convert.int8.graph import read_graph
from convert.int8.metadata import add_metadata, metadata_buffer
from convert.int8.predict import predict
from minivgg_edge.model_file import read_model_file


class _Reader:
    """A table of a flatbuffer, read by slot number."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def root(cls, data: bytes) -> _Reader:
        buffer = bytearray(data)
        return cls(Table(buffer, int.from_bytes(data[:4], "little")))

    def _at(self, slot: int) -> int:
        offset = self.table.Offset(4 + 2 * slot)
        assert offset, f"slot {slot} is not set"
        return int(offset + self.table.Pos)

    def text(self, slot: int) -> str:
        return bytes(self.table.String(self._at(slot))).decode()

    def number(self, slot: int, flags: type) -> float:
        return float(self.table.Get(flags, self._at(slot)))

    def child(self, slot: int) -> _Reader:
        return _Reader(Table(self.table.Bytes, self.table.Indirect(self._at(slot))))

    def children(self, slot: int) -> list[_Reader]:
        offset = self.table.Offset(4 + 2 * slot)
        start, length = self.table.Vector(offset), self.table.VectorLen(offset)
        places = [self.table.Indirect(start + 4 * index) for index in range(length)]
        return [_Reader(Table(self.table.Bytes, place)) for place in places]

    def floats(self, slot: int) -> list[float]:
        offset = self.table.Offset(4 + 2 * slot)
        start, length = self.table.Vector(offset), self.table.VectorLen(offset)
        return np.frombuffer(self.table.Bytes, "<f4", length, start).tolist()


def test_every_field() -> None:
    data = metadata_buffer(name="mini", description="a model", height=24, width=32)
    assert data[4:8] == b"M001"
    root = _Reader.root(data)
    assert (root.text(0), root.text(1), root.text(7)) == ("mini", "a model", "1.0.0")
    (subgraph,) = root.children(3)
    (image,), (score,) = subgraph.children(2), subgraph.children(3)

    assert image.text(0) == "image"
    content = image.child(3)
    assert content.number(0, number_types.Uint8Flags) == 2  # ImageProperties
    assert content.child(1).number(0, number_types.Int8Flags) == 1  # RGB
    size = content.child(1).child(1)
    assert size.number(0, number_types.Uint32Flags) == 32  # width first
    assert size.number(1, number_types.Uint32Flags) == 24
    (unit,) = image.children(4)
    assert unit.number(0, number_types.Uint8Flags) == 1  # NormalizationOptions
    assert (unit.child(1).floats(0), unit.child(1).floats(1)) == ([0.0], [1.0])
    assert (image.child(5).floats(0), image.child(5).floats(1)) == ([255.0], [0.0])

    assert score.text(0) == "score"
    assert score.child(3).number(0, number_types.Uint8Flags) == 1  # FeatureProperties
    (labels,) = score.children(6)
    assert labels.text(0) == "labels.txt"
    assert labels.number(2, number_types.Int8Flags) == 2  # TENSOR_AXIS_LABELS


@pytest.fixture(scope="module")
def flatbuffer(tiny_compiled: TinyCompiled) -> bytes:
    return read_model_file(tiny_compiled.path).flatbuffer


def test_the_compiled_file_has_it(flatbuffer: bytes) -> None:
    assert flatbuffer.count(b"TFLITE_METADATA") == 1
    assert flatbuffer.count(b"M001") == 1


def test_a_second_time_replaces_the_first(flatbuffer: bytes) -> None:
    again = add_metadata(flatbuffer, name="other", description="", height=16, width=16)
    assert again.count(b"TFLITE_METADATA") == 1
    assert read_graph(again) == read_graph(flatbuffer)


def test_every_buffer_is_aligned(flatbuffer: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(flatbuffer, 0)
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0


def test_answers_do_not_change(flatbuffer: bytes, gray_noise: np.ndarray) -> None:
    again = add_metadata(flatbuffer, name="other", description="", height=16, width=16)
    np.testing.assert_array_equal(predict(again, gray_noise), predict(flatbuffer, gray_noise))
