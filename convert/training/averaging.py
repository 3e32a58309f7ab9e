"""Exponential moving average of weights and normalization statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

    from convert.training.network import Weights


def averaging_decay(step: int, decay: float) -> float:
    """Decay of step `step` (from 0): small at first, so that the random start is soon forgotten.

    min(decay, (1 + step) / (10 + step)), the rule of TensorFlow's ExponentialMovingAverage.
    """
    return min(decay, (1.0 + step) / (10.0 + step))


class WeightAverage:
    """Running average of a model's weights, including the moving statistics of normalization.

    Evaluating the average needs a model that holds its `values`.
    """

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self._paths = [weight.path for weight in model.weights]
        self._sources = [weight.value for weight in model.weights]
        self.variables = [tf.Variable(source, trainable=False) for source in self._sources]

    def update(self, decay: object) -> None:
        """Move the average towards the weights: average += (1 - decay) * (weight - average).

        Args:
            decay: float32 scalar tensor, so that the traced step is reused.
        """
        import tensorflow as tf

        share = 1.0 - tf.cast(decay, tf.float32)
        for average, source in zip(self.variables, self._sources, strict=True):
            average.assign_add(share * (source - average))

    def values(self) -> dict[str, NDArray[np.float32]]:
        """The averages by the path of their variable, such as "conv1_1/kernel"."""
        pairs = zip(self._paths, self.variables, strict=True)
        return {path: average.numpy() for path, average in pairs}


def between(first: Weights, second: Weights, share: float) -> Weights:
    """Return the weights a share of the way from `first` to `second`, by the same paths.

    first + share * (second - first), the weight-space ensemble of Wortsman et al. 2022
    (arXiv:2109.01903): of one model before and behind a last part of its training, which lie in one
    valley of the loss.
    """
    return {path: first[path] + np.float32(share) * (second[path] - first[path]) for path in second}
