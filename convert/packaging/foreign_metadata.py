"""Standard TFLite Metadata of a foreign model: its normalization and its labels.

Read by slot number after the public schema, `metadata_schema.fbs` of tensorflow/tflite-support,
as `convert.int8.metadata` writes it: the packages that read it are heavy or broken.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flatbuffers import encode, number_types
from flatbuffers.table import Table

from convert.packaging.errors import AdoptionError
from convert.packaging.normalization import Normalization, per_channel

NAME = b"TFLITE_METADATA"
MANIFEST = "manifest.json"

_NORMALIZATION_OPTIONS = 1  # member of the union of process units
_LABEL_FILES = (2, 3)  # TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS
_LARGEST_LABELS_BYTES = 2**20

# Slots of the schema's tables.
_MODEL_SUBGRAPHS = 3
_SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS = 2, 3
_TENSOR_PROCESS_UNITS, _TENSOR_FILES = 4, 6
_UNIT_TYPE, _UNIT_OPTIONS = 0, 1
_OPTIONS_MEAN, _OPTIONS_STD = 0, 1
_FILE_NAME, _FILE_TYPE = 0, 2


@dataclass(frozen=True, slots=True)
class ForeignMetadata:
    """What a foreign model says about itself; None where it says nothing.

    Attributes:
        normalization: of the input's pixels.
        labels_file: name of the associated file with the labels.
    """

    normalization: Normalization | None = None
    labels_file: str | None = None


def read_metadata(data: bytes) -> ForeignMetadata:
    """Read the metadata flatbuffer.

    Raises:
        AdoptionError: a normalization that is none.
        struct.error, LookupError, ValueError, TypeError: damaged, as the flatbuffers package says.
    """
    root = _Reader(
        Table(bytearray(data), encode.Get(number_types.UOffsetTFlags.packer_type, data, 0))
    )
    subgraphs = root.children(_MODEL_SUBGRAPHS)
    if not subgraphs:
        return ForeignMetadata()
    inputs = subgraphs[0].children(_SUBGRAPH_INPUTS)
    outputs = subgraphs[0].children(_SUBGRAPH_OUTPUTS)
    files = [file for output in outputs for file in output.children(_TENSOR_FILES)]
    labels = [file.text(_FILE_NAME) for file in files if file.byte(_FILE_TYPE) in _LABEL_FILES]
    return ForeignMetadata(
        _normalization(inputs[0]) if inputs else None, labels[0] if labels else None
    )


def split_zip(data: bytes, *, source: str) -> bytes:
    """Return the flatbuffer of a file that may have a zip behind it, as metadata with labels is.

    Raises:
        AdoptionError: the zip is damaged, or the file is a compiled model already.
    """
    stream = io.BytesIO(data)
    if not zipfile.is_zipfile(stream):
        return data
    with _reading(source), zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
    if any(entry.filename == MANIFEST for entry in entries):
        raise AdoptionError(
            f"{source}: expected a foreign model, got one with {MANIFEST}: it is compiled "
            "already, package it without --adopt"
        )
    return data[: min((entry.header_offset for entry in entries), default=len(data))]


def associated_file(data: bytes, name: str, *, source: str) -> bytes | None:
    """Return a small file of the zip behind a model; None if there is none of this name.

    No other one is unpacked, and of this no more than a list of labels may have.

    Raises:
        AdoptionError: it is damaged, or stored in a way that is unusual here.
    """
    stream = io.BytesIO(data)
    if not zipfile.is_zipfile(stream):
        return None
    with _reading(source), zipfile.ZipFile(stream) as archive:
        found = [entry for entry in archive.infolist() if entry.filename == name]
        if not found or found[-1].file_size > _LARGEST_LABELS_BYTES:
            return None
        if found[-1].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError(f"{name}: compressed by method {found[-1].compress_type}")
        # The header may lie about the length: no more than it promises is unpacked.
        with archive.open(found[-1]) as file:
            return file.read(_LARGEST_LABELS_BYTES)


@contextlib.contextmanager
def _reading(source: str) -> Iterator[None]:
    try:
        yield
    # All that zipfile raises for a damaged or unsupported archive.
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise AdoptionError(
            f"{source}: expected a sound zip behind the model, got: {error}"
        ) from error


def _normalization(tensor: _Reader) -> Normalization | None:
    for unit in tensor.children(_TENSOR_PROCESS_UNITS):
        if unit.byte(_UNIT_TYPE) != _NORMALIZATION_OPTIONS:
            continue
        options = unit.child(_UNIT_OPTIONS)
        if options is None:
            continue
        mean = per_channel(options.floats(_OPTIONS_MEAN) or (0.0,), option="metadata, mean")
        std = per_channel(options.floats(_OPTIONS_STD) or (1.0,), option="metadata, std")
        if 0.0 in std:
            raise AdoptionError("metadata, std: expected numbers other than 0, got 0")
        red, green, blue = (1.0 / s for s in std)
        offsets = tuple(-m / s for m, s in zip(mean, std, strict=True))
        return Normalization(
            (red, green, blue), per_channel(offsets, option="metadata, mean"), "metadata"
        )
    return None


class _Reader:
    """A table of a flatbuffer, read by slot number; an absent field is None or empty."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def _place(self, slot: int) -> int | None:
        offset = self._table.Offset(4 + 2 * slot)
        return int(offset + self._table.Pos) if offset else None

    def text(self, slot: int) -> str:
        place = self._place(slot)
        return "" if place is None else bytes(self._table.String(place)).decode("utf-8")

    def byte(self, slot: int) -> int:
        place = self._place(slot)
        return 0 if place is None else int(self._table.Get(number_types.Uint8Flags, place))

    def child(self, slot: int) -> _Reader | None:
        place = self._place(slot)
        if place is None:
            return None
        return _Reader(Table(self._table.Bytes, self._table.Indirect(place)))

    def children(self, slot: int) -> list[_Reader]:
        start, length = self._vector(slot)
        places = (self._table.Indirect(start + 4 * index) for index in range(length))
        return [_Reader(Table(self._table.Bytes, place)) for place in places]

    def floats(self, slot: int) -> tuple[float, ...]:
        start, length = self._vector(slot)
        values: Any = np.frombuffer(self._table.Bytes, "<f4", length, start) if length else ()
        return tuple(map(float, values))

    def _vector(self, slot: int) -> tuple[int, int]:
        offset = self._table.Offset(4 + 2 * slot)
        if not offset:
            return 0, 0
        return int(self._table.Vector(offset)), int(self._table.VectorLen(offset))
