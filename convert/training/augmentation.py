"""Random blur, light, crops, turns, zooms, flips and cutout on batches of uint8 pictures."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_MOST_BLUR_PX = 16.0  # of a picture of 32 nothing is left but its color


@dataclass(frozen=True, slots=True)
class Varied:
    """Varied copies of n pictures.

    Attributes:
        images: uint8 (n, height, width, 3).
        clear: the same crops, turns and cutouts without blur and change of light; None where
            nobody asked, and where neither was done.
        mirrored: which of them are, bool (n,).
    """

    images: NDArray[np.uint8]
    clear: NDArray[np.uint8] | None
    mirrored: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How training pictures are varied.

    Attributes:
        crop_fraction: pad each side by this fraction of the picture (zeros, that is black), then
            cut a random window of the original size (He et al. 2015, arXiv:1512.03385: 4 of 32).
        flip: mirror every second picture; wrong for pictures where left and right differ (digits).
        cutout_fraction: black out one square with this fraction of the shorter side, at a random
            place that may reach over the border (DeVries and Taylor 2017, arXiv:1708.04552).
        jitter: brightness and contrast of each picture are multiplied by random factors from
            1 - jitter to 1 + jitter.
        rotate_deg: turn each picture by a random angle of up to so many degrees either way. With
            this or `zoom`, the shift of up to `crop_fraction` is part of the same resampling.
        zoom: resize each picture by a random factor from 1 / (1 + zoom) to 1 + zoom.
        blur: every second picture, by chance, is blurred with Pillow's approximation of a Gaussian,
            of a random standard deviation from 0 to `blur` pixels.
    """

    crop_fraction: float = 0.125
    flip: bool = True
    cutout_fraction: float = 0.25
    jitter: float = 0.0
    rotate_deg: float = 0.0
    zoom: float = 0.0
    blur: float = 0.0

    def __post_init__(self) -> None:
        for name in ("crop_fraction", "cutout_fraction", "jitter", "zoom"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"expected {name} in 0..1, got {value}")
        if not 0.0 <= self.rotate_deg <= 180.0:
            raise ValueError(f"expected rotate_deg in 0..180, got {self.rotate_deg}")
        if not 0.0 <= self.blur <= _MOST_BLUR_PX:
            raise ValueError(f"expected blur in 0..{_MOST_BLUR_PX:g} pixels, got {self.blur}")

    @property
    def changes_light_or_focus(self) -> bool:
        """Whether pictures get another light or are blurred."""
        return self.blur > 0.0 or self.jitter > 0.0

    @property
    def clear(self) -> Augmentation:
        """The same without blur and change of light."""
        return replace(self, jitter=0.0, blur=0.0)

    def apply(
        self, images: NDArray[np.uint8], generator: np.random.Generator, *, clear: bool = False
    ) -> Varied:
        """Vary copies of pictures.

        Args:
            images: uint8 (n, height, width, 3).
            generator: what is drawn from; it draws the same whatever is asked for.
            clear: whether to make `Varied.clear`.
        """
        originals = images
        # Before black comes in from outside, which has no light and is not of the picture's mean.
        if self.blur:
            images = self._blur(images, generator)
        if self.jitter:
            images = self._change_light(images, generator)
        again = copy.deepcopy(generator) if clear and self.changes_light_or_focus else None
        images, mirrored = self._move(images, generator)
        moved = None if again is None else self._move(originals, again)[0]
        return Varied(images, moved, mirrored)

    def _move(
        self, images: NDArray[np.uint8], generator: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Crop or warp, mirror and cut out; also tell which are mirrored."""
        warped = self.rotate_deg > 0.0 or self.zoom > 0.0
        images = self._warp(images, generator) if warped else self._crop(images, generator)
        mirrored = np.zeros(len(images), dtype=np.bool_)
        if self.flip:
            mirrored = generator.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        if self.cutout_fraction:
            self._cut_out(images, generator)
        return images, mirrored

    def _crop(self, images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        count, height, width, _ = images.shape
        rows, columns = round(self.crop_fraction * height), round(self.crop_fraction * width)
        padded = np.pad(images, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        top = generator.integers(0, 2 * rows + 1, count)
        left = generator.integers(0, 2 * columns + 1, count)
        windows = sliding_window_view(padded, (height, width), axis=(1, 2))
        return np.ascontiguousarray(windows[np.arange(count), top, left].transpose(0, 2, 3, 1))

    def _warp(self, images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        """Turn, resize and shift in one bilinear resampling; black comes in from outside."""
        count, height, width, _ = images.shape
        angles = np.deg2rad(generator.uniform(-self.rotate_deg, self.rotate_deg, count))
        factors = (1.0 + self.zoom) ** generator.uniform(-1.0, 1.0, count)
        right, down = generator.uniform(-self.crop_fraction, self.crop_fraction, (2, count))
        # Pillow wants the way back, from a place in the result to one in the picture.
        cosines, sines = np.cos(angles) / factors, np.sin(angles) / factors
        x, y = width * (0.5 + right), height * (0.5 + down)
        left = width / 2 - cosines * x - sines * y
        top = height / 2 + sines * x - cosines * y
        rows = np.stack([cosines, sines, left, -sines, cosines, top], axis=1).tolist()
        result = np.empty_like(images)
        for place, (image, row) in enumerate(zip(images, rows, strict=True)):
            moved = Image.fromarray(image).transform(
                (width, height), Image.Transform.AFFINE, row, Image.Resampling.BILINEAR
            )
            result[place] = np.asarray(moved)
        return result

    def _blur(self, images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        radii = generator.uniform(0.0, self.blur, len(images))
        chosen = np.flatnonzero(generator.random(len(images)) < 0.5)
        blurred = images.copy()
        for place in chosen:
            kernel = ImageFilter.GaussianBlur(float(radii[place]))
            blurred[place] = Image.fromarray(images[place]).filter(kernel)
        return blurred

    def _change_light(
        self, images: NDArray[np.uint8], generator: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Brightness scales the pixels, contrast their distance from the picture's mean."""
        shape = (2, len(images), 1, 1, 1)
        brightness, contrast = generator.uniform(1.0 - self.jitter, 1.0 + self.jitter, shape)
        pixels = images.astype(np.float32)
        mean = pixels.mean(axis=(1, 2, 3), keepdims=True)
        # (mean + (pixel - mean) * contrast) * brightness, as one product and one sum.
        pixels *= (brightness * contrast).astype(np.float32)
        pixels += mean * (brightness * (1.0 - contrast)).astype(np.float32)
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)

    def _cut_out(self, images: NDArray[np.uint8], generator: np.random.Generator) -> None:
        count, height, width, _ = images.shape
        side = round(self.cutout_fraction * min(height, width))
        rows = generator.integers(0, height, count) - side // 2
        columns = generator.integers(0, width, count) - side // 2
        for image, row, column in zip(images, rows, columns, strict=True):
            image[max(row, 0) : row + side, max(column, 0) : column + side] = 0
