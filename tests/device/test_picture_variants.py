"""Unusual but sound pictures: what each is worth is worked out here, not asked of Pillow."""

from __future__ import annotations

import io
import os
import struct
import sys
import time
import zlib

import numpy as np
import pytest

from minivgg_edge import PictureError

pytest.importorskip("PIL", reason="pictures are files here")
from picture_bytes import (
    PNG_START,
    chunk,
    encode,
    gif,
    gif_frame,
    jpeg_with,
    png,
    segment,
    tags,
    tiff,
    webp_of_frames,
)
from PIL import Image

from minivgg_edge.decode import decode

RED, GREY, WHITE = [255, 0, 0], [77, 77, 77], [255, 255, 255]
CORNERS = np.array([[10, 80, 150], [220, 30, 100]], dtype=np.uint8)  # no two turns look alike


def grey_png(pixels: np.ndarray, *extra: bytes) -> bytes:
    height, width = pixels.shape
    return png(width, height, 8, 0, b"".join(b"\0" + row.tobytes() for row in pixels), *extra)


# Orientation


TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])  # short, as it should be, and long
@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_by_hand(orientation: int, kind: int, order: str) -> None:
    block = tags([(0x0112, kind, 1, orientation)], order=order)
    expected = TURNS[orientation](CORNERS)
    decoded = decode(grey_png(CORNERS, chunk(b"eXIf", block)))
    np.testing.assert_array_equal(decoded, np.repeat(expected[:, :, np.newaxis], 3, axis=2))
    large = Image.fromarray(CORNERS.repeat(8, axis=0).repeat(8, axis=1))
    jpeg = encode(large, "JPEG", quality=95)
    turned = decode(jpeg_with(segment(0xE1, b"Exif\0\0" + block), picture=jpeg))
    upright = decode(jpeg)[:, :, 0]
    np.testing.assert_array_equal(turned[:, :, 0], TURNS[orientation](upright))


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="%d"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("exif_first", [True, False])
def test_exif_wins_over_a_contradicting_xmp(exif_first: bool) -> None:
    exif = segment(0xE1, b"Exif\0\0" + tags([(0x0112, 3, 1, 6)]))
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP % 3)
    picture = encode(Image.fromarray(CORNERS.repeat(8, axis=0)), "JPEG")
    both = (exif, xmp) if exif_first else (xmp, exif)
    expected = np.rot90(decode(picture), -1)
    np.testing.assert_array_equal(decode(jpeg_with(*both, picture=picture)), expected)


@pytest.mark.parametrize(
    "block",
    [
        tags([(0x0112, 3, 1, 6)], after=8),  # the next directory is this one
        tags([(0x0112, 3, 1, 6), (0x8769, 4, 1, 8), (0x8825, 4, 1, 8)]),  # those below, too
        tags([(0x0112, 3, 2**32 - 1, 6)]),
        tags([(0x0112, 3, 0, 6)]),
        tags([(0x0112, 2, 4, 0x00363636)]),  # a text
        tags([(0x0112, 5, 1, 2**32 - 1)]),  # a fraction beyond the end
        tags([(0x0112, 99, 1, 6)]),
        tags([(0x9286, 7, 2**32 - 1, 8), (0xFFFE, 12, 2**31, 9)]),
        b"II*\0" + struct.pack("<LH", 8, 65_535),
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63),
        b"II*\0" + struct.pack("<L", 2**32 - 1),
        b"",
    ],
    ids=range(12),
)
def test_broken_exif_turns_the_picture_or_is_ignored(block: bytes) -> None:
    start = time.perf_counter()
    refusals = []
    for data in (
        grey_png(CORNERS, chunk(b"eXIf", block)),
        jpeg_with(segment(0xE1, b"Exif\0\0" + block)),
        encode(Image.new("RGB", (3, 2)), "WEBP", exif=b"Exif\0\0" + block),
    ):
        try:
            assert decode(data).shape[2] == 3
        except PictureError as error:
            refusals.append(str(error))
    # A JPEG with an offset that a 32-bit system's files cannot have is refused by Pillow itself.
    too_large = sum("OverflowError" in refusal for refusal in refusals)
    assert too_large <= (0 if sys.maxsize > 2**32 else 1)
    assert sum("expected at most 65,536 tags" in refusal for refusal in refusals) in (0, 3)
    assert len(refusals) in (too_large, 3)
    assert time.perf_counter() - start < 5


# Colors


