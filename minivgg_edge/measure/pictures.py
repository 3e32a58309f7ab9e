"""Pictures to measure with, made here from fixed seeds: no photo has to travel."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minivgg_edge.decode import resize_with_pillow

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

JPEG_WIDTH, JPEG_HEIGHT = 4032, 3024
"""Pixels of a 12-megapixel phone camera."""
_JPEG_QUALITY = 90
_ORIENTATION_TAG = 0x0112  # of EXIF
_ROTATE_90 = 6  # a phone held upright
_CELL = 63  # pixels; divides both sides of the photo
_GRAIN = 6  # standard deviation of a camera's noise, in pixel values


def noise(height: int, width: int, *, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Return uint8 (height, width, 3), RGB, 0-255, every value equally likely."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a PNG file of uint8 (H, W, 3) RGB pixels.

    Raises:
        PictureError: Pillow is not installed.
    """
    file = io.BytesIO()
    _image(pixels).save(file, "PNG")
    return file.getvalue()


def photo_jpeg_bytes() -> bytes:
    """Return a JPEG file as a phone writes it: 12 megapixels, to be turned by its EXIF orientation.

    Smooth colors with a camera's grain. Equal on machines with the same versions of numpy and
    Pillow.

    Raises:
        PictureError: Pillow is not installed.
    """
    rng = np.random.default_rng(12)
    cells = rng.integers(40, 216, (JPEG_HEIGHT // _CELL, JPEG_WIDTH // _CELL, 3), dtype=np.uint8)
    pixels = resize_with_pillow(cells, JPEG_HEIGHT, JPEG_WIDTH)
    # One strip of grain for the whole picture: a Raspberry Pi would need seconds for 36 million.
    grain = rng.normal(0.0, _GRAIN, (JPEG_HEIGHT // _CELL, JPEG_WIDTH, 1)).astype(np.int16)
    for top in range(0, JPEG_HEIGHT, len(grain)):
        rows = slice(top, top + len(grain))
        pixels[rows] = np.clip(pixels[rows] + grain, 0, 255).astype(np.uint8)
    image = _image(pixels)
    exif = image.getexif()
    exif[_ORIENTATION_TAG] = _ROTATE_90
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY, exif=exif)
    return file.getvalue()


def _image(pixels: npt.NDArray[np.uint8]) -> PilImage:
    # decode.py is the one file that imports Pillow: this asks it to, or to say what is missing.
    resize_with_pillow(pixels[:1, :1], 1, 1)
    pillow: Any = sys.modules["PIL.Image"]
    image: PilImage = pillow.fromarray(pixels)
    return image
