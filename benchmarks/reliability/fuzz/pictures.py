"""Small sound picture files of every format and of odd modes, and their damages."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
from PIL import ExifTags, Image, features

from benchmarks.reliability.fuzz import damage
from benchmarks.reliability.fuzz.containers import Piece, join_png, rearranged_pieces

_WIDTH, _HEIGHT = 37, 29
_TIFF_COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd")


def picture_files() -> dict[str, bytes]:
    """Return sound files by a name that says what they are; equal Pillows give equal bytes."""
    return {**dict(_jpeg()), **dict(_png()), **dict(_animated()), **dict(_tiff()), **dict(_other())}


def truncated(files: list[bytes], random: Random, number: int) -> bytes:
    """Cut off the end."""
    return damage.truncated(_file(files, number), random)


def flipped(files: list[bytes], random: Random, number: int) -> bytes:
    """Flip one to eight bits, half of the time all within the first 256 bytes."""
    data = _file(files, number)
    reach = random.choice((len(data), min(len(data), 256)))
    for _ in range(random.choice((1, 2, 4, 8))):
        data = damage.flipped_at(data, random.randrange(reach), random)
    return data


def overwritten(files: list[bytes], random: Random, number: int) -> bytes:
    """Overwrite, move, remove, repeat or insert blocks, once or often."""
    change = random.choice((damage.damaged, damage.damaged_often))
    return change(_file(files, number), random, damage.BLOCKS)


def renumbered(files: list[bytes], random: Random, number: int) -> bytes:
    """Write numbers on the edge of their range over fields, one to four times."""
    data = _file(files, number)
    for _ in range(random.choice((1, 2, 4))):
        data = damage.renumbered(data, random)
    return data


def rearranged(files: list[bytes], random: Random, number: int) -> bytes:
    """Rearrange chunks, segments or boxes, with lengths and check sums made right again."""
    return rearranged_pieces(_file(files, number), random)


def _file(files: list[bytes], number: int) -> bytes:
    return files[number % len(files)]


def _picture() -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((_WIDTH, _HEIGHT))


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "maker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    return exif


def _frames() -> list[Image.Image]:
    return [_picture().rotate(angle) for angle in (90, 180)]


def _jpeg() -> Iterator[tuple[str, bytes]]:
    picture = _picture()
    yield "jpeg baseline", _encoded(picture, "JPEG", quality=80)
    yield "jpeg progressive", _encoded(picture, "JPEG", quality=80, progressive=True)
    yield "jpeg 4:4:4 with EXIF", _encoded(picture, "JPEG", subsampling=0, exif=_exif())
    yield "jpeg grey", _encoded(picture.convert("L"), "JPEG")
    yield "jpeg cmyk", _encoded(picture.convert("CMYK"), "JPEG")
    yield "jpeg restarts", _encoded(picture, "JPEG", restart_marker_rows=1, comment=b"comment")
    yield "mpo", _encoded(picture, "MPO", save_all=True, append_images=_frames())


def _png() -> Iterator[tuple[str, bytes]]:
    picture = _picture()
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        grey = np.arange(_WIDTH * _HEIGHT, dtype=np.uint16).reshape(_HEIGHT, _WIDTH) * 60
        image = Image.fromarray(grey) if mode == "I;16" else picture.convert(mode)
        yield f"png {mode}", _encoded(image, "PNG")
    quantized = picture.quantize(9)
    yield "png palette with alpha", _encoded(quantized, "PNG", transparency=bytes(range(0, 90, 10)))
    yield "png transparent color", _encoded(picture, "PNG", transparency=(1, 2, 3))
    yield "png 2 bits", _encoded(picture.quantize(4), "PNG", bits=2)
    yield (
        "png EXIF, text, profile",
        _encoded(
            picture, "PNG", exif=_exif(8), icc_profile=b"profile", dpi=(72, 72), pnginfo=_texts()
        ),
    )
    yield "png interlaced", _interlaced()


def _texts() -> Any:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Title", "a title")
    texts.add_text("Comment", "packed " * 9, zip=True)
    texts.add_itxt("Author", "jemand", "de", "Verfasser")
    return texts


def _interlaced() -> bytes:
    """Return a PNG of 8 x 8 grey pixels in Adam7 order, which Pillow reads but never writes."""
    rows = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))  # width, rows of each pass
    pixels = b"".join((b"\0" + bytes(range(width))) * count for width, count in rows)
    header = struct.pack(">2L5B", 8, 8, 8, 0, 0, 0, 1)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return join_png([Piece(name, content) for name, content in parts])


def _animated() -> Iterator[tuple[str, bytes]]:
    picture, frames = _picture(), _frames()
    more = {"save_all": True, "append_images": frames, "duration": 50}
    yield "gif", _encoded(picture.quantize(16), "GIF", transparency=3)
    yield "gif animated", _encoded(picture, "GIF", **more)
    yield "apng", _encoded(picture, "PNG", **more)
    if features.check("webp"):
        yield "webp", _encoded(picture, "WEBP", quality=70)
        yield "webp lossless with alpha", _encoded(picture.convert("RGBA"), "WEBP", lossless=True)
        yield "webp EXIF", _encoded(picture, "WEBP", exif=_exif(3), icc_profile=b"profile")
        yield "webp animated", _encoded(picture, "WEBP", **more)
    if features.check("avif"):
        yield "avif", _encoded(picture, "AVIF", speed=10, exif=_exif(5))
        yield (
            "avif animated with alpha",
            _encoded(
                picture.convert("RGBA"),
                "AVIF",
                speed=10,
                save_all=True,
                append_images=[frame.convert("RGBA") for frame in frames],
            ),
        )


def _tiff() -> Iterator[tuple[str, bytes]]:
    picture = _picture()
    for compression in _TIFF_COMPRESSIONS if features.check("libtiff") else ("raw",):
        yield f"tiff {compression}", _encoded(picture, "TIFF", compression=compression)
    yield "tiff pages", _encoded(picture, "TIFF", save_all=True, append_images=_frames())
    yield "tiff orientation", _encoded(picture, "TIFF", exif=_exif(7))
    for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "F", "I"):
        yield f"tiff {mode}", _encoded(_of_mode(picture, mode), "TIFF")
    if features.check("libtiff"):
        yield "tiff group4", _encoded(picture.convert("1"), "TIFF", compression="group4")
        tiles = {"compression": "tiff_lzw", "tiffinfo": {317: 2, 278: 4}}  # predictor, rows a strip
        yield "tiff predictor", _encoded(picture, "TIFF", **tiles)


def _of_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "LAB":
        return Image.frombytes("LAB", picture.size, picture.tobytes())
    return picture.convert("L").convert(mode) if mode in ("F", "I") else picture.convert(mode)


def _other() -> Iterator[tuple[str, bytes]]:
    picture = _picture()
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"bmp {mode}", _encoded(picture.convert(mode), "BMP")
    yield "bmp run lengths", _run_length_bmp()
    for mode in ("1", "L", "RGB"):
        yield f"ppm {mode}", _encoded(picture.convert(mode), "PPM")
    yield "ppm plain", b"P3 # a comment\n2 2\n255\n" + b"0 1 2 3 4 5 6 7 8 9 10 11\n"
    yield "pgm 16 bits", b"P5\n4 2\n65535\n" + bytes(range(16))
    yield "pfm", b"Pf\n2 2\n-1.0\n" + bytes(16)
    yield "pam", b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" + bytes(12)


def _run_length_bmp() -> bytes:
    """Return a BMP with run-length encoding, which Pillow reads but never writes."""
    pixels = b"\4\1\0\0" * 4 + b"\0\1"  # four rows of four equal pixels, each ended, and the end
    palette = bytes(range(256)) * 4
    start = 14 + 40 + len(palette)
    size = start + len(pixels)
    header = struct.pack("<2sL2HL", b"BM", size, 0, 0, start)
    info = struct.pack("<L2l2H2L2l2L", 40, 4, 4, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return header + info + palette + pixels