def test_rgb_and_alpha_of_16_bits_lose_less_than_a_step() -> None:
    values = [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_279, 65_280, 65_534, 65_535]
    row = struct.pack(">12H", *values)
    decoded = decode(png(4, 1, 16, 2, b"\0" + row))
    assert np.abs(decoded.ravel() - np.array(values) / 257).max() < 1
    opaque = b"".join(row[start : start + 6] + b"\xff\xff" for start in range(0, 24, 6))
    np.testing.assert_array_equal(decode(png(4, 1, 16, 6, b"\0" + opaque)), decoded)
    assert decode(png(1, 1, 16, 6, b"\0" + bytes(8))).tolist() == [[WHITE]]
    grey = b"\0" + struct.pack(">4H", 0x4D4D, 0xFFFF, 0x1234, 0)
    assert decode(png(2, 1, 16, 4, grey)).tolist() == [[GREY, WHITE]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_of_three_channels(order: str) -> None:
    values = np.array([0, 300, 65_535, 40_000, 128, 1_000], dtype=order + "u2")
    usual = [
        (256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 3, 200), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 206), (277, 3, 1, 3), (278, 3, 1, 1), (279, 4, 1, 12),
    ]  # fmt: skip
    start = tags(usual, order=order).ljust(200, b"\0")
    data = start + np.array([16] * 3, dtype=order + "u2").tobytes() + values.tobytes()
    assert np.abs(decode(data).ravel() - values / 257).max() < 1


def grey_tiff(samples: bytes, width: int, *, bits: int, order: str, photometric: int = 1) -> bytes:
    place = 200
    usual = [
        (256, 3, 1, width), (257, 3, 1, 1), (258, 3, 1, bits), (259, 3, 1, 1),
        (262, 3, 1, photometric), (273, 4, 1, place), (277, 3, 1, 1), (278, 3, 1, 1),
        (279, 4, 1, len(samples)),
    ]  # fmt: skip
    return tags(usual, order=order).ljust(place, b"\0") + samples


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_of_grey(order: str) -> None:
    samples = np.array([0, 128, 129, 0x4D4D, 65_535], dtype=order + "u2").tobytes()
    data = grey_tiff(samples, 5, bits=16, order=order)
    assert decode(data)[0].tolist() == [[0] * 3, [0] * 3, [1] * 3, GREY, WHITE]


def test_grey_tiff_that_would_come_out_wrong() -> None:
    # Of 8 bits and white at 0 the values are inverted; of 16 they would be a negative.
    assert decode(grey_tiff(b"\0\xb2", 2, bits=8, order="<", photometric=0)).tolist() == [
        [WHITE, GREY]
    ]
    message = "expected a TIFF of 16-bit grey whose 0 is black, got grey whose 0 is white"
    with pytest.raises(PictureError, match=message):
        decode(grey_tiff(bytes(4), 2, bits=16, order="<", photometric=0))
    # And 4095, the white of 12 bits, would be 16 of 255.
    with pytest.raises(PictureError, match=r"whose 0 is black, got bits per sample of \(12,\)"):
        decode(grey_tiff(b"\xff\xff\xff", 2, bits=12, order="<"))
    # 230 of 32 bits would be 1 of 255, and 32,767, the white of 16 bits with a sign, 127.
    wide, signed = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.full((2, 2), 230, np.int32)).save(wide, "TIFF")
    with pytest.raises(PictureError, match=r"whose 0 is black, got bits per sample of \(32,\)"):
        decode(wide.getvalue())
    tags = {339: 2}  # TIFF 6.0, section 19: SampleFormat, two's complement
    Image.fromarray(np.full((2, 2), 32_767, np.uint16)).save(signed, "TIFF", tiffinfo=tags)
    with pytest.raises(PictureError, match="whose 0 is black, got values with a sign"):
        decode(signed.getvalue())


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits(depth: int) -> None:
    levels = 1 << depth
    packed = int("".join(f"{v % levels:0{depth}b}" for v in range(8)), 2).to_bytes(depth, "big")
    decoded = decode(png(8, 1, depth, 0, b"\0" + packed))
    expected = [round(v % levels * 255 / (levels - 1)) for v in range(8)]
    assert decoded[0, :, 0].tolist() == expected
    clear = chunk(b"tRNS", struct.pack(">H", 0))  # black is transparent
    cleared = decode(png(8, 1, depth, 0, b"\0" + packed, clear))[0, :, 0]
    assert cleared.tolist() == [value or 255 for value in expected]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palette_of_few_colors_with_fewer_alphas(depth: int) -> None:
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 255]))
    alphas = chunk(b"tRNS", b"\x33")  # of the first color alone
    packed = bytes([0b01 << 8 - 2 * depth]) if depth < 8 else b"\0\1"
    decoded = decode(png(2, 1, depth, 3, b"\0" + packed, palette, alphas))
    assert decoded.tolist() == [[[255, 204, 204], [0, 0, 255]]]  # 0.2 of red over white


def test_interlaced_png() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1))  # fmt: skip  # PNG specification, section 8.2: first row, column, steps
    rows = b""
    for top, left, down, across in passes:
        part = pixels[top::down, left::across]
        rows += b"".join(b"\0" + row.tobytes() for row in part)
    assert decode(png(8, 8, 8, 0, rows, interlace=1))[:, :, 1].tolist() == pixels.tolist()


def cmyk_jpeg(ink: tuple[int, int, int, int]) -> bytes:
    return encode(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)


@pytest.mark.parametrize("ink", [(0, 255, 255, 0), (0, 0, 0, 128), (200, 40, 90, 60)])
def test_cmyk_jpeg_of_adobe(ink: tuple[int, int, int, int]) -> None:
    data = cmyk_jpeg(ink)
    assert b"Adobe" in data
    expected = [(255 - color) * (255 - ink[3]) / 255 for color in ink[:3]]
    np.testing.assert_allclose(decode(data)[8, 8], expected, atol=3)


