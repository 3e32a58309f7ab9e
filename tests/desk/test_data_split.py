"""The split by rank: a function of the pictures alone, balanced, and the same for every order."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.data.split import hold_out, rank_in_class, take_per_class
from convert.errors import DataError


@pytest.fixture
def some() -> PictureSet:
    images = np.random.default_rng(3).integers(0, 256, (20, 2, 2, 3), dtype=np.uint8)
    labels = np.array([0] * 8 + [1] * 12, dtype=np.int64)
    return PictureSet(images, labels, ("a", "b"), tuple(map(str, range(20))))


def test_ranks_are_those_of_the_sorted_digests(some: PictureSet) -> None:
    ranks = rank_in_class(some)
    for label, members in ((0, range(8)), (1, range(8, 20))):
        records = {
            index: bytes([label]) + some.images[index].transpose(2, 0, 1).tobytes()
            for index in members
        }
        by_digest = sorted(members, key=lambda i: hashlib.sha256(records[i]).digest())
        assert [int(ranks[index]) for index in by_digest] == list(range(len(by_digest)))


def test_take_per_class_goes_rank_by_rank_and_class_by_class(some: PictureSet) -> None:
    taken = some.subset(take_per_class(some, start=2, stop=5))
    assert taken.labels.tolist() == [0, 1, 0, 1, 0, 1]
    ranks = rank_in_class(some)
    assert ranks[[int(name) for name in taken.names]].tolist() == [2, 2, 3, 3, 4, 4]


def test_the_choice_does_not_depend_on_the_order(some: PictureSet) -> None:
    shuffled = some.subset(np.random.default_rng(0).permutation(len(some)))
    one = some.subset(take_per_class(some, start=0, stop=3))
    other = shuffled.subset(take_per_class(shuffled, start=0, stop=3))
    assert one.names == other.names


def test_more_pictures_of_one_class_do_not_move_another(some: PictureSet) -> None:
    smaller = some.subset(np.arange(14))
    ranks = rank_in_class(some)[:8]
    assert rank_in_class(smaller)[:8].tolist() == ranks.tolist()


def test_hold_out_divides_without_a_remainder(some: PictureSet) -> None:
    rest, held = hold_out(some, per_class=3)
    assert held.counts() == {"a": 3, "b": 3}
    assert sorted(rest.names + held.names, key=int) == [str(n) for n in range(20)]
    assert list(rest.names) == sorted(rest.names, key=int)


def test_too_few_pictures(some: PictureSet) -> None:
    with pytest.raises(DataError, match="class 'a': expected at least 9 pictures, got 8"):
        take_per_class(some, start=0, stop=9)
