"""The pictures that answers are measured on."""

from __future__ import annotations

from pathlib import Path

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.compilation import Pictures
from convert.int8.inputs import load_pictures
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

    Args:
        data: See `read_pictures`, as is the following.
        file: The model.

    Raises:
        DataError: As there, or there are no test pictures.
    """
    found = read_pictures(data, file)
    if found.test is None or len(found.test) == 0:
        raise DataError(f"{data}: expected test pictures, got none")
    return found.name, found.test
