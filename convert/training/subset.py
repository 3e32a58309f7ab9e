"""A part of the training pictures, to compare recipes in less time."""

from __future__ import annotations

import numpy as np

from convert.data.pictures import PictureSet
from convert.errors import TrainingError


def even_subset(pictures: PictureSet, count: int, *, seed: int) -> PictureSet:
    """Choose `count` pictures, as many of each class as there are or as divide evenly.

    Args:
        pictures: to choose from.
        count: how many.
        seed: of the choice.

    Returns:
        The chosen pictures in their order.

    Raises:
        TrainingError: there are fewer than `count`.
    """
    if count > len(pictures):
        raise TrainingError(f"expected at most {len(pictures)} pictures to train on, got {count}")
    shuffled = np.random.default_rng(seed).permutation(len(pictures))
    # Sorted by how many of its class come before each: the first of all classes, then the second.
    labels = pictures.labels[shuffled]
    turns = np.empty(len(labels), dtype=np.int64)
    for label in range(pictures.classes):
        of_class = labels == label
        turns[of_class] = np.arange(of_class.sum())
    chosen = shuffled[np.argsort(turns, kind="stable")[:count]]
    return pictures.subset(np.sort(chosen))
