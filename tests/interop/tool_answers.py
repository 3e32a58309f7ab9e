"""Answers of a tool to pictures, and how two tools' answers differ."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minivgg_edge import Classifier

STRANGERS = Path(__file__).resolve().parent / "strangers"
_TIMEOUT_S = 300

Answer = dict[str, float]
"""Score by label, the best label first."""


@dataclass(frozen=True)
class Material:
    """A compiled model, pictures of its size, and what `Classifier` says to them.

    Attributes:
        model: The compiled file.
        pictures: An .npy file, uint8 (n, H, W, 3).
        step: The scale of the output: the smallest difference of two scores.
        ours: One answer per picture.
    """

    model: Path
    pictures: Path
    step: float
    ours: list[Answer]


def make_material(model: Path, pictures: NDArray[np.uint8], folder: Path) -> Material:
    path = folder / "pictures.npy"
    np.save(path, pictures)
    with Classifier(model) as classifier:
        every = len(classifier.labels)
        step = classifier.model_info.manifest.output.scale
        ours = [
            {prediction.label: prediction.score for prediction in predictions}
            for predictions in classifier.classify_batch(pictures, top_k=every)
        ]
    assert step is not None
    return Material(model, path, step, ours)


def ask(python: Path | str, stranger: str, *arguments: object) -> list[Answer]:
    """Run a program that knows nothing of this project, and return its answers."""
    command = [python, "-I", STRANGERS / f"{stranger}.py", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stderr[-2000:]
    return [dict(answer) for answer in json.loads(done.stdout)]


def differing(material: Material, theirs: Sequence[Answer], *, steps: int) -> list[str]:
    """Say where another tool's answers differ from ours.

    Args:
        material: What it was asked.
        theirs: Its answers.
        steps: By how many quantization steps a score may differ. Two labels closer than that in
            both may change places.
    """
    found = []
    if len(theirs) != len(material.ours):
        return [f"expected {len(material.ours)} answers, got {len(theirs)}"]
    for number, (ours, other) in enumerate(zip(material.ours, theirs, strict=True)):
        if set(other) != set(ours):
            found.append(f"picture {number}: expected the labels {set(ours)}, got {set(other)}")
            continue
        off = max(abs(ours[label] - other[label]) for label in ours) / material.step
        if off > steps + 1e-3:
            found.append(f"picture {number}: a score is {off:.2f} steps off")
        best, their_best = next(iter(ours)), next(iter(other))
        margin = (ours[best] - ours[their_best]) / material.step
        if their_best != best and margin > 2 * steps - 1e-3:
            found.append(f"picture {number}: expected {best}, got {their_best}")
    return found
