"""Picture files and PIL images to RGB: every kind of picture, every refusal and its message."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from fractions import Fraction
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, ImageOps

from minivgg_edge import classifier, fork_order
from minivgg_edge.decode import (
    DEFAULT_MAX_PIXELS,
    decode,
    from_pil,
    is_pil_image,
    pillow_loaded,
    resize_with_pillow,
)
from minivgg_edge.errors import PictureError

RNG = np.random.default_rng(23)


def random_array(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int) -> Image.Image:
    return Image.fromarray(random_array(4, 5, 3)).resize((width, height))


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(header: tuple[int, int, int, int], pixels: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """Write a PNG by hand; header: width, height, bit depth, color type; pixels: filtered rows."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0)),
        *extra,
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def over_white(color: int, alpha: int) -> int:
    return round(Fraction(color * alpha + 255 * (255 - alpha), 255))


# What is accepted


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF"])
def test_lossless_files_give_the_same_pixels(kind: str, tmp_path: Path) -> None:
    pixels = random_array(9, 7, 3)
    path = tmp_path / "picture"
    path.write_bytes(encode(Image.fromarray(pixels), kind))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes())):
        decoded = decode(source)
        np.testing.assert_array_equal(decoded, pixels)
        assert decoded.dtype == np.uint8
        assert decoded.flags.c_contiguous
        assert decoded.flags.writeable
    np.testing.assert_array_equal(decode(memoryview(path.read_bytes())), pixels)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_files_give_pillow_s_pixels(kind: str) -> None:
    data = encode(smooth(40, 60), kind)
    np.testing.assert_array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data))))


def test_one_pixel() -> None:
    assert decode(encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")).tolist() == [[[1, 2, 3]]]


def test_many_strips() -> None:
    pixels = random_array(700, 900, 3)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(pixels), "BMP")), pixels)


def test_grey_and_bilevel() -> None:
    grey = random_array(6, 5)
    expected = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(grey), "PNG")), expected)
    bilevel = Image.fromarray(np.where(grey < 128, np.uint8(0), np.uint8(255))).convert("1")
    assert sorted(set(decode(encode(bilevel, "PNG")).ravel().tolist())) == [0, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encode(smooth(24, 40), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert expected.shape == ((24, 40, 3) if orientation < 5 else (40, 24, 3))
    np.testing.assert_array_equal(decode(data), expected)
    np.testing.assert_array_equal(from_pil(Image.open(io.BytesIO(data))), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_orientation_of_a_tiff(orientation: int, compression: str) -> None:
    # Pillow's own exif_transpose turns twice here before Pillow 10.2, so the oracle is a PNG's
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = smooth(24, 40)
    tiff = encode(picture, "TIFF", exif=exif, compression=compression)
    expected = decode(encode(picture, "PNG", exif=exif))
    np.testing.assert_array_equal(decode(tiff), expected)
    np.testing.assert_array_equal(from_pil(Image.open(io.BytesIO(tiff))), expected)


def test_exif_behind_the_pixels_of_a_png() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    pixels = random_array(3, 5, 3)
    data = encode(Image.fromarray(pixels), "PNG")
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + block))
    end = data.rindex(b"IEND") - 4
    np.testing.assert_array_equal(decode(data[:end] + chunk + data[end:]), np.rot90(pixels, -1))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_undefined_orientation_means_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    pixels = random_array(3, 5, 3)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(pixels), "PNG", exif=exif)), pixels)


# Pillow cannot even open a JPEG with this offset where a file's position has 32 bits.
NEEDS_64_BITS = pytest.mark.skipif(sys.maxsize < 2**32, reason="the offset is too large")


@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0garbage",
        pytest.param(b"Exif\0\0II*\0\xff\xff\xff\xff", marks=NEEDS_64_BITS),
        b"x",
    ],
)
def test_unreadable_exif_counts_as_absent(block: bytes) -> None:
    picture = smooth(8, 9)
    data = encode(picture, "JPEG", exif=block)
    np.testing.assert_array_equal(decode(data), decode(encode(picture, "JPEG")))


