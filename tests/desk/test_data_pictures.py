"""`PictureSet` refuses what is no set of pictures, and its digests are those of the records."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError

CLASSES = ("cat", "dog", "eel")


def pictures(count: int = 6, *, seed: int = 0, classes: tuple[str, ...] = CLASSES) -> PictureSet:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(classes)
    return PictureSet(images, labels, classes, tuple(f"{n}.png" for n in range(count)))


def test_record_digest_by_hand() -> None:
    # Two pixels, red-ish and blue-ish: record = label, R plane, G plane, B plane.
    image = np.array([[[[1, 2, 3], [4, 5, 6]]]], dtype=np.uint8)
    one = PictureSet(image, np.array([2]), CLASSES)
    record = bytes([2, 1, 4, 2, 5, 3, 6])
    assert one.record_digests[0].tobytes() == hashlib.sha256(record).digest()
    assert one.digest == hashlib.sha256(hashlib.sha256(record).digest()).hexdigest()


def test_two_bytes_of_label_beyond_256_classes() -> None:
    image = np.zeros((1, 1, 1, 3), dtype=np.uint8)
    names = tuple(map(str, range(300)))
    expected = hashlib.sha256(bytes([299 - 256, 1, 0, 0, 0])).digest()
    digests = PictureSet(image, np.array([299]), names).record_digests
    assert digests[0].tobytes() == expected


def test_digest_depends_on_pixels_and_labels_but_not_on_order_and_names() -> None:
    first = pictures()
    shuffled = first.subset([3, 1, 5, 0, 2, 4])
    assert shuffled.digest == first.digest
    assert PictureSet(first.images, first.labels, CLASSES).digest == first.digest
    assert PictureSet(first.images, first.labels[::-1].copy(), CLASSES).digest != first.digest
    assert pictures(seed=1).digest != first.digest


def test_subset_keeps_pictures_labels_and_names_together() -> None:
    part = pictures().subset([4, 0])
    assert part.names == ("4.png", "0.png")
    assert part.labels.tolist() == [1, 0]
    assert np.array_equal(part.images, pictures().images[[4, 0]])


def test_counts_in_class_order() -> None:
    assert pictures(4).counts() == {"cat": 2, "dog": 1, "eel": 1}
    assert list(pictures(4).counts()) == list(CLASSES)
    assert pictures(0).counts() == {"cat": 0, "dog": 0, "eel": 0}


@pytest.mark.parametrize(
    ("images", "labels", "names", "message"),
    [
        (np.zeros((2, 4, 4, 3)), [0, 1], (), r"got float64 \(2, 4, 4, 3\)"),
        (
            np.zeros((2, 4, 4), np.uint8),
            [0, 1],
            (),
            r"expected pictures as uint8 \(n, h.*\(2, 4, 4",
        ),
        (np.zeros((2, 4, 4, 1), np.uint8), [0, 1], (), r"got uint8 \(2, 4, 4, 1\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), [0], (), r"expected 2 labels, got .* shape \(1,\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), [0, 3], (), r"expected labels in 0\.\.2, got 0\.\.3"),
        (np.zeros((2, 4, 4, 3), np.uint8), [-1, 2], (), r"expected labels in 0\.\.2, got -1\.\.2"),
        (np.zeros((2, 4, 4, 3), np.uint8), [0, 1], ("a",), "expected 2 names, got 1"),
    ],
)
def test_refusals(
    images: np.ndarray, labels: list[int], names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        PictureSet(images, np.array(labels), CLASSES, names)


def test_provenance_of_splits() -> None:
    train, validation = pictures(4), pictures(2, seed=1)
    splits = Splits("mine", train, validation, None)
    assert splits.provenance() == {
        "name": "mine",
        "recognized": False,
        "classes": ["cat", "dog", "eel"],
        "splits": {
            "train": {"count": 4, "digest": train.digest},
            "validation": {"count": 2, "digest": validation.digest},
        },
    }
