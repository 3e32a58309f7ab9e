"""`load_splits` takes CIFAR-10 or a folder of images, and says what a path is instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.data import cifar10
from convert.data.folder_splits import FolderSplits
from convert.data.pictures import Splits
from convert.data.source import load_splits
from convert.errors import DataError


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small stand-in for CIFAR-10; it holds out two pictures per class instead of 500."""
    for seed, name in enumerate((*cifar10.TRAIN_FILES, cifar10.TEST_FILE)):
        records = np.random.default_rng(seed).integers(0, 256, (20, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(20) % 10
        records.tofile(tmp_path / name)
    whole = cifar10.read_splits
    monkeypatch.setattr(
        cifar10, "read_splits", lambda folder: whole(folder, validation_per_class=2)
    )
    return tmp_path


def test_cifar10(cifar: Path) -> None:
    splits = load_splits(cifar, seed=7, fractions=(0.5, 0.1))
    assert type(splits) is Splits
    assert splits.name == f"{cifar.name} (CIFAR-10's layout, other pictures)"
    assert (len(splits.train), len(splits.validation)) == (80, 20)
    assert not (cifar / "split.json").exists()


def test_cifar10_in_the_order_of_a_model(cifar: Path) -> None:
    plain, turned = load_splits(cifar), load_splits(cifar, class_names=cifar10.CLASS_NAMES[::-1])
    for one, other in (
        (plain.train, turned.train),
        (plain.validation, turned.validation),
        (plain.test, turned.test),
    ):
        assert one is not None
        assert other is not None
        assert np.array_equal(one.images, other.images)
        assert [one.class_names[label] for label in one.labels] == [
            other.class_names[label] for label in other.labels
        ]
    assert turned.train.class_names[0] == "truck"


def test_cifar10_for_other_classes(cifar: Path) -> None:
    with pytest.raises(DataError, match=r"expected the classes \['cat', 'dog'\], got \['airplane'"):
        load_splits(cifar, class_names=("cat", "dog"))


def test_cifar10_in_another_size(cifar: Path) -> None:
    with pytest.raises(DataError, match="CIFAR-10 has 32x32 pictures, expected 48x32"):
        load_splits(cifar, height=48)


def test_folder_of_images(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(10):
            color = (number, 50, 100 if name == "cat" else 200)
            Image.new("RGB", (9, 6), color).save(tmp_path / name / f"{number}.png")
    splits = load_splits(
        tmp_path,
        height=3,
        width=4,
        crop="center",
        seed=2,
        fractions=(0.4, 0.0),
        class_names=("dog", "cat"),
        split_file=tmp_path / "kept.json",
        skip_broken=True,
    )
    assert isinstance(splits, FolderSplits)
    assert splits.train.class_names == ("dog", "cat")
    assert splits.train.images.shape[1:] == (3, 4, 3)
    assert splits.test is None
    assert splits.split_file == tmp_path / "kept.json"
    assert len(splits.train) + len(splits.validation) == 20


def test_missing_path_and_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: expected a folder with a data set, got nothing"):
        load_splits(tmp_path / "none")
    (tmp_path / "data.zip").write_bytes(b"PK")
    with pytest.raises(
        DataError, match=r"data\.zip: expected a folder with a data set, got a file"
    ):
        load_splits(tmp_path / "data.zip")
