"""What the command works on: the two models and the pictures that its options name."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.data.picture_cache import cache_of
from convert.errors import DataError
from convert.int8.calibration import DEFAULT_COUNT, choose_calibration
from convert.int8.compilation import Pictures
from convert.int8.float_model import load_float_model, picture_size
from convert.int8.freeze import freeze
from convert.int8.inputs import check_unseen, check_weights, load_identity, load_pictures
from convert.int8.labels import read_training_record
from convert.int8.packing import Identity
from convert.layer_error.advice import Searched, searched
from convert.layer_error.equalized import equalized_like
from convert.layer_error.source import Models, convert_both
from convert.search.method import EQUALIZATIONS, PLAIN, RANGE_RULES, Method
from minivgg_edge.model_file import read_model_file

if TYPE_CHECKING:
    from convert.data.pictures import PictureSet


@dataclass(frozen=True, slots=True)
class Loaded:
    """What to analyse.

    Attributes:
        name: of the model.
        source: of the pictures, in words.
        models: float and int8.
        images: uint8 (n, height, width, 3), validation pictures.
        notes: sentences about what was noticed.
        search: whether a search chose the method of a compiled file.
    """

    name: str
    source: str
    models: Models
    images: NDArray[np.uint8]
    notes: tuple[str, ...]
    search: Searched = "none"


def load(options: argparse.Namespace) -> Loaded:
    """Read models and pictures.

    Raises:
        ConvertError: a file is refused; the message says why.
        ModelFileError: a compiled file is refused.
    """
    return _from_keras(options) if options.model.suffix == ".keras" else _from_files(options)


def choose_pictures(validation: PictureSet, count: int) -> PictureSet:
    """Return up to `count` pictures, equally many per class, by nothing but their content.

    Raises:
        DataError: there is no picture.
    """
    if len(validation) == 0:
        raise DataError("layer error: expected validation pictures to run the models on, got none")
    return choose_calibration(validation, count=count).pictures


def _from_keras(options: argparse.Namespace) -> Loaded:
    model = load_float_model(options.model)
    record = read_training_record(options.model)
    check_weights(record, model, options.model)
    identity = load_identity(options.model, name=options.model.stem, labels_file=options.labels)
    pictures = _pictures(options, identity, picture_size(model))
    warnings = check_unseen(record, pictures, splits=("validation",))
    frozen = freeze(model, scale=options.scale, offset=options.offset)
    calibration = choose_calibration(
        pictures.calibration,
        count=options.calibration_count or DEFAULT_COUNT,
        seed=options.calibration_seed,
    )
    models = convert_both(frozen, calibration.pictures.images, options.method)
    return _loaded(options, options.model.stem, pictures, models, warnings)


def _from_files(options: argparse.Namespace) -> Loaded:
    target = read_model_file(options.model)
    reference = read_model_file(options.float_model or _by_product(options.model))
    manifest, spec = target.manifest, target.manifest.input
    identity = Identity(manifest.name, target.labels, spec.crop, manifest.training)
    pictures = _pictures(options, identity, (spec.height, spec.width))
    warnings = check_unseen(manifest.training, pictures, splits=("validation",))
    method = _recorded_method(manifest.calibration)
    flatbuffer = reference.flatbuffer
    if method.equalize is not None:
        flatbuffer = equalized_like(flatbuffer, target.flatbuffer)
    models = Models(flatbuffer, target.flatbuffer, method)
    loaded = _loaded(options, manifest.name, pictures, models, warnings)
    return replace(loaded, search=searched(manifest.calibration))


def _recorded_method(calibration: Mapping[str, Any]) -> Method:
    """The method that a manifest names, as far as it is known here."""
    rule, equalize = calibration.get("ranges", PLAIN.ranges), calibration.get("equalize")
    return Method(
        next((known for known in RANGE_RULES if known == rule), PLAIN.ranges),
        equalize=next((known for known in EQUALIZATIONS if known == equalize), None),
        bias_correction=calibration.get("bias_correction") is True,
    )


def _by_product(path: Path) -> Path:
    return path.with_suffix(".float.tflite")


def _pictures(options: argparse.Namespace, identity: Identity, size: tuple[int, int]) -> Pictures:
    return load_pictures(
        options.data,
        identity,
        size=size,
        split_file=options.split_file,
        skip_broken=options.skip_broken,
        cache=cache_of(options.data, options.cache, none=options.no_cache),
    )


def _loaded(
    options: argparse.Namespace,
    name: str,
    pictures: Pictures,
    models: Models,
    warnings: tuple[str, ...],
) -> Loaded:
    chosen = choose_pictures(pictures.validation, options.pictures)
    notes = (*pictures.notes, *(f"warning: {warning}" for warning in warnings))
    source = f"{pictures.name}, {len(chosen)} validation pictures"
    return Loaded(name, source, models, chosen.images, notes)
