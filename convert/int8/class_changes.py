"""Which classes quantization changes, and which changes are more than accident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.int8.paired import holm_adjusted, mcnemar_p

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class ClassChange:
    """What quantization does to the pictures of one class.

    Attributes:
        label: of the class.
        count: number of pictures.
        losses: pictures that only the float model gets right.
        gains: pictures that only the compiled model gets right.
        p_value: exact McNemar test of "no difference", alone.
        adjusted_p_value: the same, Holm's correction made for all classes.
    """

    label: str
    count: int
    losses: int
    gains: int
    p_value: float
    adjusted_p_value: float

    @property
    def drop(self) -> float | None:
        """Accuracy of the float model minus that of the compiled one; None without pictures."""
        return (self.losses - self.gains) / self.count if self.count else None

    @property
    def is_real(self) -> bool:
        """Whether the class changed by more than accident, at 5 % for all classes together."""
        return self.adjusted_p_value < SIGNIFICANCE


def class_changes(
    labels: Sequence[str],
    true: NDArray[np.int64],
    reference: NDArray[np.int64],
    target: NDArray[np.int64],
) -> tuple[ClassChange, ...]:
    """Return what became of each class's own pictures, in the order of the labels.

    Args:
        labels: of the classes.
        true: int64 (n,), class indices.
        reference: int64 (n,), the float model's answers.
        target: int64 (n,), the compiled model's answers.
    """
    lost = (reference == true) & (target != true)
    gained = (reference != true) & (target == true)
    counts, losses, gains = (
        np.bincount(classes, minlength=len(labels)).tolist()
        for classes in (true, true[lost], true[gained])
    )
    p_values = [mcnemar_p(a, b) for a, b in zip(losses, gains, strict=True)]
    columns = (labels, counts, losses, gains, p_values, holm_adjusted(p_values))
    return tuple(ClassChange(*row) for row in zip(*columns, strict=True))
