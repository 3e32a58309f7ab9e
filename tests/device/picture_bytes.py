"""Picture files written byte by byte: what no encoder writes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode with Pillow."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """One chunk of a PNG."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(
    width: int,
    height: int,
    depth: int,
    color: int,
    rows: bytes,
    *extra: bytes,
    interlace: int = 0,
) -> bytes:
    """A PNG; `rows` begin with their filter's byte, `extra` chunks come before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return PNG_START + chunk(b"IHDR", header) + b"".join(extra) + pixels + chunk(b"IEND")


def tags(
    entries: Sequence[tuple[int, int, int, int]], *, order: str = "<", after: int = 0
) -> bytes:
    """A TIFF structure with one directory at byte 8: (tag, type, count, value or its place)."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        if kind == 3 and count == 1:  # a short lies at the beginning of its four bytes
            directory += struct.pack(order + "HHLHxx", tag, kind, count, value)
        else:
            directory += struct.pack(order + "HHLL", tag, kind, count, value)
    return start + struct.pack(order + "L", 8) + directory + struct.pack(order + "L", after)


def tiff(width: int, height: int, pixels: bytes, *more: tuple[int, int, int, int]) -> bytes:
    """A grey TIFF of one strip; tags in `more` replace or add to the usual ones.

    The place of strips or tiles is that of `pixels`, whatever `more` says.
    """
    usual: dict[int, Sequence[int]] = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, 0),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, len(pixels)),
    }
    usual.update({tag: rest for tag, *rest in more})
    if 324 in usual:  # tiles instead of strips
        for tag in (273, 278, 279):
            del usual[tag]
    place = 8 + 2 + 12 * len(usual) + 4
    offsets = 324 if 324 in usual else 273
    usual[offsets] = (*usual[offsets][:2], place)
    return tags([(tag, *rest) for tag, rest in sorted(usual.items())]) + pixels


def same_bytes_again(entries: int, size: int, *, first_tag: int = 40_000) -> bytes:
    """A TIFF structure whose tags all name the same bytes, nearly all of its `size`."""
    repeated = [(first_tag + number, 7, size - 8, 8) for number in range(entries)]
    return tags(repeated).ljust(size, b"\0")


def segment(marker: int, data: bytes = b"") -> bytes:
    """One segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments: bytes, picture: bytes | None = None) -> bytes:
    """A JPEG with segments behind its first two bytes, in the place of its JFIF segment."""
    data = picture or encode(Image.new("RGB", (8, 8), (200, 30, 60)), "JPEG")
    length = struct.unpack_from(">H", data, 4)[0] if data[2:4] == b"\xff\xe0" else -2
    return data[:2] + b"".join(segments) + data[4 + length :]


def gif(width: int, height: int, *blocks: bytes, frame: tuple[int, int] | None = None) -> bytes:
    """A GIF with two colors, red and lime; its frame is one red pixel unless `frame` is larger."""
    side = frame or (1, 1)
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\xff\0\0\0\xff\0"
    return head + b"".join(blocks) + gif_frame(*side) + b";"


def gif_frame(width: int, height: int, codes: bytes = b"\x44\x01") -> bytes:
    """A frame at the left top; the codes are clear, color 0, end."""
    place = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return place + b"\x02" + bytes((len(codes),)) + codes + b"\0"


def webp_of_frames(frames: Sequence[bytes], width: int, height: int) -> bytes:
    """An animated WebP; each frame is a still WebP of that size, of which the pixels are taken."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBP" + _riff(b"VP8X", b"\x02\0\0\0" + size) + _riff(b"ANIM", bytes(6))
    for still in frames:
        body += _riff(b"ANMF", bytes(6) + size + b"\x0a\0\0\0" + still[12:])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