def test_ycck_jpeg_of_adobe() -> None:
    # Luma and chromas are those of the amounts of ink; black is stored inverted.
    stored = (180, 100, 150, 215)
    data = bytearray(cmyk_jpeg(tuple(255 - value for value in stored)))
    data[data.index(b"Adobe") + 11] = 2
    luma, blue, red, black = stored
    inks = (
        luma + 1.402 * (red - 128),
        luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128),
        luma + 1.772 * (blue - 128),
    )
    expected = [(255 - ink) * black / 255 for ink in inks]
    np.testing.assert_allclose(decode(bytes(data))[8, 8], expected, atol=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_color_profiles_are_ignored(kind: str) -> None:
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 256, (9, 8, 3), np.uint8))
    plain = decode(encode(picture, kind))
    for profile in (b"no profile at all", os.urandom(70_000)):
        np.testing.assert_array_equal(decode(encode(picture, kind, icc_profile=profile)), plain)


# More than one picture in a file


def animated_png(frames: int, rest: bytes) -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = chunk(b"acTL", struct.pack(">II", frames, 0)) + chunk(b"fcTL", control)
    body += chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    for number in range(1, frames):
        body += chunk(b"fcTL", struct.pack(">I", 2 * number - 1) + control[4:])
        body += chunk(b"fdAT", struct.pack(">I", 2 * number) + rest)
    return PNG_START + head + body + chunk(b"IEND")


def many_frames() -> dict[str, bytes]:
    """Thousands of frames of which only the first can be decoded."""
    still = encode(Image.new("RGB", (16, 16), "red"), "WEBP", lossless=True)
    damaged = still[:25] + b"\xff" * (len(still) - 25)  # behind its size
    return {
        "GIF": gif(1, 1, gif_frame(1, 1), gif_frame(1, 1, b"\xff" * 9) * 5_000),
        "PNG": animated_png(3_000, b"not deflated"),
        "WEBP": webp_of_frames([still] + [damaged] * 2_000, 16, 16),
    }


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_only_the_first_of_thousands_of_frames_is_decoded(kind: str) -> None:
    data = many_frames()[kind]
    start = time.perf_counter()
    assert decode(data)[0, 0].tolist() == RED
    assert time.perf_counter() - start < 3


def test_tiff_of_thousands_of_pages_and_of_pages_in_a_circle() -> None:
    first = tiff(1, 1, b"M")
    directory = first[8:-1]  # ends with the place of the next page
    start = time.perf_counter()
    pages = first[: len(first) - 5] + struct.pack("<L", len(first)) + b"M"
    for number in range(1, 3_000):
        place = len(first) + number * len(directory)
        pages += directory[:-4] + struct.pack("<L", place if number < 2_999 else 0)
    assert decode(pages).tolist() == [[GREY]]
    circle = first[: len(first) - 5] + struct.pack("<L", 8) + b"M"
    assert decode(circle).tolist() == [[GREY]]
    assert time.perf_counter() - start < 3


def test_the_first_photograph_of_a_burst() -> None:
    if "MPO" not in Image.SAVE_ALL:
        Image.init()
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert data.count(b"\xff\xd8\xff") == 2
    np.testing.assert_array_equal(decode(data), decode(encode(first, "JPEG")))


# More than a picture in a file


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize(
    "rest", [b"PK\3\4" + bytes(99), b"<script>alert(1)</script>", os.urandom(1 << 20)]
)
def test_what_follows_a_picture_does_not_matter(kind: str, rest: bytes) -> None:
    picture = Image.fromarray(CORNERS.repeat(8, axis=0).repeat(8, axis=1)).convert("RGB")
    data = encode(picture, kind)
    np.testing.assert_array_equal(decode(data + rest), decode(data))


def test_what_is_also_a_script_or_an_archive_is_only_a_picture() -> None:
    comment = segment(0xFE, b"#!/bin/sh\nexit 1\n*/=1;alert(1)/*PK\3\4%PDF-1.7 %!PS")
    np.testing.assert_array_equal(decode(jpeg_with(comment)), decode(jpeg_with()))
    text = chunk(b"tEXt", b"a\0<?php system('exit 1'); ?>")
    assert decode(png(1, 1, 8, 2, b"\0\xff\0\0", text)).tolist() == [[RED]]


# Cut off


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_cut_off_anywhere(kind: str, options: dict[str, object]) -> None:
    picture = Image.fromarray(np.random.default_rng(9).integers(0, 256, (40, 30, 3), np.uint8))
    data = encode(picture, kind, **options)
    whole = decode(data)
    refused = 0
    lengths = sorted({*range(1, 64), *np.linspace(64, len(data) - 1, 120, dtype=int).tolist()})
    for length in lengths:
        try:
            decoded = decode(data[:length])
        except PictureError:
            refused += 1
        else:  # only what ends the file is missing
            np.testing.assert_array_equal(decoded, whole, err_msg=f"cut at {length}")
    assert refused > 0.9 * len(lengths)
