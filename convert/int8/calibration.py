"""Which training pictures the converter measures its activation ranges on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.data.split import rank_in_class
from convert.errors import DataError

DEFAULT_COUNT = 500


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pictures to calibrate on, and how they were chosen.

    Attributes:
        pictures: the chosen ones; within one rank the classes follow each other.
        requested: how many were asked for.
        seed: of the draw; None for the fixed rule.
        rule: the rule in words.
    """

    pictures: PictureSet
    requested: int
    seed: int | None
    rule: str

    def provenance(self, source: str) -> dict[str, Any]:
        """What the manifest and the report say about the calibration, as JSON values."""
        images = self.pictures.images
        return {
            "source": source,
            "rule": self.rule,
            "seed": self.seed,
            "requested": self.requested,
            "count": len(self.pictures),
            "digest": self.pictures.digest,
            "pixel_min": int(images.min()),
            "pixel_max": int(images.max()),
        }


def choose_calibration(
    train: PictureSet, *, count: int = DEFAULT_COUNT, seed: int | None = None
) -> Calibration:
    """Choose `count` training pictures, equally many per class.

    Without a seed these are the pictures with the lowest ranks of their class (see
    `convert.data.split`): they depend on nothing but the pictures, and CIFAR-10's training split
    gives exactly those of the embedded sample. With a seed they are drawn by rank, so the draw
    does not depend on the order of a file either. Where `count` does not divide, the first
    classes get one more; of more classes than pictures, those at even distances get one. A class
    with fewer pictures than its share gives all it has, and the others do not make up for it.

    Args:
        train: pictures that stand in neither the validation nor the test split.
        count: pictures in all, at least 1.
        seed: of the draw, at least 0; None for the fixed rule.

    Raises:
        DataError: there is no picture.
        ValueError: `count` or `seed` is out of its range.
    """
    if count < 1:
        raise ValueError(f"expected at least 1 calibration picture, got {count}")
    if seed is not None and seed < 0:
        raise ValueError(f"expected a seed of at least 0, got {seed}")
    if len(train) == 0:
        raise DataError("calibration: expected training pictures, got none")
    ranks = rank_in_class(train)
    available = np.bincount(train.labels, minlength=train.classes)
    shares = _shares(count, train.classes)
    draw = None if seed is None else np.random.default_rng(seed)
    chosen = np.zeros(len(train), dtype=bool)
    for label, wanted in enumerate(shares):
        order = np.arange(available[label])
        if draw is not None:
            order = draw.permutation(order)
        chosen |= (train.labels == label) & np.isin(ranks, order[:wanted])
    indices = np.flatnonzero(chosen)
    indices = indices[np.lexsort((train.labels[indices], ranks[indices]))]
    rule = "lowest digest ranks per class" if seed is None else "drawn per class"
    short = [
        f"{name} has only {have}"
        for name, have, wanted in zip(train.class_names, available, shares, strict=True)
        if have < wanted
    ]
    if count < train.classes:
        rule += f", of {count} of {train.classes} classes"
    if short:
        rule += f" ({', '.join(short)})"
    return Calibration(train.subset(indices), count, seed, rule)


def _shares(count: int, classes: int) -> NDArray[np.int64]:
    """How many pictures of each class are wanted, int64 (classes,)."""
    share, more = divmod(count, classes)
    shares = np.full(classes, share, dtype=np.int64)
    # The first ones would be the beginning of the alphabet: all dogs, and no vehicle.
    chosen = np.arange(more) if share else np.arange(more) * classes // more
    shares[chosen] += 1
    return shares
