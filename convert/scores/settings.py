"""What a compilation is asked to do for the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_ACCEPT_ACCURACY = 0.95
"""What the report shows a threshold for where none was asked for."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What is wanted of the scores.

    Attributes:
        output: how the graph ends; None leaves it as the float model ends.
        fit_temperature: whether to make the scores come true.
        accept_accuracy: the manifest gets a threshold above which so large a share of the answers
            is right; None stores none.
    """

    output: Literal["softmax", "logits"] | None = None
    fit_temperature: bool = False
    accept_accuracy: float | None = None


AS_IT_IS = ScoreSettings()
