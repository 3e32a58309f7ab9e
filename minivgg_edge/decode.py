"""Picture files, bytes and PIL images to uint8 RGB: the one file that imports Pillow.

Pillow is imported inside the functions that need it, so a device that classifies arrays of the
model's size never loads it. Its process-wide switches (`Image.MAX_IMAGE_PIXELS`,
`ImageFile.LOAD_TRUNCATED_IMAGES`) belong to the application: they are neither changed here nor
needed, since the pixel limit is checked here as well.

What a picture becomes: EXIF (and XMP) orientation applied; transparency composited over white; grey
to three equal channels; 16-bit grey to 8 bit by round(v / 257), but a TIFF of grey of 12 or 32
bits, with a sign, or of 16 bits whose 0 is white is refused; CMYK and the other color modes by
Pillow's `convert`; color profiles ignored; the first frame of an animation.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, TypeGuard

import numpy as np

from minivgg_edge import classifier
from minivgg_edge.errors import PictureError
from minivgg_edge.fork_order import order_forks
from minivgg_edge.picture_file import open_picture_file
from minivgg_edge.picture_header import check_header, describe_start
from minivgg_edge.tiff_tags import check_exif

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image as PilImage

# 2**26 lets the largest pictures of common phones pass (48 MP: 8064 x 6048, 64 MP: 9248 x 6936).
# Decoding a baseline JPEG or a PNG takes 4 bytes per pixel in Pillow and 3 in the array: 470 MB at
# the limit; SECURITY.md has the other formats.
DEFAULT_MAX_PIXELS = 1 << 26

# An encoded file needs no more than 4 bytes for each pixel that is allowed; but animations and the
# photographs of a burst lie behind each other in one file, whatever the size of the first.
_FILE_BYTES_PER_PIXEL = 4
_SMALLEST_FILE_LIMIT = 1 << 24

# Pillow loads the plugins of the first five cheaply; the others cost an import of all its plugins.
# Formats not named here are refused: some start other programs (EPS runs Ghostscript). HEIF needs
# pillow-heif registered.
_COMMON_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM")
_FORMATS = (*_COMMON_FORMATS, "WEBP", "TIFF", "AVIF", "HEIF")

# What Pillow's decoders raise on damaged bytes, by flipping bits and by reading its plugins: nearly
# every built-in kind. Named one by one, so that nothing else is mistaken for a bad picture.
DECODER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, Warning, struct.error, zlib.error,
)  # fmt: skip

_ORIENTATION_TAG = 0x0112  # EXIF 2.32, section 4.6.4
_TILE_WIDTH_TAG, _TILE_LENGTH_TAG = 322, 323  # TIFF 6.0, section 15
_BITS_TAG, _PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0, section 4
# How the stored pixels lie in the upright picture, by orientation: axes swapped, then rows
# reversed, columns reversed. 1 and undefined values are upright.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
_STRIP_PIXELS = 1 << 18
# JPEG's own largest side. The resampler works along rows first, so that one pixel times millions
# of rows would become the model's width times these.
_LARGEST_SIDE = (1 << 16) - 1
_REASON = 300  # characters of a decoder's message


def decode(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    max_file_bytes: int | None = None,
) -> npt.NDArray[np.uint8]:
    """Decode a picture file, or the bytes of one.

    Args:
        source: Path of a regular file, or the encoded bytes. JPEG, PNG, GIF, BMP, PPM, WebP, TIFF,
            AVIF, and HEIF where pillow-heif is registered.
        max_pixels: Largest width x height that is accepted, checked from the header before pixels
            are decoded. No side may have more than 65,535 pixels, and Pillow's own limit (about 179
            million pixels unless the application changed it) holds as well.
        max_file_bytes: Largest file that is accepted, checked before it is read. None: 4 bytes for
            each of `max_pixels`, and at least 16 MiB.

    Returns:
        uint8 (H, W, 3), RGB, 0-255, C-contiguous, of its own memory.

    Raises:
        PictureError: The file is missing, empty, not a regular file, not a picture, damaged, cut
            off or too large, asks for more than a picture needs, or Pillow is not installed. A
            cut-off file is refused unless the application told Pillow to load such files.
        TypeError: `source` is neither a path nor bytes.
        ValueError: `max_pixels` or `max_file_bytes` is below 1.
    """
    _check_limit("max_pixels", max_pixels)
    if max_file_bytes is None:
        max_file_bytes = max(_SMALLEST_FILE_LIMIT, _FILE_BYTES_PER_PIXEL * max_pixels)
    _check_limit("max_file_bytes", max_file_bytes)
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        if not data:
            raise PictureError("picture in memory: empty, expected the bytes of a picture file")
        if len(data) > max_file_bytes:
            raise PictureError(
                f"picture in memory: expected at most {max_file_bytes:,} bytes, got {len(data):,}"
            )
        return _decode_stream(
            io.BytesIO(data), f"picture in memory ({len(data)} bytes)", max_pixels
        )
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        with open_picture_file(path, max_bytes=max_file_bytes) as stream:
            return _decode_stream(stream, repr(path), max_pixels)
    raise TypeError(f"picture: expected a path or bytes, got {type(source).__name__}")


def from_pil(
    image: PilImage.Image, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> npt.NDArray[np.uint8]:
    """Convert a PIL image (of an animation: the frame it stands at) by the rules of `decode`.

    Args:
        image: Any mode with a defined range; it is loaded if it is still lazy, and otherwise left
            as it is.
        max_pixels: Largest width x height that is accepted.

    Returns:
        uint8 (H, W, 3), RGB, 0-255, C-contiguous, of its own memory.

    Raises:
        PictureError: Zero-sized, too large, damaged, or a mode without a defined range.
        ValueError: `max_pixels` is below 1.
    """
    _check_limit("max_pixels", max_pixels)
    width, height = image.size
    return _convert(image, f"PIL image (mode {image.mode}, {width} x {height})", max_pixels)


def is_pil_image(value: object) -> TypeGuard[PilImage.Image]:
    """Say whether `value` is a PIL image, without importing Pillow: before, no image exists."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def pillow_loaded() -> bool:
    """Say whether Pillow is imported already, without importing it."""
    return sys.modules.get("PIL.Image") is not None


