"""The pictures that a model is most wrongly sure about."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convert.data.pictures import PictureSet
from convert.report.scan import Thumbnail
from minivgg_edge.cli.terminal import printable

MOST = 24
_LONGEST_SIDE = 96


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """One wrong answer.

    Attributes:
        name: of the picture; "" where the data set names none.
        truth: name of its class.
        answer: name of the class that the model answers.
        score: of the answer, 0-1.
        truth_score: of its class, 0-1.
        image: uint8 (height, width, 3), RGB, as the model saw it.
    """

    name: str
    truth: str
    answer: str
    score: float
    truth_score: float
    image: NDArray[np.uint8]


def worst_mistakes(
    scores: NDArray[np.float32], pictures: PictureSet, *, most: int = MOST
) -> tuple[Mistake, ...]:
    """Return the wrong answers with the highest scores, the highest first.

    Args:
        scores: float32 (n, classes).
        pictures: the n pictures they belong to.
        most: how many to return.
    """
    answers = scores.argmax(axis=1)
    wrong = np.flatnonzero(answers != pictures.labels)
    order = wrong[np.argsort(-scores[wrong, answers[wrong]], kind="stable")][:most]
    return tuple(
        Mistake(
            pictures.names[index] if pictures.names else "",
            pictures.class_names[pictures.labels[index]],
            pictures.class_names[answers[index]],
            float(scores[index, answers[index]]),
            float(scores[index, pictures.labels[index]]),
            pictures.images[index],
        )
        for index in order
    )


def mistake_thumbnail(mistake: Mistake) -> Thumbnail:
    """Return the picture of a mistake."""
    return picture_thumbnail(mistake.image, mistake.name)


def picture_thumbnail(image: NDArray[np.uint8], name: str) -> Thumbnail:
    """Return a picture as the model saw it: from pixels, so without EXIF, place and time.

    Args:
        image: uint8 (height, width, 3), RGB.
        name: of the picture; may be "".
    """
    height, width, _ = image.shape
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    scale = _LONGEST_SIDE / max(height, width)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(printable(name), data, round(scale * width), round(scale * height))
