"""Both engines on one model: the same graph in, the same ranges, two int8 models out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.precision.subject import Subject
from convert.data.pictures import PictureSet
from convert.int8.audit import audit
from convert.int8.conversion import convert_calibrated, convert_float, convert_int8
from convert.int8.paired import mcnemar_p
from convert.int8.predict import predict
from convert.int8.ranges import Range, read_ranges
from convert.second_engine.conversion import calibrate, quantize_static
from convert.second_engine.difference import LayerDifference, layer_differences
from convert.second_engine.layers import read_layers

FLOAT = "float32"
MAIN = "TensorFlow's converter"
SECOND = "ai-edge-quantizer, the same ranges"
OWN_RANGES = "ai-edge-quantizer, its own min-max ranges"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's answers on one set of pictures, beside those of others.

    Attributes:
        top1: accuracy.
        with_float: share of pictures with the float model's answer.
        with_main: share of pictures with the main engine's answer.
        largest_steps: largest difference of a score from the main engine's, in steps of 1/256; None
            for the float model.
        p_value: exact McNemar test of no difference in accuracy from the main engine.
    """

    top1: float
    with_float: float
    with_main: float
    largest_steps: int | None
    p_value: float


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        models: flatbuffers by title.
        answers: by title and split.
        counts: number of pictures by split.
        layers: of the main engine's model and the second engine's with the same ranges.
        ranges: largest relative difference of a range that the second engine found by itself.
    """

    models: dict[str, bytes]
    answers: dict[str, dict[str, Answers]]
    counts: dict[str, int]
    layers: tuple[LayerDifference, ...]
    ranges: float


def examine(subject: Subject, *, say: Say) -> Examination:
    """Convert with both engines and compare.

    Raises:
        ConvertError: an engine failed, or one of its models is no int8 model.
    """
    say("Converting with both engines")
    float_model = convert_float(subject.frozen)
    ranges = read_ranges(convert_calibrated(subject.frozen, subject.calibration))
    own = calibrate(float_model, subject.calibration)
    models = {
        FLOAT: float_model,
        MAIN: convert_int8(subject.frozen, subject.calibration),
        SECOND: quantize_static(float_model, ranges),
        OWN_RANGES: quantize_static(float_model, own),
    }
    for title, model in models.items():
        if title != FLOAT:
            audit(model, io="uint8")
    answers: dict[str, dict[str, Answers]] = {title: {} for title in models}
    counts = {}
    for split in ("validation", "test"):
        pictures = getattr(subject.pictures, split)
        if pictures is None:
            continue
        counts[split] = len(pictures)
        say(f"Answering {len(pictures)} {split} pictures with {len(models)} models")
        outputs = {title: predict(model, pictures.images) for title, model in models.items()}
        for title in models:
            answers[title][split] = _answers(outputs, title, pictures)
    layers = layer_differences(read_layers(models[MAIN]), read_layers(models[SECOND]))
    return Examination(models, answers, counts, layers, _range_difference(ranges, own))


def _answers(outputs: dict[str, NDArray[np.generic]], title: str, pictures: PictureSet) -> Answers:
    labels = {name: found.argmax(axis=1) for name, found in outputs.items()}
    right = {name: found == pictures.labels for name, found in labels.items()}
    steps = None
    if title != FLOAT:
        off = outputs[title].astype(np.int64) - outputs[MAIN].astype(np.int64)
        steps = int(np.abs(off).max())
    return Answers(
        float(right[title].mean()),
        float((labels[title] == labels[FLOAT]).mean()),
        float((labels[title] == labels[MAIN]).mean()),
        steps,
        mcnemar_p(
            int((right[MAIN] & ~right[title]).sum()), int((~right[MAIN] & right[title]).sum())
        ),
    )


def _range_difference(expected: dict[str, Range], found: dict[str, Range]) -> float:
    """Largest difference of an end, in units of its range."""
    return max(
        max(abs(a - b) for a, b in zip(expected[name], found[name], strict=True))
        / (expected[name][1] - expected[name][0])
        for name in expected
    )
