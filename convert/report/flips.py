"""The pictures to which float and compiled model give different answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.int8.comparison import Comparison

MOST = 96


@dataclass(frozen=True, slots=True, eq=False)
class Flip:
    """One picture with two answers.

    Attributes:
        name: of the picture; "" where the data set names none.
        truth: name of its class.
        reference: name of the class that the float model answers.
        target: name of the class that the compiled model answers.
        reference_score: of its own answer, 0-1.
        target_score: of its own answer, 0-1.
        image: uint8 (height, width, 3), RGB, as the models saw it.
    """

    name: str
    truth: str
    reference: str
    target: str
    reference_score: float
    target_score: float
    image: NDArray[np.uint8]

    @property
    def kind(self) -> str:
        """For people: which of the two is right."""
        if self.reference == self.truth:
            return "lost"
        return "gained" if self.target == self.truth else "both wrong"


def clearest_flips(
    comparison: Comparison, pictures: PictureSet, *, most: int = MOST
) -> tuple[Flip, ...]:
    """Return the flips of which the float model was most sure, the surest first.

    Those say most: an answer that was a close call flips by any rounding.

    Args:
        comparison: with scores.
        pictures: the pictures that were compared.
        most: how many to return.

    Raises:
        ValueError: the comparison has no scores.
    """
    reference, target = comparison.reference_confidence, comparison.target_confidence
    flips = comparison.flips
    order = flips[np.argsort(-reference[flips], kind="stable")][:most]
    labels = comparison.labels
    return tuple(
        Flip(
            pictures.names[index] if pictures.names else "",
            labels[comparison.true[index]],
            labels[comparison.reference[index]],
            labels[comparison.target[index]],
            float(reference[index]),
            float(target[index]),
            pictures.images[index],
        )
        for index in order
    )