def test_rgba_over_white() -> None:
    rgba = np.array([[[10, 200, 0, 128], [10, 200, 0, 0], [10, 200, 0, 255]]], dtype=np.uint8)
    expected = [[over_white(c, a) for c in (10, 200, 0)] for a in (128, 0, 255)]
    assert decode(encode(Image.fromarray(rgba), "PNG")).tolist() == [expected]


def test_grey_with_alpha_over_white() -> None:
    image = Image.new("LA", (2, 1))
    image.putdata([(100, 77), (30, 255)])
    expected = [[[over_white(100, 77)] * 3, [30] * 3]]
    assert decode(encode(image, "PNG")).tolist() == expected


@pytest.mark.parametrize(
    ("transparency", "expected"),
    [
        (b"\x00\x80\xff", [[255] * 3, [over_white(c, 128) for c in (0, 255, 0)], [0, 0, 255]]),
        (1, [[255, 0, 0], [255, 255, 255], [0, 0, 255]]),
    ],
)
def test_palette_with_transparency(transparency: object, expected: list[list[int]]) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    data = encode(image, "PNG", transparency=transparency)
    assert decode(data).tolist() == [expected]


def test_palette_with_an_alpha_of_each_pixel() -> None:
    image = Image.new("PA", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([(0, 255), (1, 0), (1, 51)])
    assert from_pil(image).tolist() == [[[255, 0, 0], [255] * 3, [204, 255, 204]]]


def test_premultiplied_alpha() -> None:
    # An alpha of 51 is a fifth: what is stored is a fifth of the color, 200, 0 and 255.
    image = Image.frombytes("RGBa", (2, 1), bytes([40, 0, 51, 51, 0, 0, 0, 0]))
    expected = [over_white(color, 51) for color in (200, 0, 255)]
    assert from_pil(image).tolist() == [[expected, [255] * 3]]
    grey = Image.frombytes("La", (2, 1), bytes([40, 51, 0, 0]))
    assert from_pil(grey).tolist() == [[[over_white(200, 51)] * 3, [255] * 3]]


def test_palette_with_alpha_in_the_palette() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 8, 7, 0, 6, 5, 4, 255], "RGBA")
    image.putdata([0, 1])
    assert from_pil(image).tolist() == [[[255] * 3, [6, 5, 4]]]


def test_one_transparent_color() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(1, 2, 3), (4, 5, 6)])
    data = encode(image, "PNG", transparency=(1, 2, 3))
    assert decode(data).tolist() == [[[255] * 3, [4, 5, 6]]]


def test_16_bit_grey_is_rounded() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    decoded = decode(png((256, 256, 16, 0), rows))
    # v / 257 lies never halfway between two integers, so float rounding is exact here
    expected = np.rint(values / 257)
    for channel in range(3):
        np.testing.assert_array_equal(decoded[:, :, channel], expected)


@pytest.mark.parametrize(
    ("bits", "row", "clear", "expected"),
    [
        (2, b"\x1b", 0, [255, 85, 170, 255]),
        (2, b"\x1b", 1, [0, 255, 170, 255]),
        (2, b"\x1b", 3, [0, 85, 170, 255]),
        (4, b"\x01\x5f", 1, [0, 255, 85, 255]),
        (4, b"\x01\x5f", 5, [0, 17, 255, 255]),
        (8, b"\x00\x01\x05\x55", 1, [0, 255, 5, 85]),
    ],
)
def test_grey_of_few_bits_with_a_transparent_value(
    bits: int, row: bytes, clear: int, expected: list[int]
) -> None:
    data = png((4, 1, bits, 0), b"\0" + row, (b"tRNS", struct.pack(">H", clear)))
    assert decode(data)[0, :, 0].tolist() == expected
    with Image.open(io.BytesIO(data)) as image:
        assert from_pil(image)[0, :, 0].tolist() == expected
        # The application's image is left as it was.
        assert image.info["transparency"] == clear


