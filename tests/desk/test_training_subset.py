"""A part of the training pictures."""

from __future__ import annotations

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.errors import TrainingError
from convert.training.subset import even_subset


def pictures(labels):
    images = np.zeros((len(labels), 2, 2, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(len(labels))
    return PictureSet(images, np.array(labels), ("a", "b", "c"))


def test_classes_are_even_as_far_as_they_go():
    chosen = even_subset(pictures([0] * 10 + [1] * 10 + [2] * 2), 9, seed=1)
    assert chosen.counts() == {"a": 4, "b": 3, "c": 2} or chosen.counts() == {
        "a": 3,
        "b": 4,
        "c": 2,
    }
    numbers = chosen.images[:, 0, 0, 0].tolist()
    assert numbers == sorted(set(numbers))


def test_the_seed_decides():
    every = pictures([0, 1, 2] * 20)
    first, again, other = (even_subset(every, 12, seed=seed).digest for seed in (1, 1, 2))
    assert first == again != other


def test_more_than_there_are_is_refused():
    with pytest.raises(TrainingError, match="expected at most 3 pictures to train on, got 4"):
        even_subset(pictures([0, 1, 2]), 4, seed=0)
