"""Which picture plays which part: fixed, stratified, and decided by the picture itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import DataError


def rank_in_class(pictures: PictureSet) -> NDArray[np.int64]:
    """Rank every picture among those of its class by its record digest.

    A digest behaves like a random number that belongs to the picture, so the ranks do not depend
    on the order of a file, on a seed, or on the version of a random generator.

    Returns:
        int64 (n,): 0 for the picture with the smallest digest of its class, and so on.
    """
    ranks = np.empty(len(pictures), dtype=np.int64)
    keys = [value.tobytes() for value in pictures.record_digests]
    for label in range(pictures.classes):
        members = np.flatnonzero(pictures.labels == label)
        ordered = sorted(members, key=lambda index: keys[index])
        ranks[ordered] = np.arange(len(ordered))
    return ranks


def take_per_class(pictures: PictureSet, *, start: int, stop: int) -> NDArray[np.intp]:
    """Indices of the pictures ranked `start` <= rank < `stop` in their class, ordered by rank.

    Within one rank the classes follow each other in label order, so every prefix of the result is
    as balanced as it can be.

    Raises:
        DataError: a class has fewer than `stop` pictures.
    """
    for name, count in pictures.counts().items():
        if count < stop:
            raise DataError(f"class {name!r}: expected at least {stop} pictures, got {count}")
    ranks = rank_in_class(pictures)
    chosen = np.flatnonzero((ranks >= start) & (ranks < stop))
    return chosen[np.lexsort((pictures.labels[chosen], ranks[chosen]))]


def hold_out(pictures: PictureSet, *, per_class: int) -> tuple[PictureSet, PictureSet]:
    """Split off the first `per_class` pictures of every class by rank.

    Returns:
        The rest in its original order, and the pictures held out in rank order.

    Raises:
        DataError: a class has too few pictures.
    """
    held = take_per_class(pictures, start=0, stop=per_class)
    rest = np.setdiff1d(np.arange(len(pictures)), held)
    return pictures.subset(rest), pictures.subset(held)
