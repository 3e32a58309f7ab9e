"""`Subject`: a float model with its pictures, against which candidates are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import warn_of_familiar
from convert.data.pictures import PictureSet
from convert.int8.calibration import choose_calibration
from convert.int8.comparison import Comparison
from convert.int8.conversion import convert_float, convert_int8, quantize
from convert.int8.float_model import load_float_model, picture_size
from convert.int8.freeze import freeze
from convert.int8.inputs import load_identity, load_pictures
from convert.int8.predict import predict
from convert.search.budget import Budget
from convert.search.fidelity import Fidelity, fidelity, fine_scores, true_scores
from convert.search.method import PLAIN, Candidate
from convert.search.preparation import Preparation
from convert.search.search import Search, Step, search

Split = Literal["validation", "test"]

CALIBRATION_COUNT = 500
FIRST = Candidate(PLAIN, CALIBRATION_COUNT, None)


@dataclass(frozen=True, slots=True)
class Subject:
    """A float model and what its int8 candidates are compared on.

    Attributes:
        frozen: the deployed float graph.
        dataset: what the pictures are called.
        train: to choose calibration pictures from.
        pictures: by split; there may be no test pictures.
        reference: the float model's scores by split, float64 (n, classes).
        preparation: of candidates.
    """

    frozen: keras.Model
    dataset: str
    train: PictureSet
    pictures: dict[Split, PictureSet]
    reference: dict[Split, NDArray[np.float64]]
    preparation: Preparation

    def fidelity(self, candidate: Candidate, split: Split) -> Fidelity:
        """Compare the candidate's scores, before they are rounded to 1/256."""
        pictures = self.pictures[split]
        scores = fine_scores(self.preparation.calibrated(candidate), pictures.images)
        return fidelity(self.reference[split], scores, pictures)

    def comparison(self, candidate: Candidate, split: Split) -> Comparison:
        """Compare the answers of the deployed file."""
        if candidate.method.is_plain:
            chosen = choose_calibration(self.train, count=candidate.count, seed=candidate.seed)
            deployed = convert_int8(self.frozen, chosen.pictures.images)
        else:
            deployed = quantize(self.preparation.calibrated(candidate))
        pictures = self.pictures[split]
        return Comparison(
            self.dataset,
            split,
            pictures.class_names,
            pictures.labels,
            self.reference[split].argmax(axis=1).astype(np.int64),
            predict(deployed, pictures.images).argmax(axis=1).astype(np.int64),
        )

    def search(self, budget_s: float, watch: Callable[[Step], None]) -> tuple[Search, float]:
        """Search as the command does; returns the seconds it took with it."""
        budget = Budget(budget_s)
        pictures = self.pictures["validation"]
        found = search(self.frozen, self.train, pictures, FIRST, budget=budget, watch=watch)
        return found, budget.now_s()


def load_subject(model: Path, data: Path | None, *, limit: int | None = None) -> Subject:
    """Load a model and its pictures, and run the float model over them.

    Args:
        model: a `.keras` file.
        data: a folder of pictures; None for the embedded sample.
        limit: use no more validation and test pictures than this, for a quick look.

    Raises:
        ConvertError: the model or the pictures are refused.
    """
    loaded = load_float_model(model)
    identity = load_identity(model, name="subject")
    found = load_pictures(data, identity, size=picture_size(loaded))
    warn_of_familiar(identity.training, found, splits=("validation", "test"))
    frozen = freeze(loaded)
    pictures: dict[Split, PictureSet] = {"validation": found.validation}
    if found.test is not None:
        pictures["test"] = found.test
    if limit is not None:
        pictures = {
            split: part.subset(np.arange(min(limit, len(part)))) for split, part in pictures.items()
        }
    float_file = convert_float(frozen)
    return Subject(
        frozen,
        found.name,
        found.calibration,
        pictures,
        {split: true_scores(float_file, part.images) for split, part in pictures.items()},
        Preparation(frozen, found.calibration),
    )
