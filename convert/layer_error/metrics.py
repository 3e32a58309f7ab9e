"""How far values are from what they should be, added up picture by picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# Stands for "no error": float32 itself carries about 150 dB.
MOST_DB = 200.0
# Below this no score means anything; keeps the logarithm finite.
_SMALLEST_SCORE = 1e-9


class ErrorSums:
    """Sums over all values of a tensor, of which the figures are made.

    Args of the methods are x, the float model's values, and y, those of the other model.
    """

    def __init__(self) -> None:
        self._count = 0
        self._pictures = 0
        self._signal = self._target = self._noise = self._product = self._error = 0.0
        self._channel_errors: NDArray[np.float64] = np.zeros(0)

    def add(self, reference: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        """Add one picture's values, float32 of one shape whose last axis numbers the channels."""
        x, y = reference.astype(np.float64), target.astype(np.float64)
        error = y - x
        by_channel = error.reshape(-1, error.shape[-1])
        if not self._pictures:
            self._channel_errors = np.zeros(by_channel.shape[1])
        self._pictures += 1
        self._count += x.size
        self._channel_errors += by_channel.sum(axis=0)
        self._signal += float(np.vdot(x, x))
        self._target += float(np.vdot(y, y))
        self._noise += float(np.vdot(error, error))
        self._product += float(np.vdot(x, y))
        self._error += float(error.sum())

    @property
    def sqnr_db(self) -> float:
        """Signal to quantization noise ratio, 10 log10(sum x^2 / sum (y - x)^2), in dB.

        Lin et al. 2016, "Fixed Point Quantization of Deep Convolutional Networks"
        (arXiv:1511.06393), equation 5. At most `MOST_DB` in either direction.
        """
        return decibels(self._signal, self._noise)

    @property
    def cosine(self) -> float:
        """Cosine similarity, sum x y / sqrt(sum x^2 sum y^2); 1 if both are zero.

        Wu et al. 2020, "EasyQuant" (arXiv:2006.16669), section 3.
        """
        if self._signal == 0.0 or self._target == 0.0:
            return 1.0 if self._signal == self._target else 0.0
        return min(self._product / math.sqrt(self._signal * self._target), 1.0)

    @property
    def mean_error(self) -> float:
        """Mean of y - x, in the unit of the tensor."""
        return self._error / self._count

    @property
    def shift_share(self) -> float:
        """Share of the error's energy that is a constant per channel: what a bias can take back.

        With the mean error m_c of channel c over n values each, sum_c n m_c^2 / sum (y - x)^2
        (Nagel et al. 2019, arXiv:1906.04721, section 3.2, shows such shifts). 0 without an error.
        """
        if self._noise == 0.0:
            return 0.0
        per_channel = self._count / len(self._channel_errors)
        return float((self._channel_errors**2).sum()) / per_channel / self._noise


def decibels(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise) of two energies, within plus and minus `MOST_DB`."""
    if noise == 0.0:
        return MOST_DB
    if signal == 0.0:
        return -MOST_DB
    return max(-MOST_DB, min(MOST_DB, 10.0 * math.log10(signal / noise)))


def scores_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Softmax along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return scores


def divergence(reference: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Mean Kullback-Leibler divergence of scores from the reference's, in nats.

    sum_i p_i ln(p_i / q_i) per picture; both float64 (n, classes) with rows that sum to 1.
    """
    p, q = np.maximum(reference, _SMALLEST_SCORE), np.maximum(target, _SMALLEST_SCORE)
    return float((p * np.log(p / q)).sum(axis=1).mean())
