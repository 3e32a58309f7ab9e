"""The order in which candidates are tried: each step starts from the best of the steps before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from convert.search.method import EQUALIZATIONS, Candidate, Method
from convert.search.selection import Trial

PERCENTILES = (99.9, 99.99, 99.999)
COUNTS = (50, 100, 200, 500, 1000, 2000)
SEEDS = (0, 1, 2)

_RULES = (*(Method("percentile", p) for p in PERCENTILES), Method("mse"))
_RULES_AFTER = (Method("percentile", max(PERCENTILES)), Method("mse"))


def plan(
    first: Candidate, trials: Sequence[Trial], *, available: int, equalizable: bool
) -> Iterator[Candidate]:
    """Yield candidates: rules of range, equalizations, bias correction, numbers of pictures, seeds.

    Args:
        first: the plain conversion, tried first.
        trials: grows while this iterates; the best so far decides what is tried next.
        available: number of pictures to choose calibration pictures from.
        equalizable: whether channels can be equalized in this model.
    """
    yield first
    for method in _RULES:
        yield replace(first, method=method)
    rule = _best(trials).method
    for equalize in EQUALIZATIONS if equalizable else ():
        yield replace(first, method=replace(first.method, equalize=equalize))
    # What clips well before channels are equal may not do so afterwards: the rules start again.
    equalized = [trial for trial in trials if trial.candidate.method.equalize is not None]
    for best in _bests(equalized):
        for method in _RULES_AFTER:
            yield replace(first, method=replace(method, equalize=best.method.equalize))
    equalized = [trial for trial in trials if trial.candidate.method.equalize is not None]
    for best in (first, replace(first, method=rule), *_bests(equalized), *_bests(trials)):
        yield replace(best, method=replace(best.method, bias_correction=True))
    best_of_first = _best(trials)
    for count in COUNTS:
        if count <= available:
            yield replace(best_of_first, count=count)
    best_of_count = _best(trials)
    for seed in SEEDS:
        if best_of_count.count < available:  # else every draw is all of them
            yield replace(best_of_count, seed=seed)


def most_trials(*, available: int, equalizable: bool) -> int:
    """Return a bound of how many different candidates `plan` yields."""
    counts = sum(count <= available for count in COUNTS)
    equalized = (len(EQUALIZATIONS) + len(_RULES_AFTER)) * equalizable
    return 1 + len(_RULES) + equalized + 4 + counts + len(SEEDS)


def _bests(trials: Sequence[Trial]) -> list[Candidate]:
    return [_best(trials)] if trials else []


def _best(trials: Sequence[Trial]) -> Candidate:
    return min(trials, key=lambda trial: trial.fidelity.divergence).candidate
