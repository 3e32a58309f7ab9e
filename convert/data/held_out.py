"""Has a model been trained on a picture? Answered by the record of its training."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError

# Of 2**48 values, 5,000 pictures meet one of 50,000 others by chance once in a million data sets.
_BYTES = 6
# What `convert.train` records of itself; without both, the model came from elsewhere.
_OF_TRAINING = ("data", "recipe")

UNKNOWN_TRAINING = "nobody can tell whether the model was trained on these pictures"


def tells_of_training(record: Mapping[str, Any]) -> bool:
    """Whether this is the record of a training, be it beside the model or in a model file."""
    return any(key in record for key in _OF_TRAINING)


def trained_on(train: PictureSet) -> str:
    """Name the training pictures: the first 6 bytes of each record digest, sorted, in Base64."""
    return base64.b64encode(b"".join(sorted(_shortened(train)))).decode("ascii")


def check_held_out(
    record: Mapping[str, Any],
    pictures: PictureSet,
    split: str,
    *,
    train: PictureSet,
    whole: str | None,
    source: str,
) -> str | None:
    """Check that the model with this training record has not been trained on `pictures`.

    A part with the digest that is recorded is the one that was held out. Another part, say with
    pictures that have been added since, is compared picture by picture with those that the record
    names; where it names none, nobody can tell.

    Args:
        record: content of `training.json`, or what the model file has of it; may be empty.
        pictures: the part to measure on, of the model's size and classes.
        split: "validation" or "test".
        train: the data set's training part as it is now. A picture that looks like one of these
            did so while training (`FolderSplits.lookalikes`) and does not count.
        whole: digest of the part of which `pictures` are a selection; None: they are all of it.
        source: name of the data set for messages.

    Returns:
        A warning if it cannot be told, as for a model from elsewhere, which has no record; else
        None.

    Raises:
        DataError: the model has been trained on some of the pictures, or the record is malformed.
    """
    if not tells_of_training(record):
        return f"{source}: {UNKNOWN_TRAINING}; if it was, it looks better than it is"
    try:
        recorded = record["data"]["splits"].get(split, {}).get("digest")
        names = base64.b64decode(record.get("trained_on", ""), validate=True)
    except KeyError:
        return None
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"training record: expected what convert.train writes: {error}") from error
    if recorded == (whole or pictures.digest):
        return None
    if not names:
        return (
            f"{source}: these are not the {split} pictures that were held out when the model was "
            "trained; if it was trained on some of them, it looks better than it is"
        )
    known = {names[start : start + _BYTES] for start in range(0, len(names), _BYTES)}
    seen = known.intersection(_shortened(pictures)).difference(_shortened(train))
    if seen:
        raise DataError(
            f"{source}: expected {split} pictures that the model was not trained on, but it was "
            f"trained on {len(seen)} of {len(pictures)}: has the split changed since? Name the "
            "split file of the training with --split-file, or train again"
        )
    return None


def check_start(
    record: Mapping[str, Any], splits: Splits, *, crop: str, source: str
) -> tuple[str, ...]:
    """Check that a model which a training begins with has not been trained on what is held out.

    Its record names pictures by their pixels at its size and by the number of their class: where
    these are others now, it cannot be compared, and nobody can tell.

    Args:
        record: content of `training.json`; may be empty.
        splits: the pictures of the training that begins.
        crop: how these were brought to their size.
        source: name of the model for messages.

    Returns:
        What could not be told.

    Raises:
        DataError: see `check_held_out`.
    """
    train = splits.train
    same_classes = record.get("labels", list(train.class_names)) == list(train.class_names)
    if not same_classes and not record.get("trained_on"):
        return ()  # a published data set, of other things
    architecture = record.get("architecture", {})
    height, width = train.images.shape[1:3]
    size = architecture.get("height", height), architecture.get("width", width)
    same_pixels = size == (height, width) and record.get("crop", crop) == crop
    if record.get("trained_on") and not (same_classes and same_pixels):
        what = "at another size or crop" if same_classes else "with other classes"
        return (
            f"{source}: {UNKNOWN_TRAINING}, as it was trained {what}; if it was on those that are "
            "held out, the new model looks better than it is",
        )
    notes = (
        check_held_out(record, part, split, train=train, whole=None, source=source)
        for split, part in (("validation", splits.validation), ("test", splits.test))
        if part is not None
    )
    return tuple(dict.fromkeys(note for note in notes if note is not None))


def _shortened(pictures: PictureSet) -> list[bytes]:
    return [value.tobytes()[:_BYTES] for value in pictures.record_digests]
