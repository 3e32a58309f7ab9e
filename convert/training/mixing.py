"""Mixup and CutMix: pictures of a batch mixed with others of it, and their targets likewise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mix:
    """One drawn mixture of a batch of n pictures.

    Attributes:
        partners: int64 (n,), the other picture of each.
        shares: float32 (n,), the part of each picture itself in its mixture, 0-1.
        boxes: int64 (n, 4), top, bottom, left, right of what comes from the partner; None where
            whole pictures are blended.
    """

    partners: NDArray[np.int64]
    shares: NDArray[np.float32]
    boxes: NDArray[np.int64] | None = None

    def pictures(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mix pictures, uint8 (n, height, width, 3)."""
        if self.boxes is None:
            shares = self.shares[:, None, None, None]
            blend = images * shares + images[self.partners] * (1 - shares)
            return np.rint(blend).astype(np.uint8)
        mixed = images.copy()
        pairs = zip(self.partners, self.boxes, strict=True)
        for row, (partner, (top, bottom, left, right)) in enumerate(pairs):
            mixed[row, top:bottom, left:right] = images[partner, top:bottom, left:right]
        return mixed

    def targets(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix distributions over the classes, float32 (n, classes)."""
        shares = self.shares[:, None]
        return rows * shares + rows[self.partners] * (1 - shares)


@dataclass(frozen=True, slots=True)
class Mixing:
    """Which batches are mixed; with both alphas, each batch takes one of the two by chance.

    Each picture has a share of its own (the papers draw one a batch), from Beta(alpha, alpha).

    Attributes:
        mixup: alpha of blending two pictures (Zhang et al. 2018, arXiv:1710.09412); 0: never.
        cutmix: alpha of pasting a box of another picture (Yun et al. 2019, arXiv:1905.04899);
            0: never.
        probability: share of the batches that are mixed.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        for name in ("mixup", "cutmix"):
            value = getattr(self, name)
            if not 0.0 <= value <= 100.0:
                raise ValueError(f"expected {name} in 0..100, got {value}")
        if not 0.0 < self.probability <= 1.0:
            raise ValueError(f"expected a probability in 0..1 (0 excluded), got {self.probability}")

    def draw(
        self, count: int, height: int, width: int, generator: np.random.Generator
    ) -> Mix | None:
        """Draw the mixture of a batch; None where it stays as it is.

        Args:
            count: pictures in the batch.
            height: of the pictures, in pixels.
            width: likewise.
            generator: what is drawn from.
        """
        if not self.mixup and not self.cutmix:
            return None
        if self.probability < 1.0 and generator.random() >= self.probability:
            return None
        boxed = self.cutmix > 0.0 and (self.mixup == 0.0 or generator.random() < 0.5)
        partners = generator.permutation(count)
        alpha = self.cutmix if boxed else self.mixup
        shares = generator.beta(alpha, alpha, count)
        if not boxed:
            return Mix(partners, shares.astype(np.float32))
        # The box has the picture's proportions and the area 1 - share; at the border it is cut off.
        half = np.sqrt(1.0 - shares) / 2
        rows, columns = generator.integers(0, height, count), generator.integers(0, width, count)
        tall, wide = np.rint(half * height), np.rint(half * width)
        boxes = np.stack(
            [
                np.clip(rows - tall, 0, height),
                np.clip(rows + tall, 0, height),
                np.clip(columns - wide, 0, width),
                np.clip(columns + wide, 0, width),
            ],
            axis=1,
        ).astype(np.int64)
        areas = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
        return Mix(partners, (1.0 - areas / (height * width)).astype(np.float32), boxes)
