"""Knowledge distillation: the targets of a teacher and the loss that follows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

Views = Literal["live", "repeated", "cached"]
VIEWS: tuple[Views, ...] = ("live", "repeated", "cached")
Sees = Literal["same", "clear"]
SEES: tuple[Sees, ...] = ("same", "clear")

# A score of zero has no logarithm; float32 holds this one, and softened it is nothing as well.
LEAST_SCORE = 1e-30


@dataclass(frozen=True, slots=True)
class Distillation:
    """How a run follows a teacher.

    Attributes:
        teacher_sha256: of the teacher's file (hex).
        weight: share of the teacher in the loss, the labels have the rest.
        temperature: T by which the logits of both are divided.
        views: "live": the teacher answers each batch, cropped and mixed as for the student (the
            consistent teacher of Beyer et al. 2022, arXiv:2106.05237); "repeated": the same, but
            the batches repeat after `rounds` epochs and are answered once; "cached": it has
            answered each picture and its mirror image once.
        rounds: epochs before the batches repeat, of repeated views.
        sees: "clear": live and repeated views are without the blur and the change of light that
            the student sees, who so learns that neither matters (the clean teacher of a noised
            student, Xie et al. 2020, arXiv:1911.04252); "same": they are as the student's.
    """

    teacher_sha256: str
    weight: float = 0.5
    temperature: float = 4.0
    views: Views = "live"
    rounds: int = 16
    sees: Sees = "same"

    def __post_init__(self) -> None:
        if not 0.0 < self.weight <= 1.0:
            raise ValueError(f"expected a teacher weight in 0..1 (0 excluded), got {self.weight}")
        if not 0.0 < self.temperature < math.inf:
            raise ValueError(f"expected a positive temperature, got {self.temperature}")
        if self.views not in VIEWS:
            raise ValueError(f"expected teacher views of {', '.join(VIEWS)}, got {self.views!r}")
        if self.sees not in SEES:
            raise ValueError(f"expected a teacher that sees {' or '.join(SEES)}, got {self.sees!r}")
        if self.views == "cached" and self.sees == "clear":
            raise ValueError("cached views know of no blur and no light: they are the same")
        if self.rounds < 1:
            raise ValueError(f"expected at least 1 round of a teacher, got {self.rounds}")


@dataclass(frozen=True, slots=True)
class CachedAnswers:
    """A teacher's answers to the training pictures.

    Attributes:
        log_scores: float32 (n, 2, classes), logarithms of the scores of each picture and of its
            mirror image; may be mapped from a file.
        temperature: by which they are divided.
    """

    log_scores: NDArray[np.float32]
    temperature: float

    def softened(
        self, chosen: NDArray[np.int64], mirrored: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the distributions, float32 (n, classes), for pictures that may be mirrored."""
        return softened_logits(self.log_scores[chosen, mirrored.astype(np.intp)], self.temperature)


def softened_logits(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return softmax(logits / T) of float32 (n, classes)."""
    divided = logits / np.float32(temperature)
    exponentials = np.exp(divided - divided.max(axis=1, keepdims=True))
    found: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return found


def softened(scores: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return softmax(logits / T), from the scores softmax(logits).

    The logarithms of the scores are the logits but for a constant, which softmax ignores.
    """
    import tensorflow as tf

    return tf.nn.softmax(tf.math.log(tf.maximum(scores, LEAST_SCORE)) / temperature)


def distillation_loss(
    logits: tf.Tensor,
    teacher: tf.Tensor,
    temperature: float,
    *,
    sample_weight: tf.Tensor | None = None,
) -> tf.Tensor:
    """Compute T² KL(teacher || softmax(logits / T)), the mean over the batch.

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531), section 2: the gradients of softened targets
    shrink by 1/T², the factor keeps their share whatever T is. The entropy of the teacher, which
    the divergence has beside the paper's cross-entropy, does not depend on the student.

    Args:
        logits: float32 (n, classes), of the student.
        teacher: float32 (n, classes), softened by the same temperature.
        temperature: T.
        sample_weight: float32 (n,), of each picture; None: 1.
    """
    import tensorflow as tf

    student = tf.nn.log_softmax(logits / temperature)
    divergence = tf.reduce_sum(tf.math.xlogy(teacher, teacher) - teacher * student, axis=1)
    if sample_weight is not None:
        divergence *= sample_weight
    return temperature**2 * tf.reduce_mean(divergence)
