"""What is timed: a bare inference, and `classify` from everything that a picture may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minivgg_edge.catalog import load_model
from minivgg_edge.classifier import Classifier
from minivgg_edge.errors import PictureError
from minivgg_edge.interpreter import Engine
from minivgg_edge.measure.pictures import noise, photo_jpeg_bytes, png_bytes
from minivgg_edge.scoring import pixel_table

CaseName = Literal[
    "invoke", "classify-array", "classify-png", "classify-jpeg-12mp", "classify-batch"
]

CASE_TEXT: dict[str, str] = {
    "invoke": "bare inference: set the tensor, invoke, get the tensor",
    "classify-array": "classify a uint8 array of the model's size",
    "classify-png": "classify a PNG file's bytes, of the model's size",
    "classify-jpeg-12mp": "classify a 12-megapixel JPEG file's bytes with an EXIF orientation",
    "classify-batch": "classify_batch of arrays; the time is that of the whole batch",
}
BATCHES = (1, 8, 32)
_NEEDS_PILLOW = frozenset({"classify-png", "classify-jpeg-12mp"})
# Decoding 12 megapixels takes hundreds of times as long as the model does.
_PHOTO_SHARE = 25
_FEWEST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to time.

    Attributes:
        name: What is called.
        num_threads: Threads of the native kernels.
        batch: Pictures per call.
        rounds: Timed calls.
        settle: Untimed calls before each timed one, see `interleaved_ns`.
    """

    name: CaseName
    num_threads: int
    batch: int
    rounds: int
    settle: int = 1

    @property
    def needs_pillow(self) -> bool:
        """Whether the picture is a file's bytes."""
        return self.name in _NEEDS_PILLOW


@dataclass(frozen=True, slots=True)
class Pictures:
    """One picture in every form: a uint8 array (H, W, 3), and files' bytes if Pillow is there."""

    array: npt.NDArray[np.uint8]
    png: bytes | None
    jpeg: bytes | None


def plan_cases(num_threads: tuple[int, ...], rounds: int) -> tuple[Case, ...]:
    """Return all cases: the model's own work with every number of threads, the rest with the first.

    Args:
        num_threads: Numbers of threads, at least one.
        rounds: Timed calls of the short cases; the long ones get fewer.
    """
    first = num_threads[0]
    photo_rounds = max(_FEWEST_ROUNDS, rounds // _PHOTO_SHARE)
    return (
        *(Case("invoke", threads, 1, rounds) for threads in num_threads),
        *(Case("classify-array", threads, 1, rounds) for threads in num_threads),
        Case("classify-png", first, 1, rounds),
        Case("classify-jpeg-12mp", first, 1, photo_rounds, settle=0),
        *(
            Case("classify-batch", first, batch, max(_FEWEST_ROUNDS, rounds // batch))
            for batch in BATCHES
        ),
    )


def make_pictures(height: int, width: int) -> Pictures:
    """Return the picture that is classified, of a model's size but for the photo."""
    array = noise(height, width)
    try:
        return Pictures(array, png_bytes(array), photo_jpeg_bytes())
    except PictureError:  # Pillow is not installed: arrays are all there is
        return Pictures(array, None, None)


class LoadedModel:
    """A model with one number of threads, as a classifier and as a bare interpreter."""

    def __init__(self, model: str, num_threads: int = 1) -> None:
        """Load a model twice.

        Args:
            model: A path, or the name of an installed model.
            num_threads: Threads of the native kernels.

        Raises:
            ModelError: As `Classifier`.
            RuntimeUnavailableError: There is no runtime.
        """
        file = load_model(model)
        self._engine = Engine(file.flatbuffer, num_threads=num_threads, source=file.source)
        self._classifier = Classifier(model, num_threads=num_threads)

    def call(self, case: Case, pictures: Pictures) -> Callable[[], object]:
        """Return the callable that a case times.

        Raises:
            ValueError: The case needs a picture file, and there is none.
        """
        classifier, engine = self._classifier, self._engine
        if case.name == "invoke":
            table = pixel_table(engine.input)
            tensor = pictures.array if table is None else table[pictures.array]
            return lambda: engine.run(tensor)
        if case.name == "classify-batch":
            batch = np.stack([pictures.array] * case.batch)
            return lambda: list(classifier.classify_batch(batch))
        sources = {"classify-png": pictures.png, "classify-jpeg-12mp": pictures.jpeg}
        picture = sources.get(case.name, pictures.array)
        if picture is None:
            raise ValueError(f"{case.name}: expected a picture file, got none: Pillow is missing")
        return lambda: classifier.classify(picture)

    def close(self) -> None:
        """Free the classifier's memory."""
        self._classifier.close()
