"""What a run tells while it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `record` is filled at the end of each epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    record: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gave.

    Attributes:
        loss: mean over the batch.
        hits: pictures whose likeliest class is that of their target.
        count: pictures in the batch.
        waited_s: seconds that it waited for a lock before.
    """

    loss: float
    hits: int
    count: int
    waited_s: float
