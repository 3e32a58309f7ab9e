"""How close a candidate's answers are to the float model's, on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.int8.audit import describe
from convert.int8.conversion import quantize
from convert.int8.graph import read_graph
from convert.int8.predict import predict

# Below this no score of either model means anything; keeps the logarithm finite.
_SMALLEST_SCORE = 1e-9


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A candidate beside the float model, picture by picture.

    Attributes:
        divergences: float64 (n,), Kullback-Leibler divergence of the candidate's scores from the
            float model's, in nats.
        cross_entropies: float64 (n,), minus the logarithm of the true class's score, in nats.
        answers: int64 (n,), the candidate's classes.
        reference: int64 (n,), the float model's classes.
        true: int64 (n,), the true classes.
    """

    divergences: NDArray[np.float64]
    cross_entropies: NDArray[np.float64]
    answers: NDArray[np.int64]
    reference: NDArray[np.int64]
    true: NDArray[np.int64]

    @property
    def divergence(self) -> float:
        """Mean divergence, in nats."""
        return float(self.divergences.mean())

    @property
    def cross_entropy(self) -> float:
        """Mean cross-entropy with the true classes, in nats."""
        return float(self.cross_entropies.mean())

    @property
    def agreement(self) -> float:
        """Share of pictures with the float model's class."""
        return float((self.answers == self.reference).mean())

    @property
    def accuracy(self) -> float:
        """Share of pictures with the true class."""
        return float((self.answers == self.true).mean())

    @property
    def drop(self) -> float:
        """Accuracy of the float model minus that of the candidate."""
        right = (self.reference == self.true).astype(int) - (self.answers == self.true).astype(int)
        return float(right.mean())


def true_scores(flatbuffer: bytes, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a model's scores, float64 (n, classes), rows that sum to 1.

    Args:
        flatbuffer: a classifier with a float32 output, scores or logits.
        images: uint8 (n, height, width, 3), RGB, 0-255.
    """
    outputs = predict(flatbuffer, images).astype(np.float64)
    if describe(flatbuffer).activation == "softmax":
        return outputs
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    scores: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scores


def fine_scores(calibrated: bytes, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the scores of the int8 model before they are rounded to 1/256.

    Args:
        calibrated: what `convert.int8.conversion.quantize` takes.
        images: uint8 (n, height, width, 3), RGB, 0-255.
    """
    return true_scores(fine_model(calibrated), images)


def fine_model(calibrated: bytes) -> bytes:
    """Quantize all but the softmax at the end.

    It stays in float32: its rounding to 1/256 is the same for all candidates, and would hide what
    tells them apart.

    Args:
        calibrated: what `convert.int8.conversion.quantize` takes.
    """
    graph = read_graph(calibrated)
    last = [
        graph.tensors[operation.outputs[0]].name
        for operation in graph.operations
        if operation.name == "SOFTMAX" and operation.outputs[0] in graph.outputs
    ]
    return quantize(calibrated, io=None, float_operators=last)


def fidelity(
    reference: NDArray[np.float64], scores: NDArray[np.float64], pictures: PictureSet
) -> Fidelity:
    """Compare scores with the float model's, both float64 (n, classes)."""
    expected = np.maximum(reference, _SMALLEST_SCORE)
    got = np.maximum(scores, _SMALLEST_SCORE)
    rows = np.arange(len(pictures))
    return Fidelity(
        (expected * np.log(expected / got)).sum(axis=1),
        -np.log(got[rows, pictures.labels]),
        scores.argmax(axis=1).astype(np.int64),
        reference.argmax(axis=1).astype(np.int64),
        pictures.labels,
    )
