"""What a compilation starts from: the model's labels and origin, and pictures of its classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.data import cifar10
from convert.data.grouping import Grouping, grouping_of, read_grouping
from convert.data.held_out import check_held_out
from convert.data.pictures import PictureSet
from convert.data.split_file import SPLIT_FILE
from convert.errors import DataError
from convert.int8.compilation import Pictures
from convert.int8.labels import (
    TRAINING_RECORD,
    check_labels,
    read_labels,
    read_training_record,
    reorder,
)
from convert.int8.packing import Identity
from convert.report.reading import reading_notes

if TYPE_CHECKING:
    import keras

# What of the training record goes into the model file. Not the command: it names local folders.
_RECORDED = ("architecture", "data", "recipe", "seed", "versions", "weights_sha256")


def load_identity(model: Path, *, name: str, labels_file: Path | None = None) -> Identity:
    """Collect what is known about a float model beside its file.

    Labels come from `labels_file`, else from the `training.json` beside the model; they are empty
    if there is neither. Crop and origin come from the training record.

    Raises:
        DataError: a file is malformed, or the two have the same labels in two orders.
        OSError: a file cannot be read.
    """
    record = read_training_record(model)
    source = str(model.parent / TRAINING_RECORD)
    labels: tuple[str, ...] = ()
    if "labels" in record:
        if not isinstance(record["labels"], list):
            raise DataError(f"{source}: labels: expected a list, got {record['labels']!r}")
        labels = check_labels(record["labels"], source=source)
    if labels_file is not None:
        given = read_labels(labels_file)
        if given != labels and sorted(given) == sorted(labels):
            raise DataError(
                f"{labels_file}: expected the labels in the order of {source}, which begin with "
                f"{list(labels[:3])}, got them in another, which begin with {list(given[:3])}: "
                "leave --labels out"
            )
        labels = given
    crop = record.get("crop", "none")
    if crop not in ("none", "center"):
        raise DataError(f"{source}: crop: expected 'none' or 'center', got {crop!r}")
    data = model.read_bytes()
    training: dict[str, Any] = {key: record[key] for key in _RECORDED if key in record}
    choices = record.get("choices")
    if isinstance(choices, Mapping) and "grouping" in choices:
        training["grouping"] = choices["grouping"]
    training["float_model"] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
    }
    return Identity(name, labels, crop, training)


def load_pictures(
    data: Path | None,
    identity: Identity,
    *,
    size: tuple[int, int],
    split_file: Path | None = None,
    skip_broken: bool = False,
    cache: Path | None = None,
) -> Pictures:
    """Read the pictures to calibrate and to measure on, numbered as the model numbers its classes.

    A folder whose split file is lost is split by seed and grouping of the training: as long as its
    pictures are the same, that gives the same split again. One that has none yet is split as a
    training would split it, which may come later.

    Args:
        data: a folder that `convert.data.source.load_splits` reads; None for the embedded sample.
        identity: of the model; without labels, the data set's own names are taken in its order.
        size: height and width of the model's input.
        split_file: see `convert.data.source.load_splits`, as is the following.
        skip_broken: leave out pictures that cannot be decoded.
        cache: folder for decoded pictures; None: every run decodes them.

    Raises:
        DataError: the folder is refused, or its classes or its size are not the model's.
    """
    height, width = size
    labels = identity.labels
    if data is not None:
        from convert.data.source import load_splits

        splits = load_splits(
            data,
            height=height,
            width=width,
            crop=identity.crop,
            seed=_training_seed(identity.training),
            class_names=labels or None,
            split_file=split_file,
            skip_broken=skip_broken,
            grouping=_grouping(identity.training, split_file or data / SPLIT_FILE),
            cache=cache,
        )
        return Pictures(
            splits.name,
            splits.train,
            splits.validation,
            splits.test,
            notes=reading_notes(splits),
        )
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
        whole={"validation": cifar10.VALIDATION_DIGEST, "test": cifar10.TEST_DIGEST},
    )


def check_unseen(
    record: Mapping[str, Any],
    pictures: Pictures,
    *,
    splits: Sequence[str] = ("validation", "test"),
) -> tuple[str, ...]:
    """Check that the model with this training record was not trained on what it is measured on.

    Returns:
        Warnings where nobody can tell; see `check_held_out`.

    Raises:
        DataError: it was trained on some of the pictures.
    """
    warnings = (
        check_held_out(
            record,
            part,
            split,
            train=pictures.calibration,
            whole=pictures.whole.get(split),
            source=pictures.name,
        )
        for split, part in (("validation", pictures.validation), ("test", pictures.test))
        if part is not None and split in splits
    )
    return tuple(warning for warning in warnings if warning is not None)


def check_weights(record: Mapping[str, Any], model: keras.Model, path: Path) -> None:
    """Check that the training record beside the model file is of this model.

    Raises:
        DataError: it is of another one: labels and crop would be taken from there.
    """
    from convert.training.record import weights_sha256

    recorded = record.get("weights_sha256")
    if recorded is not None and recorded != weights_sha256(model):
        raise DataError(
            f"{path.parent / TRAINING_RECORD}: expected the training record of {path.name}, got "
            "that of a model with other weights: move one of the two to another folder"
        )


def _training_seed(training: Mapping[str, Any]) -> int:
    recipe = training.get("recipe")
    seed = recipe.get("seed") if isinstance(recipe, Mapping) else None
    return seed if isinstance(seed, int) else 0


def _grouping(training: Mapping[str, Any], split_file: Path) -> Grouping | None:
    """Return what a split that is made now is made by; None: there is one.

    Raises:
        DataError: the training record's is none.
    """
    recorded = training.get("grouping")
    if recorded is None or split_file.exists():
        return grouping_of(None, split_file)
    try:
        return read_grouping(recorded)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"training record: expected the grouping of its split, got {recorded!r}: {error}"
        ) from error
