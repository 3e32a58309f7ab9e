"""How finely a quantized output can tell scores apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from convert.int8.audit import Activation, Audit


@dataclass(frozen=True, slots=True)
class Resolution:
    """The steps of an output.

    Attributes:
        activation: what its values are.
        step: between two neighbouring values; of logits, after the temperature. None for float32.
    """

    activation: Activation
    step: float | None

    @property
    def largest_score_step(self) -> float | None:
        """By how much one step can change a score at most, 0-1; None for float32.

        A score p = 1 / (1 + exp(-x)) changes by p * (1 - p) for each unit of the logit x: most at
        p = 1/2, where half a step to either side makes tanh(step / 4).
        """
        if self.step is None:
            return None
        return self.step if self.activation == "softmax" else math.tanh(self.step / 4)

    @property
    def sentence(self) -> str:
        """For people."""
        if self.step is None:
            return "scores are float32 numbers, not rounded"
        if self.activation == "softmax":
            return (
                f"scores have steps of {self.step:.5f} everywhere, on top of those of the logits "
                "that they are made of; of two classes with the same score the first is answered"
            )
        return (
            f"logits have steps of {self.step:.4f}: one changes the odds of two classes by "
            f"{100 * math.expm1(self.step):.1f} %, which is {self.largest_score_step:.5f} for a "
            "score of one half, and ever less towards 0 and 1"
        )

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "activation": self.activation,
            "step": self.step,
            "largest_score_step": self.largest_score_step,
        }


def resolution(audit: Audit, *, temperature: float = 1.0) -> Resolution:
    """Return the resolution of a compiled model's scores.

    Args:
        audit: of its flatbuffer.
        temperature: by which the device divides logits.
    """
    scales = audit.output.scales
    if not scales:
        return Resolution(audit.activation, None)
    divisor = temperature if audit.activation == "logits" else 1.0
    return Resolution(audit.activation, scales[0] / divisor)
