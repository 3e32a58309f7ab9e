"""The learning rate of each step: linear warm-up, then half a cosine to zero."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WarmupCosine:
    """Cosine schedule (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).

    Attributes:
        peak: learning rate at the end of the warm-up.
        warmup_steps: steps over which it rises linearly.
        total_steps: steps after which it is zero.
    """

    peak: float
    warmup_steps: int
    total_steps: int

    def __post_init__(self) -> None:
        if not self.peak > 0.0:
            raise ValueError(f"expected a positive learning rate, got {self.peak}")
        if not 0 <= self.warmup_steps < self.total_steps:
            raise ValueError(
                f"expected fewer warm-up steps than steps, got {self.warmup_steps} "
                f"of {self.total_steps}"
            )

    def at(self, step: int) -> float:
        """Learning rate of step `step`, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return self.peak * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