def resize_with_pillow(
    picture: npt.NDArray[np.uint8], height: int, width: int
) -> npt.NDArray[np.uint8]:
    """Resize by Pillow's antialiased bilinear filter: the package's resampler by definition.

    Pillow up to 12 always runs the horizontal pass first; Pillow 13 picks the cheaper order, and
    since the picture between the passes is rounded to uint8, one `resize` call would give other
    bytes there (by 1, for tall pictures). One call per pass pins the order: the bytes are those of
    a single call in Pillow up to 12.

    Args:
        picture: uint8 (H, W, 3), neither side 0.
        height: Rows of the result, in pixels, at least 1.
        width: Columns of the result, in pixels, at least 1.

    Returns:
        uint8 (height, width, 3), C-contiguous.

    Raises:
        PictureError: Pillow is not installed.
    """
    _require_pillow("a picture")
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    bilinear = Image.Resampling.BILINEAR
    resized = image.resize((width, image.height), bilinear).resize((width, height), bilinear)
    return _to_array(resized, "resized picture")


def _check_limit(name: str, limit: int) -> None:
    if limit < 1:
        raise ValueError(f"{name}: expected at least 1, got {limit}")


def _require_pillow(name: str) -> None:
    try:
        _import_pillow()
    except ImportError as error:
        from minivgg_edge.import_failure import import_reason

        raise PictureError(
            f"{name}: needs Pillow, which cannot be imported ({import_reason(error)}); "
            'run: pip install "pillow>=9.4"'
        ) from error


def _import_pillow() -> None:
    with classifier.imports_lock:
        order_forks()
        import PIL.Image  # noqa: F401


def _decode_stream(stream: IO[bytes], name: str, max_pixels: int) -> npt.NDArray[np.uint8]:
    _require_pillow(name)
    with _picture_errors(name, max_pixels):
        check_header(stream, name)
        image = _open_image(stream, name)
    with image:
        return _convert(image, name, max_pixels)


