"""The search: candidates tried within a time budget, one chosen on validation pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import ConversionError, DataError
from convert.int8.conversion import convert_float
from convert.search.budget import Budget, Work
from convert.search.equalization import pairs
from convert.search.fidelity import fidelity, fine_model, true_scores
from convert.search.layers import read_layers
from convert.search.method import Candidate
from convert.search.plan import most_trials, plan
from convert.search.preparation import Preparation
from convert.search.selection import RULE, Trial, choose

if TYPE_CHECKING:
    import keras

COLUMNS = ("divergence", "agreement", "drop", "cross_entropy")
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Search:
    """What was tried and what was taken.

    Attributes:
        trials: in the order of trying; the first is the plain conversion.
        position: of the chosen trial.
        left_out: candidates for which no time was left.
        pictures: number of validation pictures.
        notes: sentences about what could not be tried at all, or not as its name says.
    """

    trials: tuple[Trial, ...]
    position: int
    left_out: tuple[Candidate, ...]
    pictures: int
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> Trial:
        """The trial that was taken."""
        return self.trials[self.position]

    def to_json(self) -> dict[str, Any]:
        """Choice and table as JSON values; no times, so the same trials give the same values."""
        return {
            "rule": RULE,
            "split": "validation",
            "pictures": self.pictures,
            "chosen": self.chosen.candidate.title,
            "columns": list(COLUMNS),
            "trials": {trial.candidate.title: _figures(trial) for trial in self.trials},
            "left_out": [candidate.title for candidate in self.left_out],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One finished trial, for whoever watches.

    Attributes:
        trial: the last one.
        done: number of trials that are done.
        most: bound of how many there will be.
        took_s: seconds of this trial.
        left_s: seconds left of the budget.
    """

    trial: Trial
    done: int
    most: int
    took_s: float
    left_s: float


def search(
    model: keras.Model,
    train: PictureSet,
    validation: PictureSet,
    first: Candidate,
    *,
    budget: Budget,
    watch: Callable[[Step], None],
) -> Search:
    """Try candidates and choose one.

    The first is always tried. Of the others none is started that, by what those before it took,
    would not end within the budget.

    Args:
        model: what `freeze` returns.
        train: pictures to choose calibration pictures from; disjoint from `validation`.
        validation: pictures to choose by, classes in the order of the scores.
        first: the plain conversion with its calibration pictures.
        budget: its clock runs already.
        watch: is called after every trial.

    Raises:
        ConversionError: the converter failed at the first; one that fails later is only noted.
        DataError: there are no pictures to calibrate on or to choose by.
    """
    if len(validation) == 0:
        raise DataError("search: expected validation pictures to choose by, got none")
    preparation = Preparation(model, train)
    reference = true_scores(convert_float(model), validation.images)
    layers = len(read_layers(preparation.base))
    notes = _obstacles(preparation.base)
    available, equalizable = len(train), not notes
    most = most_trials(available=available, equalizable=equalizable)
    trials: list[Trial] = []
    left_out: list[Candidate] = []
    impossible: dict[Candidate, str] = {}
    for candidate in plan(first, trials, available=available, equalizable=equalizable):
        known = (*left_out, *impossible, *(trial.candidate for trial in trials))
        if candidate in known:
            continue
        work = _work(candidate, preparation, layers, len(validation))
        if trials and not budget.fits(work):
            left_out.append(candidate)
            continue
        started_s = budget.now_s()
        try:
            trials.append(_tried(candidate, preparation, reference, validation, budget, work))
        except ConversionError as error:
            if not trials:
                raise  # the plain conversion: without it there is no model
            impossible[candidate] = f"{candidate.title}: not possible: {error}"
            continue
        took_s = budget.now_s() - started_s
        watch(Step(trials[-1], len(trials), most, took_s, budget.left_s))
    notes += (
        *impossible.values(),
        *_shortages([trial.candidate for trial in trials], preparation),
    )
    return Search(tuple(trials), choose(trials), tuple(left_out), len(validation), notes)


def _tried(
    candidate: Candidate,
    preparation: Preparation,
    reference: NDArray[np.float64],
    validation: PictureSet,
    budget: Budget,
    work: Work,
) -> Trial:
    """Try a candidate and teach the budget what each part of its work took.

    Raises:
        ConversionError: the converter failed, or the method does not suit the model.
    """
    started_s = budget.now_s()
    calibrated = preparation.calibrated(candidate)
    prepared_s = budget.now_s()
    quantized = fine_model(calibrated)
    ready_s = budget.now_s()
    scores = true_scores(quantized, validation.images)
    found = fidelity(reference, scores, validation)
    budget.learn(
        work,
        prepared_s=prepared_s - started_s,
        quantized_s=ready_s - prepared_s,
        evaluated_s=budget.now_s() - ready_s,
    )
    return Trial(candidate, found)


def _obstacles(calibrated: bytes) -> tuple[str, ...]:
    """Why channels cannot be equalized in this model; nothing if they can."""
    try:
        found = pairs(calibrated)
    except ConversionError as error:
        return (f"nothing was equalized: {error}",)
    return () if found else ("nothing was equalized: no two layers have only ReLU between them",)


def _shortages(candidates: Iterable[Candidate], preparation: Preparation) -> tuple[str, ...]:
    """Where there are fewer calibration pictures than the names of candidates say."""
    found = {candidate.count: len(preparation.images(candidate)) for candidate in candidates}
    return tuple(
        f"{have} pictures stand for the {count} asked for: a class with fewer than its share gives "
        "all it has"
        for count, have in sorted(found.items())
        if have < count
    )


def _work(candidate: Candidate, preparation: Preparation, layers: int, evaluated: int) -> Work:
    method = candidate.method
    kinds = {None, method.equalize}
    unseen = sum(not preparation.is_observed(candidate, kind) for kind in kinds)
    return Work(
        observed=unseen * candidate.count,
        corrected=layers * candidate.count if method.bias_correction else 0,
        evaluated=evaluated,
        quantized=layers if method.bias_correction else 0,
    )


def _figures(trial: Trial) -> list[float]:
    found = trial.fidelity
    figures = (found.divergence, found.agreement, found.drop, found.cross_entropy)
    return [float(f"{figure:.{_DIGITS}g}") for figure in figures]
