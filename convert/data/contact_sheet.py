"""Contact sheets: many pictures of 32x32 pixels as one lossless picture, row by row."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.cifar10 import SIDE
from convert.errors import DataError
from minivgg_edge.decode import decode
from minivgg_edge.errors import PictureError

COLUMNS = 50


def read_sheet(path: Path, *, count: int, columns: int = COLUMNS) -> NDArray[np.uint8]:
    """Read `count` pictures from a contact sheet.

    Returns:
        uint8 (count, 32, 32, 3), RGB, 0-255, in reading order.

    Raises:
        DataError: the file is missing or damaged, or the sheet has another size.
    """
    rows = -(-count // columns)
    try:
        sheet = decode(path)
    except PictureError as error:
        raise DataError(f"contact sheet: {error}") from error
    expected = (rows * SIDE, columns * SIDE, 3)
    if sheet.shape != expected:
        raise DataError(f"{path}: expected a picture of shape {expected}, got {sheet.shape}")
    tiles = sheet.reshape(rows, SIDE, columns, SIDE, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(tiles.reshape(-1, SIDE, SIDE, 3)[:count])


def encode_sheet(images: NDArray[np.uint8], *, columns: int = COLUMNS) -> bytes:
    """Encode pictures as a lossless WebP contact sheet; the last row is filled up with black.

    Args:
        images: uint8 (n, 32, 32, 3), RGB, 0-255.
        columns: pictures per row.

    Returns:
        The WebP file; the same bytes for the same pictures and the same Pillow.
    """
    from PIL import Image

    rows = -(-len(images) // columns)
    tiles = np.zeros((rows * columns, SIDE, SIDE, 3), dtype=np.uint8)
    tiles[: len(images)] = images
    grid = tiles.reshape(rows, columns, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4)
    sheet = np.ascontiguousarray(grid).reshape(rows * SIDE, columns * SIDE, 3)
    buffer = io.BytesIO()
    # In lossless mode quality is the effort (100: the smallest file), method the search depth.
    Image.fromarray(sheet).save(buffer, "WEBP", lossless=True, quality=100, method=6)
    return buffer.getvalue()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode one picture, uint8 (H, W, 3) RGB, as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
