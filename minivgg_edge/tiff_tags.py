"""The tags of TIFF files and EXIF blocks, bounded before a decoder follows them.

A tag names its value by place and length, and nothing keeps two tags from naming the same bytes:
Pillow before 13 copies them for every tag, so that a megabyte of file becomes gigabytes of memory.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import numpy as np

from minivgg_edge.errors import PictureError

if TYPE_CHECKING:
    import numpy.typing as npt

# Tags whose values are copied out of the file. A sound file holds each value once.
_TAG_BYTES = 1 << 24
_TAGS = 1 << 16  # of one directory: what the 16 bits of a tag can tell apart
# Strips or tiles of a TIFF: 64 megapixels in tiles of 16 x 16.
_TILES = 1 << 18

# TIFF 6.0, section 2, and BigTIFF: bytes of a value by the number of its type.
_UNIT_BYTES = np.full(1 << 16, 8)
_UNIT_BYTES[:14] = 1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4
_TILE_TAGS = (273, 279, 324, 325)  # offsets and sizes of strips and of tiles
_DIRECTORY_TAGS = (0x8769, 0x8825, 0xA005)  # EXIF, GPS, interoperability: EXIF 2.32, section 4.6.3
_DIRECTORIES = 16
_FIELDS = ("tag", "type", "count", "value")


def check_exif(block: bytes, name: str) -> None:
    """Check the directories of an EXIF block, with or without the six bytes of its name.

    Raises:
        PictureError: As for `check_tags`.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    check_tags(io.BytesIO(block), name)


def check_tags(stream: IO[bytes], name: str) -> None:
    """Check the first directory of a TIFF structure and those it points to.

    What is cut off, or no TIFF at all, passes: the decoder will say so.

    Args:
        stream: Seekable; left at any place.
        name: The picture, for messages.

    Raises:
        PictureError: Its tags claim more bytes than it has and more than 16 MiB, or there are more
            than 65,536 tags, or more than 262,144 strips or tiles.
    """
    size = stream.seek(0, io.SEEK_END)
    claimed = 0
    for tags in _directories(stream, size, name):
        counts = np.minimum(tags["count"], size).astype(np.int64)
        values = np.minimum(tags["value"], size).astype(np.int64)
        sizes = counts * _UNIT_BYTES[tags["type"]]
        inline = tags.dtype["value"].itemsize
        claimed += int(np.minimum(sizes, size - values)[sizes > inline].sum())
        tiles = int(counts[np.isin(tags["tag"], _TILE_TAGS)].max(initial=0))
        if tiles > _TILES:
            raise PictureError(
                f"{name}: expected at most {_TILES:,} strips or tiles, got {tiles:,}"
            )
    if claimed > max(size, _TAG_BYTES):
        raise PictureError(
            f"{name}: expected tags that hold at most {max(size, _TAG_BYTES):,} bytes, "
            f"got {claimed:,} bytes, many of them more than once"
        )


def _directories(stream: IO[bytes], size: int, name: str) -> Iterator[npt.NDArray[np.void]]:
    """Yield the tags of the first directory and of those below it, as records."""
    stream.seek(0)
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return
    big = head[2:4] in (b"+\0", b"\0+") and len(head) == 16
    number_format, kinds = ("Q", "u2 u2 u8 u8") if big else ("H", "u2 u2 u4 u4")
    record = np.dtype([(f, order + k) for f, k in zip(_FIELDS, kinds.split(), strict=True)])
    pending = list(struct.unpack_from(order + ("Q" if big else "L"), head, 8 if big else 4))
    seen: set[int] = set()
    while pending and len(seen) < _DIRECTORIES:
        offset = pending.pop()
        if offset in seen or offset >= size:
            continue
        seen.add(offset)
        stream.seek(offset)
        number = stream.read(struct.calcsize(number_format))
        if len(number) < struct.calcsize(number_format):
            continue
        (count,) = struct.unpack(order + number_format, number)
        if count > _TAGS:
            raise PictureError(f"{name}: expected at most {_TAGS:,} tags, got {count:,}")
        data = stream.read(count * record.itemsize)
        tags = np.frombuffer(data, record, len(data) // record.itemsize)
        pending += tags["value"][np.isin(tags["tag"], _DIRECTORY_TAGS)].tolist()
        yield tags
