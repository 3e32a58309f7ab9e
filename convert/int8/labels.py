"""The labels of a float model: from its training record or a file, matched by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from convert.data.pictures import PictureSet
from convert.errors import DataError

TRAINING_RECORD = "training.json"


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a text file with one label per line, in the order of the model's scores.

    Raises:
        DataError: the file is no UTF-8 text, or its lines are not distinct labels.
        OSError: it cannot be read.
    """
    return parse_labels(path.read_bytes(), source=str(path))


def parse_labels(data: bytes, *, source: str) -> tuple[str, ...]:
    """Return the labels in the bytes of a text file, as `read_labels` does.

    Raises:
        DataError: they are no UTF-8 text, or the lines are not distinct labels.
    """
    try:
        # Some editors put a byte order mark in front, which is no part of the first label.
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: expected UTF-8 text, got {error.reason}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    return check_labels([line.strip() for line in lines], source=source)


def check_labels(labels: Sequence[object], *, source: str) -> tuple[str, ...]:
    """Return `labels` as a tuple.

    Raises:
        DataError: fewer than two, or one that is empty, no text, of several lines, between spaces,
            or there twice.
    """
    for index, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip():
            raise DataError(f"{source}: label {index}: expected a name, got {label!r}")
        # As the model file has it, which is written when all is done.
        if label.strip() != label or label.splitlines() != [label]:
            raise DataError(
                f"{source}: label {index}: expected one line without outer spaces, got {label!r}"
            )
        if label in labels[:index]:
            raise DataError(f"{source}: expected each label once, got {label!r} twice")
    if len(labels) < 2:
        raise DataError(f"{source}: expected at least 2 labels, got {len(labels)}")
    return tuple(map(str, labels))


def read_training_record(model: Path) -> dict[str, Any]:
    """Read the `training.json` that `convert.train` wrote beside `model`; empty if there is none.

    Raises:
        DataError: it is no JSON object.
        OSError: it cannot be read.
    """
    path = model.parent / TRAINING_RECORD
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record


def reorder(pictures: PictureSet, labels: tuple[str, ...], *, source: str) -> PictureSet:
    """Number the classes of `pictures` as `labels` does; they are matched by name.

    Raises:
        DataError: the names are not the same.
    """
    missing = sorted(set(labels) - set(pictures.class_names))
    extra = sorted(set(pictures.class_names) - set(labels))
    if missing or extra:
        raise DataError(
            f"{source}: expected the model's classes {list(labels)}, "
            f"got none named {missing}, and {extra} besides"
        )
    index = np.array([labels.index(name) for name in pictures.class_names], dtype=np.int64)
    return replace(pictures, labels=index[pictures.labels], class_names=labels)