def _open_image(stream: IO[bytes], name: str) -> PilImage.Image:
    """Read the header. Large pictures make Pillow warn here, before the size can be asked."""
    from PIL import Image, UnidentifiedImageError

    # Pillow imports its plugins here.
    with classifier.imports_lock, _quiet():
        try:
            return Image.open(stream, formats=_COMMON_FORMATS)
        except UnidentifiedImageError:
            Image.init()
        try:
            return Image.open(stream, formats=[kind for kind in _FORMATS if kind in Image.OPEN])
        except UnidentifiedImageError as error:
            stream.seek(0)
            raise PictureError(
                f"{name}: {describe_start(stream.read(16), ', '.join(_FORMATS))}"
            ) from error


def _check_size(image: PilImage.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureError(f"{name}: expected at least 1 x 1 pixels, got {width} x {height}")
    if max(width, height) > _LARGEST_SIDE:
        raise PictureError(
            f"{name}: expected sides of at most {_LARGEST_SIDE:,} pixels, got {width} x {height}"
        )
    what = "pixels"
    if width * height <= max_pixels and image.format == "TIFF":
        # A tile is decoded as a whole, however little of it the picture is.
        tags: Any = getattr(image, "tag_v2", {})
        tile = tags.get(_TILE_WIDTH_TAG), tags.get(_TILE_LENGTH_TAG)
        if all(isinstance(side, int) for side in tile):
            what, (width, height) = "pixels in a tile", tile
    if width * height > max_pixels:
        raise PictureError(
            f"{name}: too many {what}: expected at most {max_pixels:,},"
            f" got {width * height:,} ({width} x {height})"
        )


def _check_grey(image: PilImage.Image, name: str) -> None:
    """Refuse grey whose values Pillow passes on as if they were 16 bits from black to white."""
    if image.format != "TIFF" or not (image.mode == "I" or image.mode.startswith("I;16")):
        return
    tags: Any = getattr(image, "tag_v2", {})
    bits, is_inverted = tags.get(_BITS_TAG), tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO
    # Mode I: 32 bits, or 16 with a sign.
    if is_inverted or bits != (16,) or image.mode == "I":
        got = "grey whose 0 is white" if is_inverted else f"bits per sample of {bits}"
        if bits == (16,) and not is_inverted:
            got = "values with a sign"
        raise PictureError(f"{name}: expected a TIFF of 16-bit grey whose 0 is black, got {got}")


def _convert(image: PilImage.Image, name: str, max_pixels: int) -> npt.NDArray[np.uint8]:
    _check_size(image, name, max_pixels)
    _check_grey(image, name)
    grey_step = _grey_step(image)
    with _picture_errors(name, max_pixels):
        # TIFF warns about its tags only while it is loaded; the other formats load without the lock
        if image.format == "TIFF":
            with classifier.imports_lock, _quiet():
                image.load()
        else:
            image.load()
        # After load: a PNG may carry its EXIF behind the pixels.
        return _to_array(image, name, _orientation(image, name), grey_step)


def _orientation(image: PilImage.Image, name: str) -> int:
    """Read the EXIF orientation. A block that cannot be read counts as absent, as in browsers."""
    if image.format == "TIFF":
        return 1  # turned while it was loaded, though Pillow before 10.2 keeps the tag
    with classifier.imports_lock, _quiet():
        try:
            check_exif(_exif_block(image), name)
            orientation = image.getexif().get(_ORIENTATION_TAG)
        except DECODER_ERRORS:
            return 1
    return orientation if isinstance(orientation, int) else 1


def _exif_block(image: PilImage.Image) -> bytes:
    """Return the block that `getexif` is going to read; empty if there is none."""
    block = image.info.get("exif")
    if block is None:  # ImageMagick writes it into a PNG as text: three lines, then hexadecimal
        lines = str(image.info.get("Raw profile type exif", "")).split("\n")
        block = bytes.fromhex("".join(lines[3:]))
    return block if isinstance(block, bytes) else b""


def _to_rgb(image: PilImage.Image, name: str) -> PilImage.Image:
    from PIL import Image

    if image.mode == "F":
        raise PictureError(
            f"{name}: expected pixels with a defined range, got 32-bit floating point (mode F)"
        )
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_grey_to_8_bit(image, name)).convert("RGB")
    if not _has_alpha(image):
        return image if image.mode == "RGB" else image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")  # Pillow has no direct way from premultiplied grey to color
    rgba = image.convert("RGBA")
    white = Image.new("RGB", rgba.size, (255, 255, 255))
    # Pillow rounds (c * a + 255 * (255 - a)) / 255 to the nearest, as preprocess.to_rgb does
    white.paste(rgba, mask=rgba)
    return white


