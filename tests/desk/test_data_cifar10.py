"""CIFAR-10's binary layout: read right, refused when damaged, split without an overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.data import cifar10
from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError


def write_records(path: Path, count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    planes = generator.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(count, dtype=np.uint8) % 10
    path.write_bytes(
        b"".join(
            bytes([label]) + plane.tobytes() for label, plane in zip(labels, planes, strict=True)
        )
    )
    return planes, labels


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder in the binary layout with 20 records per file."""
    for seed, name in enumerate((*cifar10.TRAIN_FILES, cifar10.TEST_FILE)):
        write_records(tmp_path / name, 20, seed=seed)
    return tmp_path


def test_pixels_and_labels_of_a_record(tmp_path: Path) -> None:
    planes, labels = write_records(tmp_path / "one.bin", 3, seed=9)
    images, got = cifar10.read_records(tmp_path / "one.bin")
    assert (images.dtype, images.shape, got.dtype) == (np.uint8, (3, 32, 32, 3), np.int64)
    assert images.flags.c_contiguous
    assert got.tolist() == labels.tolist()
    # Row 5, column 7 of the third picture: one value from each plane.
    assert images[2, 5, 7].tolist() == planes[2, :, 5, 7].tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"bad\.bin: expected whole records of 3073 bytes, got 0 bytes"),
        (bytes(3072), r"bad\.bin: expected whole records of 3073 bytes, got 3072 bytes"),
        (bytes(3074), r"got 3074 bytes"),
        (bytes([10]) + bytes(3072), r"bad\.bin: expected labels 0\.\.9, got 10"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        cifar10.read_records(path)


def test_missing_file_and_folder_in_its_place(small: Path) -> None:
    (small / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"data_batch_3\.bin: expected a CIFAR-10 .* No such file"):
        cifar10.read_splits(small)
    (small / "data_batch_3.bin").mkdir()
    with pytest.raises(DataError, match=r"data_batch_3\.bin: expected a CIFAR-10"):
        cifar10.read_splits(small)


def test_is_binary_layout(small: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert cifar10.is_binary_layout(small)
    assert not cifar10.is_binary_layout(tmp_path_factory.mktemp("other"))


def test_splits_of_unknown_records(small: Path) -> None:
    splits = cifar10.read_splits(small, validation_per_class=3)
    assert not splits.recognized
    assert splits.validation.counts() == dict.fromkeys(cifar10.CLASS_NAMES, 3)
    assert splits.train.counts() == dict.fromkeys(cifar10.CLASS_NAMES, 7)
    assert splits.test is not None
    assert len(splits.test) == 20


def test_shuffled_files_give_the_same_validation_pictures(small: Path) -> None:
    before = cifar10.read_splits(small, validation_per_class=3)
    first, fifth = (small / cifar10.TRAIN_FILES[n] for n in (0, 4))
    records = fifth.read_bytes() + first.read_bytes()
    first.write_bytes(records[: 15 * cifar10.RECORD_BYTES])
    fifth.write_bytes(records[15 * cifar10.RECORD_BYTES :])
    after = cifar10.read_splits(small, validation_per_class=3)
    assert np.array_equal(before.validation.images, after.validation.images)
    assert before.train.digest == after.train.digest
    assert not np.array_equal(before.train.images, after.train.images)


def test_too_small_a_class(small: Path) -> None:
    with pytest.raises(DataError, match="class 'airplane': expected at least 11 pictures, got 10"):
        cifar10.read_splits(small, validation_per_class=11)


@pytest.fixture(scope="module")
def full(shared_dir: Path) -> Splits:
    return cifar10.read_splits(shared_dir / "data" / "cifar-10-batches-bin")


def pixels(pictures: PictureSet) -> set[bytes]:
    return {image.tobytes() for image in pictures.images}


def test_the_reshuffled_copy_is_recognized(full: Splits) -> None:
    assert full.recognized
    assert full.test is not None
    assert (len(full.train), len(full.validation), len(full.test)) == (45_000, 5_000, 10_000)
    assert full.validation.counts() == dict.fromkeys(cifar10.CLASS_NAMES, 500)
    assert full.validation.digest == cifar10.VALIDATION_DIGEST


def test_no_picture_stands_in_two_parts(full: Splits) -> None:
    assert full.test is not None
    train, validation, test = map(pixels, (full.train, full.validation, full.test))
    # By pixels, not by record: the same picture under two labels would count as well.
    assert (len(train), len(validation), len(test)) == (45_000, 5_000, 10_000)
    assert not train & validation
    assert not train & test
    assert not validation & test