def test_16_bit_grey_with_a_transparent_value() -> None:
    row = b"\0" + struct.pack(">HHH", 1000, 1001, 40000)
    data = png((3, 1, 16, 0), row, (b"tRNS", struct.pack(">H", 1000)))
    assert decode(data)[0, :, 0].tolist() == [255, round(1001 / 257), round(40000 / 257)]


def test_16_bit_pgm_and_tiff() -> None:
    values = [0, 128, 129, 65535]
    expected = [0, 0, 1, 255]
    pgm = b"P5\n4 1\n65535\n" + struct.pack(">4H", *values)
    assert decode(pgm)[0, :, 0].tolist() == expected
    tiff = encode(Image.fromarray(np.array([values], dtype=np.uint16)), "TIFF")
    assert decode(tiff)[0, :, 0].tolist() == expected


def test_cmyk_jpeg() -> None:
    data = encode(smooth(16, 16).convert("CMYK"), "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode(data), expected)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (5, 4), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    image = Image.open(io.BytesIO(data))
    assert getattr(image, "n_frames", 1) == len(frames)
    np.testing.assert_array_equal(decode(data), np.full((4, 5, 3), [255, 0, 0]))
    image.seek(1)
    np.testing.assert_array_equal(from_pil(image), np.full((4, 5, 3), [0, 255, 0]))


def test_from_pil_leaves_the_image_as_it_is() -> None:
    image = Image.fromarray(random_array(5, 6, 4))
    before = image.copy()
    from_pil(image)
    assert (image.mode, image.size, image.tobytes()) == (before.mode, before.size, before.tobytes())


def test_is_pil_image(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_pil_image(Image.new("L", (1, 1)))
    assert not is_pil_image(np.zeros((1, 1)))
    monkeypatch.delitem(sys.modules, "PIL.Image")
    assert not is_pil_image(Image.new("L", (1, 1)))


def test_resize_with_pillow_equals_one_call_for_wide_pictures() -> None:
    pixels = random_array(30, 44, 3)
    expected = Image.fromarray(pixels).resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resize_with_pillow(pixels, 16, 16), np.asarray(expected))


# What is refused


def refused(source: object, message: str, **options: int) -> None:
    with pytest.raises(PictureError, match=message):
        decode(source, **options)  # type: ignore[arg-type]


def test_missing_and_empty(tmp_path: Path) -> None:
    refused(tmp_path / "no.png", r"no\.png': cannot be read: No such file or directory")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", r"empty\.png': expected a picture, got an empty file")
    refused(b"", "picture in memory: empty, expected the bytes of a picture file")


def test_not_regular_files(tmp_path: Path) -> None:
    refused(tmp_path, "expected a picture file, got a directory")
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", "expected a picture file, got a FIFO")
    refused("/dev/zero", "'/dev/zero': expected a picture file, got a device")


def test_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        refused("s", "'s': expected a picture file, got a socket")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "secret.png").chmod(0)
    refused(tmp_path / "secret.png", r"secret\.png': cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("two\nlines.png", r"two\\nlines\.png': cannot be read"),
        ("nul\0.png", r"nul\\x00\.png': cannot be read: (stat: )?embedded null"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("\udcff.png", r"'\\udcff\.png': cannot be read"),
        ("", "'': cannot be read"),
    ],
)
def test_odd_names(name: str, message: str) -> None:
    refused(name, message)


def test_text_as_jpeg(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_text("This is not a picture at all.\n")
    refused(tmp_path / "cat.jpg", r"cat\.jpg': not a picture.* starts with b'This is not a pi'")


def test_formats_that_start_programs_are_refused() -> None:
    refused(encode(smooth(4, 4), "EPS"), r"not a picture.*expected JPEG, PNG.*b'%!PS-Adobe")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_cut_off(kind: str, share: float, tmp_path: Path) -> None:
    data = encode(Image.fromarray(random_array(40, 40, 3)), kind)
    path = tmp_path / "cut.bin"
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, r"cut\.bin': (damaged or cut off: \w+: |not a picture)")


