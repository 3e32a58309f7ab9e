"""The pictures that answers are measured on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.compilation import Pictures
from convert.int8.inputs import check_unseen, load_pictures
from convert.int8.packing import Identity
from minivgg_edge.model_file import ModelFile


def read_pictures(data: Path | None, file: ModelFile) -> Pictures:
    """Return the pictures of a data set, numbered as a model numbers its classes.

    Args:
        data: A folder that `convert.data.source.load_splits` reads; None is the embedded sample.
        file: The model.

    Raises:
        DataError: The folder is refused or does not fit the model.
    """
    manifest, spec = file.manifest, file.manifest.input
    identity = Identity(manifest.name, file.labels, spec.crop, manifest.training)
    return load_pictures(data, identity, size=(spec.height, spec.width))


def read_test_pictures(data: Path | None, file: ModelFile) -> tuple[str, PictureSet]:
    """Return the name of a data set and its test pictures, numbered as a model numbers its classes.

    Says on standard error where nobody knows whether the model was trained on them.

    Args:
        data: See `read_pictures`, as is the following.
        file: The model.

    Raises:
        DataError: As there, there are no test pictures, or the model was trained on some of them.
    """
    found = read_pictures(data, file)
    warn_of_familiar(file.manifest.training, found, splits=("test",))
    if found.test is None or len(found.test) == 0:
        raise DataError(f"{data}: expected test pictures, got none")
    return found.name, found.test


def warn_of_familiar(
    training: Mapping[str, Any], pictures: Pictures, *, splits: Sequence[str]
) -> None:
    """Say on standard error where nobody knows whether a model was trained on pictures.

    Args:
        training: What a manifest or a training record says of the training.
        pictures: Of all splits.
        splits: Those that accuracies are measured on.

    Raises:
        DataError: It was.
    """
    for warning in check_unseen(training, pictures, splits=splits):
        print(f"warning: {warning}", file=sys.stderr)
