"""CIFAR-10 in its official binary layout: read from a folder, checked, split. Never unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet, Splits
from convert.data.split import hold_out
from convert.errors import DataError

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
SIDE = 32
RECORD_BYTES = 1 + 3 * SIDE * SIDE

# Order-independent digests (`PictureSet.digest`) of the 50,000 training and 10,000 test records:
# the official files and any reshuffled copy of them give these.
TRAIN_DIGEST = "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260"
TEST_DIGEST = "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f"

VALIDATION_PER_CLASS = 500
# Of the 5,000 training pictures that `read_splits` holds out.
VALIDATION_DIGEST = "1a5af4fe3cad7feb3929f203f688464b6b310d813c8bca294392fa6c542b365a"


def is_binary_layout(folder: Path) -> bool:
    """Whether `folder` looks like the official binary version (at least one of its files)."""
    return any((folder / name).is_file() for name in (*TRAIN_FILES, TEST_FILE))


def read_records(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one file of the binary layout.

    Returns:
        Images uint8 (n, 32, 32, 3), RGB, 0-255, and labels int64 (n,).

    Raises:
        DataError: the file is missing, unreadable, empty, not a whole number of records, or has a
            label outside 0-9.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(
            f"{path}: expected a CIFAR-10 binary file, got: {error.strerror or error}"
        ) from error
    if data.size == 0 or data.size % RECORD_BYTES:
        raise DataError(
            f"{path}: expected whole records of {RECORD_BYTES} bytes, got {data.size} bytes "
            "(a file that was not copied to its end?)"
        )
    records = data.reshape(-1, RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASS_NAMES):
        raise DataError(f"{path}: expected labels 0..9, got {labels.max()}")
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def read_training(folder: Path) -> PictureSet:
    """Read the training files `data_batch_1.bin` ... `data_batch_5.bin` of `folder`."""
    parts = [read_records(folder / name) for name in TRAIN_FILES]
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return PictureSet(images, labels, CLASS_NAMES)


def read_test(folder: Path) -> PictureSet:
    """Read `test_batch.bin` of `folder`."""
    return PictureSet(*read_records(folder / TEST_FILE), CLASS_NAMES)


def read_splits(folder: Path, *, validation_per_class: int = VALIDATION_PER_CLASS) -> Splits:
    """Read the whole data set and hold out the fixed validation pictures.

    The validation pictures are, in each class, the `validation_per_class` training pictures with
    the smallest record digests: the same pictures from the official files, from a reshuffled
    copy, and under every seed.

    Raises:
        DataError: a file is missing or damaged, or a class is too small.
    """
    everything, test = read_training(folder), read_test(folder)
    train, validation = hold_out(everything, per_class=validation_per_class)
    recognized = everything.digest == TRAIN_DIGEST and test.digest == TEST_DIGEST
    name = "CIFAR-10" if recognized else f"{folder.name} (CIFAR-10's layout, other pictures)"
    return Splits(name, train, validation, test, recognized)