def test_cut_off_behind_a_lazy_image() -> None:
    data = encode(smooth(40, 60), "JPEG")
    image = Image.open(io.BytesIO(data[:-100]))
    message = (
        r"^PIL image \(mode RGB, 60 x 40\): damaged or cut off: OSError: image file is truncated"
    )
    with pytest.raises(PictureError, match=message):
        from_pil(image)


def test_flipped_bytes_give_an_array_or_a_picture_error() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = smooth(20, 22)
    files = [encode(image, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP")]
    files += [encode(image.quantize(16), "GIF"), encode(image, "BMP"), encode(image, "PPM")]
    refusals = 0
    for data in files:
        for _ in range(60):
            damaged = bytearray(data)
            for position in RNG.integers(0, min(len(data), 200), size=2):
                damaged[position] = RNG.integers(0, 256)
            try:
                assert decode(bytes(damaged)).shape[2] == 3
            except PictureError:
                refusals += 1
    assert refusals > 50


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (8193, r"at most 67,108,864, got 67,125,249 \(8193 x 8193\)"),
        (10_000, r"at most 67,108,864, got 100,000,000 \(10000 x 10000\)"),  # Pillow warns
        (20_000, r"at most 67,108,864, got .*beyond Pillow's own limit .*400000000 pixels"),
    ],
)
def test_too_many_pixels_by_the_header(side: int, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png((side, side, 8, 2), b"\0" * 100))
    refused(path, rf"bomb\.png': too many pixels: expected {message}")


def test_the_limit_is_the_last_accepted_size() -> None:
    assert DEFAULT_MAX_PIXELS >= 8064 * 6048  # a 48-megapixel phone
    data = encode(smooth(6, 7), "PNG")
    assert decode(data, max_pixels=42).shape == (6, 7, 3)
    refused(data, r"expected at most 41, got 42 \(7 x 6\)", max_pixels=41)
    with pytest.raises(PictureError, match=r"PIL image \(mode RGB, 7 x 6\): too many pixels"):
        from_pil(smooth(6, 7), max_pixels=41)
    with pytest.raises(ValueError, match="max_pixels: expected at least 1, got 0"):
        decode(data, max_pixels=0)
    with pytest.raises(ValueError, match="max_pixels: expected at least 1, got 0"):
        from_pil(smooth(6, 7), max_pixels=0)


def test_pixels_without_a_defined_range() -> None:
    with pytest.raises(PictureError, match=r"mode F, 2 x 2\).*got 32-bit floating point"):
        from_pil(Image.new("F", (2, 2)))
    with pytest.raises(PictureError, match=r"0-65535, got 32-bit values from -1 to -1"):
        from_pil(Image.new("I", (2, 2), -1))
    assert from_pil(Image.new("I", (1, 1), 65535)).tolist() == [[[255] * 3]]
    with pytest.raises(PictureError, match=r"0-65535, got 32-bit values from 65536 to 65536"):
        from_pil(Image.new("I", (2, 2), 65536))
    with pytest.raises(PictureError, match=r"at least 1 x 1 pixels, got 0 x 2"):
        from_pil(Image.new("RGB", (0, 2)))


def test_closed_image() -> None:
    image = Image.open(io.BytesIO(encode(smooth(6, 7), "PNG")))
    image.close()
    with pytest.raises(PictureError, match=r"PIL image \(mode RGB, 7 x 6\): damaged or cut off"):
        from_pil(image)


def test_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(self: Image.Image) -> None:
        raise MemoryError

    data = encode(smooth(6, 7), "PNG")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", no_memory)
    refused(data, "not enough memory to decode it")


@pytest.mark.parametrize("source", [None, 3, 2.5, ["a.png"], np.zeros((2, 2, 3), np.uint8)])
def test_other_types(source: object) -> None:
    with pytest.raises(TypeError, match="picture: expected a path or bytes, got"):
        decode(source)  # type: ignore[arg-type]


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(smooth(6, 7), "PNG")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert not pillow_loaded()
    reason = r"\(import of PIL.* halted; None in sys\.modules\)"
    refused(data, rf'needs Pillow, which cannot be imported {reason}; run: pip install "pillow>=9')
    with pytest.raises(PictureError, match="needs Pillow"):
        resize_with_pillow(np.zeros((2, 2, 3), np.uint8), 1, 1)


