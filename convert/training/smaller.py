"""Smaller pictures for the first epochs of a run, which cost less and teach most of it.

Progressive learning (Tan and Le 2021, arXiv:2104.00298, section 4) begins with small pictures and
ends with whole ones. A pooled head takes maps of any size, so the model and its weights are the
same for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

_NUMERATOR, _DENOMINATOR = 3, 4  # of the side: 9/16 of the pixels, and of a step's work


def smaller_side(side: int) -> int:
    """The side in pixels of a picture that is shown smaller."""
    return max(1, side * _NUMERATOR // _DENOMINATOR)


def smallest_side(least: int) -> int:
    """The least side in pixels of a picture whose smaller one still has a side of `least`."""
    side = least
    while smaller_side(side) < least:
        side += 1
    return side


def smaller(pixels: tf.Tensor) -> tf.Tensor:
    """Resize float32 (n, height, width, 3), bilinear and antialiased, to 3/4 of each side."""
    import tensorflow as tf

    height, width = (smaller_side(side) for side in pixels.shape[1:3])
    return tf.image.resize(pixels, (height, width), antialias=True)
