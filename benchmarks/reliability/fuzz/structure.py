"""Which bytes of a compiled model are structure: all but weights, contents and pictures."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

Span = tuple[int, int]
"""Start and end of a range of bytes."""

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Structure:
    """Places in the file, as spans.

    Attributes:
        flatbuffer: tables, vtables, offsets, lengths, names, shapes and scales of the flatbuffer.
        archive: headers and directory of the zip.
        manifest: the content of the manifest.
    """

    flatbuffer: tuple[Span, ...]
    archive: tuple[Span, ...]
    manifest: tuple[Span, ...]


def find_structure(model: bytes, flatbuffer_size: int) -> Structure:
    """Return the structure of a compiled model.

    Args:
        model: the whole file.
        flatbuffer_size: bytes before the zip.
    """
    contents = []
    manifest: tuple[Span, ...] = ()
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                content = stream.read()
            start = model.index(content, entry.header_offset)
            contents.append((start, start + len(content)))
            if entry.filename == MANIFEST:
                manifest = (contents[-1],)
    flatbuffer = outside(_buffers(model[:flatbuffer_size]), (0, flatbuffer_size))
    return Structure(flatbuffer, outside(contents, (flatbuffer_size, len(model))), manifest)


def outside(spans: list[Span], within: Span) -> tuple[Span, ...]:
    """Return what of a range no span covers."""
    place, end = within
    left = []
    for start, stop in sorted(spans):
        if start > place:
            left.append((place, start))
        place = max(place, stop)
    return (*left, (place, end)) if place < end else tuple(left)


def place_in(spans: tuple[Span, ...], number: int) -> int:
    """Return the offset of the byte that is `number`-th in the spans, counted around."""
    number %= sum(end - start for start, end in spans)
    for start, end in spans:
        if number < end - start:
            return start + number
        number -= end - start
    raise ValueError("expected spans with bytes in them")


def _buffers(flatbuffer: bytes) -> list[Span]:
    """Return where the contents of the buffers lie: weights, constants, metadata."""
    from ai_edge_litert import schema_py_generated as schema  # type: ignore[import-untyped]

    model = schema.Model.GetRootAs(flatbuffer, 0)
    spans = []
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            table = buffer._tab
            start = table.Vector(table.Offset(4))  # `data` is the first field of the table
            spans.append((start, start + buffer.DataLength()))
    return spans
