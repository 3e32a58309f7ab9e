"""What the compiled model gets wrong, the most confident mistakes first."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convert.data.pictures import PictureSet
from convert.quiet import quiet
from minivgg_edge import Classifier


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that got a wrong answer.

    Attributes:
        name: of the picture.
        truth: its class.
        answer: the label that it got.
        score: of that label, 0-1.
        truth_score: of its class.
        png_base64: the picture as the model sees it: pixels alone, without place and time.
    """

    name: str
    truth: str
    answer: str
    score: float
    truth_score: float
    png_base64: str


def worst_mistakes(
    model: Path, sets: Sequence[PictureSet], *, most: int
) -> tuple[tuple[Mistake, ...], int]:
    """Let a compiled model answer as it does on the board, and pick its worst mistakes.

    Args:
        model: the compiled file.
        sets: pictures that were not trained on, of the model's size and classes.
        most: how many to pick.

    Returns:
        The mistakes with the highest scores, and how many there are in all.
    """
    found: list[tuple[PictureSet, int, NDArray[np.float32]]] = []
    with quiet():  # the runtime announces its delegate on stderr
        classifier = Classifier(model, num_threads=2)
    with classifier:
        for pictures in sets:
            for index, image in enumerate(pictures.images):
                scores = classifier.scores(image)
                if int(scores.argmax()) != pictures.labels[index]:
                    found.append((pictures, index, scores))
    found.sort(key=lambda mistake: -float(mistake[2].max()))
    return tuple(_mistake(*mistake) for mistake in found[:most]), len(found)


def _mistake(pictures: PictureSet, index: int, scores: NDArray[np.float32]) -> Mistake:
    label = int(pictures.labels[index])
    buffer = io.BytesIO()
    Image.fromarray(pictures.images[index]).save(buffer, "PNG")
    return Mistake(
        name=pictures.names[index],
        truth=pictures.class_names[label],
        answer=pictures.class_names[int(scores.argmax())],
        score=float(scores.max()),
        truth_score=float(scores[label]),
        png_base64=base64.b64encode(buffer.getvalue()).decode("ascii"),
    )
