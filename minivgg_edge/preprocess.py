"""uint8 pictures of any size to the model's input: the same function on desk and device.

Order: check, crop, RGB, resize; uint8 throughout. Scaling to the model's real values is the graph's
business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from minivgg_edge import resample
from minivgg_edge.decode import pillow_loaded, resize_with_pillow
from minivgg_edge.errors import PictureError

if TYPE_CHECKING:
    import numpy.typing as npt

Crop = Literal["none", "center"]
Engine = Literal["auto", "pillow", "numpy"]

_BLOCK_PIXELS = 1 << 18


def to_rgb(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn a uint8 picture into RGB.

    Grey becomes three equal channels. RGBA is composited over white: round((c * a + 255 * (255 -
    a)) / 255), a tie being impossible; `decode` rounds alike.

    Args:
        array: uint8 (H, W, 3) RGB, (H, W) or (H, W, 1) grey, or (H, W, 4) RGBA; 0-255, neither side
            0.

    Returns:
        uint8 (H, W, 3), RGB, 0-255; an RGB array itself, whatever its strides.

    Raises:
        PictureError: Another dtype or shape, or no pixels.
        TypeError: Not a numpy array.
    """
    _check(array)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    channels = array.shape[2]
    if channels == 1:
        return np.repeat(array, 3, axis=2)
    return array if channels == 3 else _over_white(array)


def preprocess(
    picture: npt.NDArray[np.uint8],
    *,
    height: int,
    width: int,
    crop: Crop = "none",
    engine: Engine = "auto",
) -> npt.NDArray[np.uint8]:
    """Bring a picture to the model's size.

    Args:
        picture: uint8 (H, W, 3) RGB, (H, W) or (H, W, 1) grey, or (H, W, 4) RGBA; 0-255, neither
            side 0.
        height: Rows of the result, in pixels, at least 1.
        width: Columns of the result, in pixels, at least 1.
        crop: "none" resizes the whole picture, its aspect ratio given up. "center" first cuts out
            the largest centered region of the result's aspect ratio. With a picture too wide, the
            region has all H rows and H * width / height columns, rounded half up, at least 1; if an
            odd number of columns falls away, the right side loses one more than the left. With a
            picture too tall, likewise with rows and the bottom.
        engine: Who resizes. The bytes are the same; "auto" is Pillow where the program has imported
            it already (as decoding a file does), else numpy: an array does not pay for the import.

    Returns:
        uint8 (height, width, 3), RGB, 0-255, C-contiguous. `picture` itself if it is that already.

    Raises:
        PictureError: `picture` has another dtype or shape, or no pixels; or `engine` is "pillow"
            and Pillow is not installed.
        TypeError: `picture` is not a numpy array.
        ValueError: `height`, `width`, `crop` or `engine` is none of the above.
    """
    if height < 1 or width < 1:
        raise ValueError(f"height and width: expected at least 1, got {height} and {width}")
    if crop not in ("none", "center"):
        raise ValueError(f'crop: expected "none" or "center", got {crop!r}')
    if engine not in ("auto", "pillow", "numpy"):
        raise ValueError(f'engine: expected "auto", "pillow" or "numpy", got {engine!r}')
    _check(picture)
    if crop == "center":
        picture = _center(picture, height, width)
    picture = to_rgb(picture)
    if picture.shape[:2] == (height, width):
        return np.ascontiguousarray(picture)
    if engine == "pillow" or (engine == "auto" and pillow_loaded()):
        return resize_with_pillow(picture, height, width)
    return resample.resize(picture, height, width)


def _check(array: npt.NDArray[np.uint8]) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"picture: expected a numpy array, got {type(array).__name__}")
    if array.dtype != np.uint8:
        raise PictureError(f"picture array: expected dtype uint8, values 0-255, got {array.dtype}")
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))):
        raise PictureError(
            "picture array: expected shape (H, W, 3), (H, W), (H, W, 1) or (H, W, 4),"
            f" got {array.shape}"
        )
    if array.size == 0:
        raise PictureError(
            f"picture array: expected at least 1 x 1 pixels, got shape {array.shape}"
        )


def _center(picture: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Cut out the largest centered region of the aspect ratio width : height, as a view."""
    rows, columns = picture.shape[:2]
    if columns * height > rows * width:
        kept = max(1, (2 * rows * width + height) // (2 * height))
        left = (columns - kept) // 2
        return picture[:, left : left + kept]
    kept = max(1, (2 * columns * height + width) // (2 * width))
    top = (rows - kept) // 2
    return picture[top : top + kept]


def _over_white(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Composite uint8 (H, W, 4) over white, in blocks of rows: the products need 16 bits."""
    rows, columns = rgba.shape[:2]
    rgb = np.empty((rows, columns, 3), dtype=np.uint8)
    step = max(1, _BLOCK_PIXELS // columns)
    for top in range(0, rows, step):
        block = rgba[top : top + step].astype(np.uint16)
        alpha = block[:, :, 3:]
        # c * a + 255 * (255 - a) is at most 255 * 255; with the 127 that makes // round, still
        # below 2**16
        rgb[top : top + step] = (block[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return rgb
