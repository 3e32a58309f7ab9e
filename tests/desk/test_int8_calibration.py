"""The choice of calibration pictures."""

from __future__ import annotations

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.data.sample import load_sample
from convert.data.split import take_per_class
from convert.errors import DataError
from convert.int8.calibration import choose_calibration


def _pictures(counts: tuple[int, ...], seed: int = 0) -> PictureSet:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    images = random.integers(0, 256, (len(labels), 4, 4, 3), dtype=np.uint8)
    return PictureSet(images, labels, tuple("abcdefghij"[: len(counts)]))


def test_without_a_seed_the_lowest_ranks() -> None:
    pictures = _pictures((20, 20, 20))
    chosen = choose_calibration(pictures, count=12)
    expected = pictures.subset(take_per_class(pictures, start=0, stop=4))
    np.testing.assert_array_equal(chosen.pictures.images, expected.images)
    assert chosen.rule == "lowest digest ranks per class"


def test_the_embedded_sample_is_chosen_whole() -> None:
    sample = load_sample().calibration
    chosen = choose_calibration(sample)
    assert chosen.pictures.digest == sample.digest
    np.testing.assert_array_equal(chosen.pictures.images, sample.images)


@pytest.mark.parametrize("seed", [None, 7])
def test_the_order_of_a_file_does_not_matter(seed: int | None) -> None:
    pictures = _pictures((20, 20, 20))
    shuffled = pictures.subset(np.random.default_rng(1).permutation(60))
    chosen = [choose_calibration(p, count=15, seed=seed) for p in (pictures, shuffled)]
    np.testing.assert_array_equal(chosen[0].pictures.images, chosen[1].pictures.images)
    assert set(chosen[0].pictures.counts().values()) == {5}


def test_a_seed_draws_others() -> None:
    pictures = _pictures((50, 50))
    digests = {choose_calibration(pictures, count=10, seed=s).pictures.digest for s in range(5)}
    assert len(digests) == 5


def test_a_count_that_does_not_divide() -> None:
    chosen = choose_calibration(_pictures((20, 20, 20)), count=11)
    assert chosen.pictures.counts() == {"a": 4, "b": 4, "c": 3}


@pytest.mark.parametrize(("count", "labels"), [(5, [0, 2, 4, 6, 8]), (3, [0, 3, 6]), (1, [0])])
def test_of_more_classes_than_pictures_not_only_the_first(count: int, labels: list[int]) -> None:
    chosen = choose_calibration(_pictures((3,) * 10), count=count)
    assert chosen.pictures.labels.tolist() == labels
    assert chosen.rule == f"lowest digest ranks per class, of {count} of 10 classes"


def test_a_small_class_gives_all_it_has() -> None:
    chosen = choose_calibration(_pictures((20, 2, 20)), count=15)
    assert chosen.pictures.counts() == {"a": 5, "b": 2, "c": 5}
    assert chosen.rule == "lowest digest ranks per class (b has only 2)"


def test_provenance() -> None:
    pictures = _pictures((20, 20))
    chosen = choose_calibration(pictures, count=10, seed=3)
    assert chosen.provenance("set") == {
        "source": "set",
        "rule": "drawn per class",
        "seed": 3,
        "requested": 10,
        "count": 10,
        "digest": chosen.pictures.digest,
        "pixel_min": int(chosen.pictures.images.min()),
        "pixel_max": int(chosen.pictures.images.max()),
    }


def test_refusals() -> None:
    pictures = _pictures((5, 5))
    with pytest.raises(ValueError, match="at least 1 calibration picture, got 0"):
        choose_calibration(pictures, count=0)
    with pytest.raises(ValueError, match="a seed of at least 0, got -1"):
        choose_calibration(pictures, seed=-1)
    with pytest.raises(DataError, match="expected training pictures, got none"):
        choose_calibration(pictures.subset([]))
