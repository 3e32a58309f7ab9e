"""Pictures that are the same: byte for byte, or to the eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convert.data.disjoint_sets import DisjointSets
from convert.scanning.facts import Facts

# Of 64 bits. Saving again, resizing and slight edits flip 0 to 4; pictures of different things
# differ in about 32. Plain pictures (a hand before a wall) come closer, hence the second test.
MOST_BITS = 6
# Mean difference of the squeezed pictures in steps of 255. JPEG at quality 30 stays below 5.
MOST_STEPS = 8.0

_BLOCK = 2048


def exact_duplicates(facts: Sequence[Facts]) -> list[list[int]]:
    """Return the positions of files with the same bytes, two or more each, in order."""
    by_content: dict[str, list[int]] = {}
    for position, found in enumerate(facts):
        if found.sha256:
            by_content.setdefault(found.sha256, []).append(position)
    return [positions for positions in by_content.values() if len(positions) > 1]


def near_duplicates(facts: Sequence[Facts]) -> list[list[int]]:
    """Return the positions of pictures that look the same, two or more each, in order.

    Two pictures look the same when their perceptual hashes differ in at most `MOST_BITS` bits and
    their squeezed pixels by at most `MOST_STEPS` on average. Chains count: frames of a film whose
    neighbors look the same are one group. Files with the same bytes are in one group too.
    """
    sets = DisjointSets(len(facts))
    for group in exact_duplicates(facts):
        sets.join_all(group)
    decoded = [i for i, found in enumerate(facts) if found.thumbnail is not None]
    hashes = np.array([facts[i].phash for i in decoded], dtype=np.uint64)
    for first, second in _close_pairs(hashes):
        a, b = decoded[first], decoded[second]
        if sets.root(a) != sets.root(b) and _look_alike(facts[a], facts[b]):
            sets.join(a, b)
    return sets.groups()


def _close_pairs(hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of positions whose hashes differ in few bits, block by block."""
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        for other in range(start, len(hashes), _BLOCK):
            differing = block[:, np.newaxis] ^ hashes[np.newaxis, other : other + _BLOCK]
            for row, column in np.argwhere(_bit_counts(differing) <= MOST_BITS):
                first, second = start + int(row), other + int(column)
                if first < second:
                    yield first, second


def _bit_counts(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    # numpy 1 has no bitwise_count: pairs of bits, then fours, then bytes are summed in place.
    v = values - ((values >> np.uint64(1)) & np.uint64(0x5555555555555555))
    v = (v & np.uint64(0x3333333333333333)) + ((v >> np.uint64(2)) & np.uint64(0x3333333333333333))
    v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return ((v * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)


def _look_alike(first: Facts, second: Facts) -> bool:
    if first.thumbnail is None or second.thumbnail is None:
        return False
    difference = first.thumbnail.astype(np.int16) - second.thumbnail
    return float(np.abs(difference).mean()) <= MOST_STEPS
