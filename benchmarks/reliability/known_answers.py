"""Pictures whose answers are known: those of the first, undisturbed pass of the same model."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minivgg_edge import Classifier


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """Pictures and, for each, the bytes of its scores.

    Attributes:
        pictures: uint8 (n, H, W, 3), RGB, 0-255, of the model's size.
        scores: float32 (classes,) each, as bytes: equal means equal to the bit.
    """

    pictures: NDArray[np.uint8]
    scores: tuple[bytes, ...]

    def agrees(self, classifier: Classifier, number: int) -> bool:
        """Classify picture `number` (any integer, counted round) and compare."""
        index = number % len(self.scores)
        return classifier.scores(self.pictures[index]).tobytes() == self.scores[index]


def known_answers(path: Path, count: int) -> KnownAnswers:
    """Read the first `count` pictures of an ``.npy`` file and classify each once, in one thread."""
    pictures = np.load(path, allow_pickle=False)[:count]
    with Classifier() as classifier:
        scores = tuple(classifier.scores(picture).tobytes() for picture in pictures)
    return KnownAnswers(pictures, scores)


def picture_files(known: KnownAnswers, count: int) -> list[tuple[str, bytes]]:
    """Return pictures of other sizes as files in memory: format and bytes, of four formats."""
    from PIL import Image

    files = []
    for index in range(count):
        kind = ("PNG", "JPEG", "WEBP", "GIF")[index % 4]
        image = Image.fromarray(known.pictures[index % len(known.pictures)])
        buffer = io.BytesIO()
        image.resize((40 + 7 * index % 200, 30 + 11 * index % 150)).save(buffer, kind)
        files.append((kind, buffer.getvalue()))
    return files