def _has_alpha(image: PilImage.Image) -> bool:
    if image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A"):
        return True
    return image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info


def _grey_to_8_bit(image: PilImage.Image, name: str) -> npt.NDArray[np.uint8]:
    """Scale 16-bit grey to uint8 (H, W); the one value that a PNG may call transparent is white."""
    values = np.asarray(image)
    # Mode I has 32 bits, but Pillow uses it for 16-bit files too: PGM, and PNG in older releases.
    if image.mode == "I" and not (values.min() >= 0 and values.max() <= 65535):
        raise PictureError(
            f"{name}: expected 16-bit grey, 0-65535,"
            f" got 32-bit values from {values.min()} to {values.max()}"
        )
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    transparency = image.info.get("transparency")
    if isinstance(transparency, int):
        grey[values == transparency] = 255
    return grey


def _grey_step(image: PilImage.Image) -> int:
    """Say by what Pillow multiplies a PNG's grey of 2 or 4 bits, but not its transparent value.

    It can be told until the picture is loaded.
    """
    if image.format != "PNG" or image.mode != "L":
        return 1
    tiles: Any = getattr(image, "tile", None) or [(None, None, None, None)]
    return {"L;2": 85, "L;4": 17}.get(tiles[0][3], 1)


def _to_array(
    image: PilImage.Image, name: str, orientation: int = 1, grey_step: int = 1
) -> npt.NDArray[np.uint8]:
    """Convert to RGB and turn upright, in strips: each whole copy would add to the memory.

    Args:
        image: Loaded.
        name: For messages.
        orientation: As EXIF has it.
        grey_step: Of the transparent value's unit, in levels of grey.
    """
    width, height = image.size
    swapped, rows_reversed, columns_reversed = _TURNS.get(orientation, (False, False, False))
    upright = np.empty((width, height, 3) if swapped else (height, width, 3), dtype=np.uint8)
    stored = upright.swapaxes(0, 1) if swapped else upright  # a view, in the order of the file
    stored = stored[:: -1 if rows_reversed else 1, :: -1 if columns_reversed else 1]
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        strip = image.crop((0, top, width, bottom))
        if grey_step > 1 and isinstance(strip.info.get("transparency"), int):
            strip.info["transparency"] *= grey_step  # a copy of the image's
        stored[top:bottom] = np.asarray(_to_rgb(strip, name))
    return upright


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Pillow warns about headers and tags, for the moment of reading them.

    Inside `classifier.imports_lock`: warning filters belong to the whole process, and two
    interleaved `catch_warnings` would restore each other's. The lock is not taken here, where an
    interrupt at the wrong moment would leave it to a generator that nobody ends.
    """
    with warnings.catch_warnings():
        # Only Pillow's: should another thread's `catch_warnings` keep this filter, no more is lost.
        warnings.filterwarnings("ignore", module=r"PIL\b|minivgg_edge\.decode\b")
        yield


@contextlib.contextmanager
def _picture_errors(name: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever Pillow raises into a PictureError that names the picture."""
    from PIL import Image

    try:
        yield
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{name}: too many pixels: expected at most {max_pixels:,},"
            f" got a picture beyond Pillow's own limit ({error})"
        ) from error
    except MemoryError as error:
        raise PictureError(f"{name}: not enough memory to decode it") from error
    except DECODER_ERRORS as error:
        # Pillow quotes the file in some messages: neither a line end nor an escape may pass.
        reason = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(error)[:_REASON])
        raise PictureError(
            f"{name}: damaged or cut off: {type(error).__name__}: {reason}"
        ) from error
