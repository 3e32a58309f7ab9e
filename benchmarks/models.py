"""The bundled int8 model and the float model that it was made from, as files that load alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.audit import describe
from convert.int8.conversion import convert_float
from convert.int8.float_model import load_float_model
from convert.int8.freeze import freeze
from convert.int8.inputs import load_identity
from convert.int8.packing import pack, with_metadata

PUBLISHED: Path = DEFAULT_MODEL.parents[1]
"""The folder of the published models, each in a folder of its name."""

FLOAT_MODEL: Path = DEFAULT_MODEL
"""The Keras model behind the bundled one."""


def float_model_file(path: Path, name: str) -> bytes:
    """Return a float32 model file of a Keras model, of the same graph as its int8 one.

    Args:
        path: The `.keras` file, beside its training record.
        name: What the model file calls itself.

    Raises:
        ConvertError: The file is no float model that can be converted.
        DataError: Its training record is malformed or names no labels.
    """
    identity = load_identity(path, name=name)
    flatbuffer = convert_float(freeze(load_float_model(path)))
    flatbuffer = with_metadata(flatbuffer, describe(flatbuffer), identity)
    return pack(flatbuffer, describe(flatbuffer), replace(identity, calibration={}), [])
