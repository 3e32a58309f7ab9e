"""Picture files taken apart into their pieces and put together in another way.

A flipped bit in a PNG ends at its check sum. Behind that stand decoders that trust it; only pieces
with lengths and check sums made right again reach them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from benchmarks.reliability.fuzz.damage import damaged, renumbered

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START, _JPEG_SCAN = b"\xff\xd8", 0xDA
_JPEG_BARE = {0x01, *range(0xD0, 0xDA)}  # markers without a length


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, a segment, or the rest of a file: its name and its content."""

    name: bytes
    content: bytes


Split = Callable[[bytes], list[Piece]]
Join = Callable[[list[Piece]], bytes]


def rearranged_pieces(data: bytes, random: Random) -> bytes:
    """Move, repeat, drop, rename or damage one or two pieces; of other formats, bytes."""
    split, join = _container(data)
    pieces = split(data)
    if len(pieces) < 2:
        return renumbered(renumbered(data, random), random)
    for _ in range(random.choice((1, 1, 2))):
        pieces = _rearranged(pieces, random)
    return join(pieces)


def _rearranged(pieces: list[Piece], random: Random) -> list[Piece]:
    pieces = list(pieces)
    place = random.randrange(len(pieces))
    piece = pieces[place]
    choice = random.randrange(6)
    if choice == 0:
        pieces.insert(random.randrange(len(pieces)), pieces.pop(place))
    elif choice == 1:
        pieces.insert(random.randint(0, len(pieces)), piece)
    elif choice == 2 and len(pieces) > 1:
        del pieces[place]
    elif choice == 3:
        pieces[place] = replace(piece, name=random.choice(pieces).name)
    elif choice == 4:
        pieces[place] = replace(piece, content=damaged(piece.content, random))
    else:  # a size, a depth, a number of colors
        pieces[place] = replace(piece, content=renumbered(piece.content, random))
    return pieces


def _container(data: bytes) -> tuple[Split, Join]:
    """Return the functions that take a format apart and put it together."""
    if data.startswith(_PNG_SIGNATURE):
        return _split_png, join_png
    if data.startswith(_JPEG_START):
        return _split_jpeg, _join_jpeg
    if data[:4] == b"RIFF":
        return _split_riff, _join_riff
    if data[4:8] == b"ftyp":
        return _split_boxes, _join_boxes
    return lambda whole: [Piece(b"", whole)], lambda pieces: pieces[0].content


def _split_png(data: bytes) -> list[Piece]:
    pieces, place = [], len(_PNG_SIGNATURE)
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">L4s", data, place)
        pieces.append(Piece(name, data[place + 8 : place + 8 + size]))
        place += 12 + size
    return pieces


def join_png(pieces: list[Piece]) -> bytes:
    """Return a PNG of chunks, with their lengths and check sums."""
    chunks = [_PNG_SIGNATURE]
    for piece in pieces:
        named = piece.name + piece.content
        chunks += struct.pack(">L", len(piece.content)), named, struct.pack(">L", zlib.crc32(named))
    return b"".join(chunks)


def _split_jpeg(data: bytes) -> list[Piece]:
    """Return the segments; what follows a scan's header belongs to that piece."""
    pieces, place = [], len(_JPEG_START)
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        size = 0 if marker in _JPEG_BARE else int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + size
        if marker == _JPEG_SCAN:
            end = data.find(b"\xff\xc4", end)  # of a progressive file, the next scan's tables
            end = len(data) if end < 0 else end
        pieces.append(Piece(data[place : place + 2], data[place + 4 : end]))
        place = end
    return pieces


def _join_jpeg(pieces: list[Piece]) -> bytes:
    segments = [_JPEG_START]
    for piece in pieces:
        # A scan's own length is that of its header alone: 6 bytes and 2 for each component.
        parts = piece.content[0] if piece.content else 0
        size = 6 + 2 * parts if piece.name[1] == _JPEG_SCAN else 2 + len(piece.content)
        segments += piece.name, struct.pack(">H", size % 2**16), piece.content
    return b"".join(segments)


def _split_riff(data: bytes) -> list[Piece]:
    pieces, place = [], 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sL", data, place)
        pieces.append(Piece(name, data[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    return pieces


def _join_riff(pieces: list[Piece]) -> bytes:
    body = b"WEBP"
    for piece in pieces:
        size = len(piece.content)
        body += piece.name + struct.pack("<L", size) + piece.content + b"\0" * (size % 2)
    return b"RIFF" + struct.pack("<L", len(body)) + body


def _split_boxes(data: bytes) -> list[Piece]:
    """Return the top-level boxes of an ISO base media file (AVIF)."""
    pieces, place = [], 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">L4s", data, place)
        size = size if size >= 8 else len(data) - place
        pieces.append(Piece(name, data[place + 8 : place + size]))
        place += size
    return pieces


def _join_boxes(pieces: list[Piece]) -> bytes:
    return b"".join(
        struct.pack(">L4s", 8 + len(piece.content), piece.name) + piece.content for piece in pieces
    )
