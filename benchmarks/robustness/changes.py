"""What happens to pictures on their way to a model, as functions of uint8 pictures.

All take and return uint8 (n, height, width, 3), RGB, 0-255; the same pictures give the same. The
kinds follow Hendrycks and Dietterich 2019 (arXiv:1903.12261), who change ImageNet's pictures; their
strengths are for 224 pixels and would leave nothing of 32.

A model that was trained with `--blur` or `--jitter` (its card has the command) has seen the very
filter and darkness of some. What no training varies (noise, motion, the color of light, JPEG) says
whether it is robust or knows these changes by heart.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Change:
    """A change and the variants that are averaged.

    Attributes:
        title: for tables.
        variants: each gives one set of changed pictures.
    """

    title: str
    variants: tuple[Callable[[Pictures], Pictures], ...]


def save_as_jpeg(pictures: Pictures, quality: int) -> Pictures:
    """Save and read each picture as a JPEG of a quality from 1 to 95, color at half resolution."""

    def again(picture: Pictures) -> Pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
        return np.asarray(Image.open(buffer))

    return np.stack([again(picture) for picture in pictures])


def shift(pictures: Pictures, down: int, right: int) -> Pictures:
    """Move the content by whole pixels; what comes in repeats the edge."""
    height, width = pictures.shape[1:3]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return pictures[:, rows][:, :, columns]


def darken(pictures: Pictures, factor: float) -> Pictures:
    """Multiply each value by a factor from 0 to 1, rounded to the nearest, halves to even."""
    return np.rint(pictures * np.float64(factor)).astype(np.uint8)


def blur(pictures: Pictures, radius: float) -> Pictures:
    """Blur with Pillow's approximation of a Gaussian with this standard deviation in pixels."""
    kernel = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(picture).filter(kernel)) for picture in pictures])


def add_noise(pictures: Pictures, deviation: float) -> Pictures:
    """Add Gaussian noise with this standard deviation to each value, always the same one."""
    noise = np.random.default_rng(0).normal(0.0, deviation, pictures.shape)
    return np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)


def tint(pictures: Pictures, green: float, blue: float) -> Pictures:
    """Multiply two channels by factors from 0 to 1: under a lamp, less is left of blue light."""
    return np.rint(pictures * np.array([1.0, green, blue])).astype(np.uint8)


def sweep(pictures: Pictures, down: int, right: int) -> Pictures:
    """Average a picture with itself shifted once each way: the camera moved while it exposed."""
    steps = [shift(pictures, step * down, step * right) for step in (-1, 0, 1)]
    return np.rint(np.mean(steps, axis=0)).astype(np.uint8)


def _diagonally(pixels: int) -> Change:
    steps = [(down, right) for down in (-pixels, pixels) for right in (-pixels, pixels)]
    title = f"shifted by {pixels} pixels both ways, mean of 4 directions"
    return Change(title, tuple(partial(shift, down=down, right=right) for down, right in steps))


AS_THEY_ARE, QUARTER, BLURRED = "as they are", "a quarter as bright", "blurred, radius 1"
CHANGES = (
    Change(AS_THEY_ARE, (lambda pictures: pictures,)),
    Change("saved as JPEG, quality 75", (partial(save_as_jpeg, quality=75),)),
    Change("saved as JPEG, quality 30", (partial(save_as_jpeg, quality=30),)),
    _diagonally(2),
    _diagonally(4),
    Change("half as bright", (partial(darken, factor=0.5),)),
    Change(QUARTER, (partial(darken, factor=0.25),)),
    Change("blurred, radius 0.5", (partial(blur, radius=0.5),)),
    Change(BLURRED, (partial(blur, radius=1.0),)),
    Change(
        "moved over 3 pixels while exposed, mean of across and down",
        (partial(sweep, down=0, right=1), partial(sweep, down=1, right=0)),
    ),
    Change("noise of standard deviation 8", (partial(add_noise, deviation=8.0),)),
    Change("lamp light: green times 0.8, blue times 0.5", (partial(tint, green=0.8, blue=0.5),)),
)
