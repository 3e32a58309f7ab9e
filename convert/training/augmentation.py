"""Random crops, flips and cutout on batches of uint8 pictures; pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How training pictures are varied.

    Attributes:
        crop_fraction: pad each side by this fraction of the picture (zeros, that is black), then
            cut a random window of the original size (He et al. 2015, arXiv:1512.03385: 4 of 32).
        flip: mirror every second picture; wrong for pictures where left and right differ (digits).
        cutout_fraction: black out one square with this fraction of the shorter side, at a random
            place that may reach over the border (DeVries and Taylor 2017, arXiv:1708.04552).
    """

    crop_fraction: float = 0.125
    flip: bool = True
    cutout_fraction: float = 0.25

    def __post_init__(self) -> None:
        for name in ("crop_fraction", "cutout_fraction"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"expected {name} in 0..1, got {value}")

    def apply(self, images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        """Return varied copies of `images`, uint8 (n, height, width, 3)."""
        images = self._crop(images, generator)
        if self.flip:
            mirrored = generator.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        if self.cutout_fraction:
            self._cut_out(images, generator)
        return images

    def _crop(self, images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        count, height, width, _ = images.shape
        rows, columns = round(self.crop_fraction * height), round(self.crop_fraction * width)
        padded = np.pad(images, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        top = generator.integers(0, 2 * rows + 1, count)
        left = generator.integers(0, 2 * columns + 1, count)
        windows = sliding_window_view(padded, (height, width), axis=(1, 2))
        return np.ascontiguousarray(windows[np.arange(count), top, left].transpose(0, 2, 3, 1))

    def _cut_out(self, images: NDArray[np.uint8], generator: np.random.Generator) -> None:
        count, height, width, _ = images.shape
        side = round(self.cutout_fraction * min(height, width))
        rows = generator.integers(0, height, count) - side // 2
        columns = generator.integers(0, width, count) - side // 2
        for image, row, column in zip(images, rows, columns, strict=True):
            image[max(row, 0) : row + side, max(column, 0) : column + side] = 0
