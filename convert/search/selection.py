"""Which of the tried candidates is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convert.int8.paired import mcnemar_p
from convert.search.fidelity import Fidelity
from convert.search.method import Candidate

RULE = (
    "the simplest of those whose mean divergence from the float model's scores on validation "
    "pictures is within two standard errors of the lowest; none that is significantly less "
    "accurate than the first"
)

_STANDARD_ERRORS = 2.0
_SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what it came to on the validation pictures."""

    candidate: Candidate
    fidelity: Fidelity


def choose(trials: Sequence[Trial]) -> int:
    """Return the position of the trial that `RULE` takes.

    The divergence of all scores moves with every change of the model, where accuracy only counts
    the few pictures whose answer flips: it tells candidates apart that accuracy cannot. It knows
    nothing of the true classes, so accuracy stands guard. Trials on the same pictures are compared
    picture by picture. Of equally simple ones the first is taken.

    Args:
        trials: at least one, all on the same pictures; the first is the plain conversion.
    """
    allowed = [i for i, trial in enumerate(trials) if not _is_worse(trial, trials[0])]
    best = min(allowed, key=lambda i: trials[i].fidelity.divergence)
    close = [i for i in allowed if _is_close(trials[i].fidelity, trials[best].fidelity)]
    first = trials[0].candidate

    def effort(position: int) -> tuple[int, bool, int]:
        candidate = trials[position].candidate
        other_pictures = (candidate.count, candidate.seed) != (first.count, first.seed)
        return candidate.method.parts, other_pictures, position

    return min(close, key=effort)


def _is_close(fidelity: Fidelity, best: Fidelity) -> bool:
    differences = fidelity.divergences - best.divergences
    if len(differences) == 1:
        return bool(differences[0] <= 0.0)
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return bool(differences.mean() <= _STANDARD_ERRORS * error)


def _is_worse(trial: Trial, first: Trial) -> bool:
    right = trial.fidelity.answers == trial.fidelity.true
    first_right = first.fidelity.answers == first.fidelity.true
    losses, gains = int((first_right & ~right).sum()), int((right & ~first_right).sum())
    return losses > gains and mcnemar_p(losses, gains) < _SIGNIFICANCE
