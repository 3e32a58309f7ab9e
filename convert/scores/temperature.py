"""A temperature: one number by which all logits are divided, so that the scores come true.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML
2017 (arXiv:1706.04599), section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import DataError

LOWEST, HIGHEST = 0.05, 20.0
"""No temperature beyond these: it would come of pictures that tell nothing about scores."""


class NoTemperatureError(DataError):
    """The pictures say nothing about scores; answers may be right all the same."""


@dataclass(frozen=True, slots=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: logits are divided by it; above 1 it lowers the scores of the answers.
        standard_error: of `value`, from the curvature of the likelihood.
        count: pictures that it was fitted on.
        loss_before: mean negative log-likelihood with a temperature of 1, in nats.
        loss: the same with this one.
    """

    value: float
    standard_error: float
    count: int
    loss_before: float
    loss: float

    def to_json(self) -> dict[str, Any]:
        """For the manifest and the report, as JSON values."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "split": "validation",
            "count": self.count,
            "fitted_to": "logits of the float model",
            "negative_log_likelihood_before": self.loss_before,
            "negative_log_likelihood": self.loss,
        }


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Temperature:
    """Return the temperature with the lowest negative log-likelihood.

    In 1 / temperature the negative log-likelihood is convex, so the one minimum is found by
    bracketing.

    Args:
        logits: float64 (n, classes), n at least 1; a constant per picture does not matter.
        labels: int64 (n,), the true classes.

    Raises:
        NoTemperatureError: the pictures determine none: (nearly) all answers are right, or no
            better than guessed.
    """
    from scipy.optimize import minimize_scalar

    bounds = (math.log(1.0 / HIGHEST), math.log(1.0 / LOWEST))
    found = minimize_scalar(
        lambda x: loss(logits, labels, math.exp(-x)),
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-7},
    )
    value = math.exp(-float(found.x))
    # Where all answers are right, the likelihood grows down to a temperature of 0, but in floating
    # point it reaches its end before the bound, and the search stops anywhere there.
    others = logits.copy()
    others[np.arange(len(labels)), labels] = -math.inf
    separated = bool((logits.max(axis=1) > others.max(axis=1)).all())
    if (
        separated
        or not LOWEST * 1.01 < value < HIGHEST / 1.01
        or _standard_error(logits, value) > value
    ):
        raise NoTemperatureError(
            f"no temperature is fitted: the answers to the {len(labels)} validation pictures are "
            f"all but all right, or no better than guessed, and determine none between {LOWEST:g} "
            f"and {HIGHEST:g}; more pictures would"
        )
    # To the digits that the curvature supports, so that the last ones of another processor's
    # arithmetic change no byte of a model file.
    value = float(f"{value:.4g}")
    return Temperature(
        value,
        float(f"{_standard_error(logits, value):.2g}"),
        len(labels),
        float(f"{loss(logits, labels, 1.0):.6g}"),
        float(f"{loss(logits, labels, value):.6g}"),
    )


def loss(logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> float:
    """Mean negative log-likelihood of the true classes, in nats."""
    scaled = _scaled(logits, temperature)
    true = scaled[np.arange(len(labels)), labels]
    return float((np.log(np.exp(scaled).sum(axis=1)) - true).mean())


def _scaled(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    scaled = logits / temperature
    highest: NDArray[np.float64] = scaled.max(axis=1, keepdims=True)
    return scaled - highest  # no power overflows


def _standard_error(logits: NDArray[np.float64], temperature: float) -> float:
    """From the Fisher information of 1 / temperature: the mean variance of the logits."""
    powers = np.exp(_scaled(logits, temperature))
    scores = powers / powers.sum(axis=1, keepdims=True)
    means = (scores * logits).sum(axis=1, keepdims=True)
    information = float((scores * (logits - means) ** 2).sum())
    return temperature**2 / math.sqrt(information) if information > 0.0 else math.inf
