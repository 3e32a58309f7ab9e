"""The float model and the pictures that precisions and engines are compared on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import warn_of_familiar
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.calibration import choose_calibration
from convert.int8.compilation import Pictures, Settings
from convert.int8.float_model import load_float_model, picture_size
from convert.int8.freeze import freeze
from convert.int8.inputs import load_identity, load_pictures
from convert.int8.packing import Identity


@dataclass(frozen=True, slots=True)
class Subject:
    """A float model with everything that a compilation takes.

    Attributes:
        model: as it was trained.
        frozen: the deployed float graph.
        identity: its name and labels.
        pictures: training pictures to calibrate on, validation pictures, test pictures.
        calibration: uint8 (n, height, width, 3), those that `convert.quantize` takes by default.
    """

    model: keras.Model
    frozen: keras.Model
    identity: Identity
    pictures: Pictures
    calibration: NDArray[np.uint8]


def load_subject(model: Path = DEFAULT_MODEL, data: Path | None = None) -> Subject:
    """Load a float model and its pictures.

    Args:
        model: its file, with the training record beside it.
        data: folder of pictures; None is the embedded sample of CIFAR-10.

    Raises:
        ConvertError: the model or the pictures are refused.
    """
    loaded = load_float_model(model)
    identity = load_identity(model, name=model.parent.name)
    pictures = load_pictures(data, identity, size=picture_size(loaded))
    warn_of_familiar(identity.training, pictures, splits=("validation", "test"))
    chosen = choose_calibration(pictures.calibration, count=Settings().calibration_count, seed=None)
    return Subject(loaded, freeze(loaded), identity, pictures, chosen.pictures.images)