# What stays untouched


def test_pillow_s_switches_and_the_warning_filters_stay() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    decode(encode(smooth(6, 7), "TIFF"))
    refused(png((10_000, 10_000, 8, 2), b""), "too many pixels")
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    assert after == before


def test_threads_agree_and_restore_the_warning_filters() -> None:
    data = encode(smooth(50, 60), "JPEG")
    expected, filters = decode(data), list(warnings.filters)
    results: list[np.ndarray] = []

    def work() -> None:
        results.extend(decode(data) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(np.array_equal(result, expected) for result in results)
    assert list(warnings.filters) == filters


def test_threads_that_open_at_the_same_time_keep_the_warning_filters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Were both in there, the first to leave would restore the filters, and the second, which came
    # after the first had set its own, would bring those back.
    data, filters, open_image = encode(smooth(5, 6), "PNG"), list(warnings.filters), Image.open
    both_are_in, first_is_out = threading.Event(), threading.Event()

    def slow_open(*arguments: object, **options: object) -> Image.Image:
        if threading.current_thread() is second:
            both_are_in.set()
            first_is_out.wait(timeout=5)
        else:
            second.start()
            both_are_in.wait(timeout=0.3)
        return open_image(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", slow_open)
    second = threading.Thread(target=decode, args=(data,))
    decode(data)
    first_is_out.set()
    second.join()
    assert list(warnings.filters) == filters


def test_an_interrupt_does_not_keep_the_lock() -> None:
    """A signal's exception at the worst moment: when the silence is about to end."""
    data = encode(smooth(6, 7), "PNG")
    decode(data)  # imports what it needs

    def interrupt(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code.co_name == "__exit__" and code.co_filename.endswith("contextlib.py"):
            raise KeyboardInterrupt

    tracing = sys.gettrace()
    sys.settrace(interrupt)
    try:
        decode(data)
    except KeyboardInterrupt as error:
        sys.settrace(tracing)
        kept = error  # and with it every frame that it passed, as in an `except` block
    else:
        sys.settrace(tracing)
        pytest.fail("expected an interrupt")
    free = []

    def look() -> None:
        free.append(classifier.imports_lock.acquire(timeout=5))
        if free[0]:
            classifier.imports_lock.release()

    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert kept
    assert free == [True]


def test_without_pillow_forks_are_ordered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture of a program that tries again and again would add to what each fork calls."""
    registered: list[bool] = []
    monkeypatch.setattr(classifier, "register_at_fork", lambda: registered.append(True))
    monkeypatch.setattr(fork_order, "_are_ordered", False)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "PIL.Image", None)
        for _ in range(3):
            with pytest.raises(PictureError, match="needs Pillow"):
                decode(b"any")
    decode(encode(smooth(6, 7), "PNG"))
    assert registered == [True]


def test_import_does_not_import_pillow_and_a_fork_waits_for_the_lock(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(encode(smooth(6, 7), "PNG"))
    program = f"""
import os, sys, threading, time, warnings
from minivgg_edge import classifier, decode
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
assert not [name for name in sys.modules if name.split(".")[0] == "PIL"]
assert not decode.is_pil_image(object())
held, ended = threading.Event(), []
def hold():  # as if it were importing Pillow
    with classifier.imports_lock:
        held.set()
        time.sleep(0.3)
        ended.append(True)
thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
assert ended
if not child:
    decode.decode({str(tmp_path / "picture.png")!r})
    os._exit(0)
with classifier.imports_lock:  # by the same thread, as in a signal handler
    grandchild = os.fork()
    if not grandchild:
        decode.decode({str(tmp_path / "picture.png")!r})
        os._exit(0)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in (child, grandchild)))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
