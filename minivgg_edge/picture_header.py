"""What a picture file asks of its decoder, bounded before the decoder obeys.

The pixel limit alone does not bound the work: a JPEG may repeat passes over all of its pixels, and
Pillow reads headers in Python, so that millions of empty segments cost minutes or gigabytes. Sound
files are far from each of the limits here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import IO

from minivgg_edge.errors import PictureError
from minivgg_edge.tiff_tags import check_exif, check_tags

# Pieces of a header: segments and stray bytes of a JPEG, extensions of a GIF and their blocks,
# chunks of a PNG (its pixels come in pieces too, often of 8 KiB).
_JPEG_PIECES = 1 << 14
_GIF_PIECES = 1 << 13
_PNG_PIECES = 1 << 17
_SMALLEST_CHUNK = 12  # bytes of a PNG chunk without content
# An EXIF block is made for one segment; some cameras need a few. Pillow joins them one by one.
_EXIF_SEGMENTS = 64
# Passes over a JPEG. Encoders write about ten; each costs the time of decoding the whole picture.
_SCANS = 100

# JPEG (ITU-T T.81), annex B: a marker is FF and a byte that is not zero; more FF may come before.
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_BARE = frozenset((0x01, *range(0xD0, 0xDA)))  # markers without a length
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))

HEIC_ADVICE = "pip install pillow-heif and call pillow_heif.register_heif_opener()"
"""What helps in a program; the commands of the desk do not call it."""

# ISO/IEC 23008-12, annex B, and the AVIF specification: the major brand of a file.
_HEIC = "HEIC", HEIC_ADVICE
_AVIF = "AVIF", "install Pillow 11.3 or newer"
_BRANDS = {
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC
    ),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
}


def describe_start(start: bytes, formats: str) -> str:
    """Say what a file is that no decoder takes, by its first 16 bytes."""
    brand = _BRANDS.get(start[8:12]) if start[4:8] == b"ftyp" else None
    if brand is not None:
        kind, advice = brand
        return f"{kind}, which Pillow cannot read here: convert it to JPEG, or {advice}"
    return (
        f"not a picture, or its header is damaged: expected {formats}, "
        f"got a file that starts with {start!r}"
    )


def check_header(stream: IO[bytes], name: str) -> None:
    """Check what the file asks for, by its first bytes; formats without such traps pass.

    Args:
        stream: The encoded picture from its beginning, where it stands again afterwards.
        name: The picture, for messages.

    Raises:
        PictureError: It asks for more than a picture needs.
    """
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(b"\xff\xd8"):
        _check_jpeg(stream, name)
    elif start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        check_tags(stream, name)
    elif start == b"\x89PNG\r\n\x1a\n":
        _check_png(stream, name)
    elif start.startswith((b"GIF87a", b"GIF89a")):
        _check_gif(stream, name)
    stream.seek(0)


def _check_jpeg(stream: IO[bytes], name: str) -> None:
    exif: list[bytes] = []
    several_scans = False
    components = b""
    for marker, segment in _segments(stream, name):
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            exif.append(segment[6:])  # newer Pillow joins them, older releases take the first
        elif marker == 0xE2 and segment.startswith(b"MPF\0"):
            check_exif(segment[4:], name)
        elif marker in _START_OF_FRAME:
            components = segment[5:6]
            several_scans = marker in _PROGRESSIVE
        elif marker == _START_OF_SCAN:
            several_scans = several_scans or segment[:1] != components
    if len(exif) > _EXIF_SEGMENTS:
        raise PictureError(
            f"{name}: expected at most {_EXIF_SEGMENTS} EXIF segments, got {len(exif):,}"
        )
    check_exif(b"".join(exif), name)
    if several_scans:
        _check_scans(stream, name)


def _segments(stream: IO[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of the segments up to the first scan, as lenient as decoders are."""
    pieces = 0
    while pieces < _JPEG_PIECES:
        pieces += 1
        byte = stream.read(1)
        if byte != b"\xff":
            if not byte:
                return
            continue
        byte = stream.read(1)
        while byte == b"\xff" and pieces < _JPEG_PIECES:
            pieces += 1  # of fill bytes any number may stand there
            byte = stream.read(1)
        if byte == b"\xff":
            break
        if not byte:
            return
        marker = byte[0]
        if marker == 0 or marker in _BARE:
            continue
        length = int.from_bytes(stream.read(2), "big")
        yield marker, stream.read(max(0, length - 2))
        if marker == _START_OF_SCAN:
            return
    raise _too_many(name, _JPEG_PIECES, "segments or stray bytes before the pixels")


def _check_scans(stream: IO[bytes], name: str) -> None:
    """Count the scans from behind the header of the first one to the end of the first image."""
    data = stream.read()
    scans, place = 1, 0
    while (found := _MARKER.search(data, place)) is not None:
        marker, place = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker in _BARE:
            continue
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > _SCANS:
                raise _too_many(name, _SCANS, "scans, each a pass over the whole picture")
        place += int.from_bytes(data[place : place + 2], "big")


def _check_png(stream: IO[bytes], name: str) -> None:
    size = stream.seek(0, io.SEEK_END)
    if size < _PNG_PIECES * _SMALLEST_CHUNK:
        return  # as nearly every file: there is no room for more
    place = 8
    for _ in range(_PNG_PIECES):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        place += _SMALLEST_CHUNK + int.from_bytes(head[:4], "big")
    raise _too_many(name, _PNG_PIECES, "chunks")


def _check_gif(stream: IO[bytes], name: str) -> None:
    """Count what comes before the first image: GIF89a specification, sections 17 to 26."""
    head = stream.read(13)
    if len(head) == 13 and head[10] & 0x80:
        stream.seek(3 << (head[10] & 7) + 1, io.SEEK_CUR)  # the global color table
    in_extension = False
    for _ in range(_GIF_PIECES):
        byte = stream.read(1)
        if in_extension:
            in_extension = byte not in (b"", b"\0")
            stream.seek(int.from_bytes(byte, "big"), io.SEEK_CUR)
        elif byte == b"!":
            in_extension = True
            stream.seek(1, io.SEEK_CUR)  # its label
        elif byte in (b"", b",", b";"):
            return
    raise _too_many(name, _GIF_PIECES, "extensions and stray bytes before the first image")


def _too_many(name: str, limit: int, what: str) -> PictureError:
    return PictureError(f"{name}: expected at most {limit:,} {what}, got more")
