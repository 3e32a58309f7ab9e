"""The record of a run: `training.json`, the log as CSV, and what they are made of."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.json_bytes import json_bytes
from minivgg_edge.measure.machine_state import ROOT
from minivgg_edge.measure.processor import board_title
from minivgg_edge.metrics import accuracy, balanced_accuracy, confusion_matrix, recall

if TYPE_CHECKING:
    import keras


def history_csv(history: Sequence[dict[str, float]]) -> bytes:
    """The epochs as CSV, one line each."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return buffer.getvalue().encode()


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 (hex) of all weights in order: two runs with this value in common are bit-equal."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return digest.hexdigest()


def judged(scores: NDArray[np.float32], pictures: PictureSet) -> dict[str, object]:
    """Accuracy, accuracy per class and confusion matrix of `scores` on `pictures`, as JSON values.

    Args:
        scores: float32 (n, classes).
        pictures: the n pictures they belong to.
    """
    predicted = scores.argmax(axis=1)
    confusion = confusion_matrix(pictures.labels, predicted, pictures.classes)
    per_class = zip(pictures.class_names, recall(confusion).tolist(), strict=True)
    return {
        "count": len(pictures),
        "accuracy": accuracy(confusion),
        "balanced_accuracy": balanced_accuracy(confusion),
        # JSON has no NaN: a class without pictures has no accuracy.
        "per_class": {name: None if math.isnan(share) else share for name, share in per_class},
        "confusion": confusion.tolist(),
    }


def tool_versions() -> dict[str, str]:
    """Versions of what decides the result of a run."""
    names = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "ai-edge-litert")
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine_trained_on() -> str:
    """Return what a run trains on: processor and the number of cores that it may use.

    The order of some sums depends on that number, so that equal bits take an equal one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return board_title(ROOT, cores=cores)


def to_json(record: dict[str, object]) -> bytes:
    """`record` as JSON bytes with a fixed layout."""
    return json_bytes(record, indent=1)
