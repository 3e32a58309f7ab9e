"""How good an adopted model is on pictures, with or without its float model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.compare import compare
from convert.int8.compilation import Pictures
from convert.int8.guessing import WHAT_TO_CHECK, seems_to_guess
from convert.int8.predict import predict
from convert.packaging.adoption import Adopted
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.measured import Measurement
from minivgg_edge.metrics import accuracy, confusion_matrix

_Split = Literal["validation", "test"]


def records(target: Adopted, reference: Adopted, pictures: Pictures) -> tuple[AccuracyRecord, ...]:
    """Compare an adopted model with its float model, adopted too, on the same pictures.

    Raises:
        DataError: the two take pictures of other sizes or give other classes.
    """
    sides = [(m.audit.input.shape, m.audit.output.shape) for m in (target, reference)]
    if sides[0] != sides[1]:
        raise DataError(
            f"{pictures.name}: expected a float model with input and output {sides[0]}, "
            f"got {sides[1]}"
        )
    return tuple(
        compare(
            reference.flatbuffer, target.flatbuffer, part, dataset=pictures.name, split=split
        ).record()
        for split, part in _parts(pictures)
    )


def measured(target: Adopted, pictures: Pictures) -> tuple[Measurement, ...]:
    """Measure an adopted model alone; a manifest's accuracy records are comparisons."""
    found = []
    for split, part in _parts(pictures):
        labels = predict(target.flatbuffer, part.images).argmax(axis=1)
        confusion = confusion_matrix(part.labels, labels, part.classes)
        found.append(Measurement(pictures.name, split, len(part), accuracy(confusion)))
    return tuple(found)


def how_right(top1: float, count: int, model: Adopted) -> str:
    """Say what was measured, and what usually is behind it where it is no better than guessing."""
    said = f"right on {top1:.2%} of {count:,} pictures"
    return f"{said}: {WHAT_TO_CHECK}" if seems_to_guess(top1, len(model.identity.labels)) else said


def _parts(pictures: Pictures) -> Sequence[tuple[_Split, PictureSet]]:
    """The test pictures, or the validation pictures where there are none of these.

    Not both: nothing is decided here, and what this split calls validation pictures are training
    pictures in many another.
    """
    parts: list[tuple[_Split, PictureSet | None]] = [
        ("test", pictures.test),
        ("validation", pictures.validation),
    ]
    return [(split, part) for split, part in parts if part is not None and len(part)][:1]
