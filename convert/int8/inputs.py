"""What a compilation starts from: the model's labels and origin, and pictures of its classes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.compile_model import Pictures
from convert.int8.labels import (
    TRAINING_RECORD,
    check_labels,
    read_labels,
    read_training_record,
    reorder,
)
from convert.int8.packing import Identity

# What of the training record goes into the model file. Not the command: it names local folders.
_RECORDED = ("architecture", "data", "recipe", "seed", "versions", "weights_sha256")


def load_identity(model: Path, *, name: str, labels_file: Path | None = None) -> Identity:
    """Collect what is known about a float model beside its file.

    Labels come from `labels_file`, else from the `training.json` beside the model; they are empty
    if there is neither. Crop and origin come from the training record.

    Raises:
        DataError: a file is malformed.
        OSError: a file cannot be read.
    """
    record = read_training_record(model)
    source = str(model.parent / TRAINING_RECORD)
    labels: tuple[str, ...] = ()
    if labels_file is not None:
        labels = read_labels(labels_file)
    elif "labels" in record:
        if not isinstance(record["labels"], list):
            raise DataError(f"{source}: labels: expected a list, got {record['labels']!r}")
        labels = check_labels(record["labels"], source=source)
    crop = record.get("crop", "none")
    if crop not in ("none", "center"):
        raise DataError(f"{source}: crop: expected 'none' or 'center', got {crop!r}")
    data = model.read_bytes()
    training: dict[str, Any] = {key: record[key] for key in _RECORDED if key in record}
    training["float_model"] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
    }
    return Identity(name, labels, crop, training)


def load_pictures(data: Path | None, identity: Identity, *, size: tuple[int, int]) -> Pictures:
    """Read the pictures to calibrate and to measure on, numbered as the model numbers its classes.

    Args:
        data: a folder that `convert.data.source.load_splits` reads; None for the embedded sample.
        identity: of the model; without labels, the data set's own names are taken in its order.
        size: height and width of the model's input.

    Raises:
        DataError: the folder is refused, or its classes or its size are not the model's.
    """
    height, width = size
    labels = identity.labels
    if data is not None:
        from convert.data.source import load_splits

        splits = load_splits(
            data, height=height, width=width, crop=identity.crop, class_names=labels or None
        )
        return Pictures(splits.name, splits.train, splits.validation, splits.test)
    from convert.data.sample import load_sample

    sample = load_sample()
    got = sample.validation.images.shape[1:3]
    if got != size:
        raise DataError(
            f"{sample.name}: pictures of {got[0]}x{got[1]} pixels, but the model takes "
            f"{height}x{width}: name a folder of its own pictures with --data"
        )

    def numbered(pictures: PictureSet) -> PictureSet:
        return reorder(pictures, labels, source=sample.name) if labels else pictures

    return Pictures(
        sample.name,
        numbered(sample.calibration),
        numbered(sample.validation),
        numbered(sample.test),
    )
