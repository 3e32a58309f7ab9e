"""Pillow's antialiased bilinear resize in numpy, byte for byte, for machines without Pillow.

Pillow's `src/libImaging/Resample.c` is the definition. A triangle filter, widened by the scale when
the picture shrinks, gives each output pixel a window of input pixels and their weights, computed in
double precision and rounded to 22-bit fixed point. The horizontal pass runs first and rounds to
uint8, the vertical pass follows (Pillow 13 may swap them to save work; `decode.resize_with_pillow`
says how the order is kept).

Every product is below 2**30 and every sum below 2**53, so float64 holds these integers exactly
whatever the order of the additions: BLAS can do the work and the bytes are still Pillow's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_PRECISION_BITS = (
    32 - 8 - 2
)  # Resample.c: 8 bits of result, 2 of headroom for filters that overshoot
_SUPPORT = 1.0  # half the width of the triangle, in pixels of the smaller of the two pictures
_BLOCK_VALUES = (
    1 << 17
)  # 1 MB as float64: large enough to drown the calls, small enough for a cache


class _Windows(NamedTuple):
    """Input pixels `starts[i]:stops[i]`, weighted by the first of `weights[i]`, make output i."""

    starts: list[int]
    stops: list[int]
    weights: npt.NDArray[np.float64]  # (out, longest window), integers from 0 to 2**22


def resize(picture: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Resize as `decode.resize_with_pillow` does, that is, by Pillow's `Image.Resampling.BILINEAR`.

    Beside the result it needs one channel of the picture at the new width, and about 4 MB.

    Args:
        picture: uint8 (H, W, 3), neither side 0; any strides.
        height: Rows of the result, in pixels, at least 1.
        width: Columns of the result, in pixels, at least 1.

    Returns:
        uint8 (height, width, 3), C-contiguous, of its own memory.
    """
    resized = np.empty((height, width, 3), dtype=np.uint8)
    for channel in range(3):
        plane = _resample_lines(picture[:, :, channel], width)
        resized[:, :, channel] = _resample_lines(plane.T, height).T
    return resized


def _resample_lines(lines: npt.NDArray[np.uint8], length: int) -> npt.NDArray[np.uint8]:
    """Resample every line of uint8 (n, L) to uint8 (n, length)."""
    count, old_length = lines.shape
    if old_length == length:  # the weights would be 1 and 0: Pillow skips this pass as well
        return lines
    windows = _windows(old_length, length)
    resampled = np.empty((count, length), dtype=np.uint8)
    step = max(1, _BLOCK_VALUES // max(old_length, length))
    for first in range(0, count, step):
        block = lines[first : first + step].astype(np.float64, order="C")
        sums = np.empty((length, len(block)))
        for index, (start, stop) in enumerate(zip(windows.starts, windows.stops, strict=True)):
            np.matmul(block[:, start:stop], windows.weights[index, : stop - start], out=sums[index])
        # (sum + 2**21) >> 22 in Resample.c. The cast drops the fraction as the shift does; sums are
        # never negative, but rounded weights may add up to slightly more than 1.
        rounded = np.minimum(sums * 2.0**-_PRECISION_BITS + 0.5, 255.0)
        resampled[first : first + step] = rounded.T.astype(np.uint8)
    return resampled


def _windows(old_length: int, length: int) -> _Windows:
    """Compute windows and weights by the operations of `precompute_coeffs` in Resample.c."""
    scale = old_length / length
    filter_scale = max(scale, 1.0)
    support = _SUPPORT * filter_scale
    centers = (np.arange(length) + 0.5) * scale
    starts = np.maximum((centers - support + 0.5).astype(np.int64), 0)
    stops = np.minimum((centers + support + 0.5).astype(np.int64), old_length)

    taps = np.arange((stops - starts).max())
    positions = (starts[:, np.newaxis] + taps - centers[:, np.newaxis] + 0.5) * (1.0 / filter_scale)
    weights = np.maximum(1.0 - np.abs(positions), 0.0)
    weights[taps >= (stops - starts)[:, np.newaxis]] = 0.0
    # cumsum adds from left to right like C; np.sum adds in pairs, which differs in the last bit
    totals = np.cumsum(weights, axis=1)[:, -1:]
    weights = np.floor(weights / totals * 2.0**_PRECISION_BITS + 0.5)
    return _Windows(starts.tolist(), stops.tolist(), weights)
