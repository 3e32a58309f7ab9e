"""The model that a run keeps: it holds the averaged weights, in the plain form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.errors import TrainingError
from convert.training.network import (
    Branches,
    Precision,
    Weights,
    assign,
    build_plain,
    build_trained,
    plain_weights,
)

if TYPE_CHECKING:
    import keras

# Of a score. In float32 each layer rounds to 6e-8 of its sums; a branch that is fused wrongly
# moves scores by whole percents.
FUSION_TOLERANCE = 1e-4
# A first convolution's result in float32: 32 channels make 66 MB of them.
_PIXELS_AT_ONCE = 500 * 32 * 32


class KeptModel:
    """Takes up weights of the model that is trained, and answers.

    Attributes:
        trained: the model that steps train.
        plain: the model that is judged and saved.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        branches: Branches,
        precision: Precision,
        any_size: bool = False,
    ) -> None:
        """Build both from what `build_minivgg` returned, see `build_trained` and `build_plain`.

        Raises:
            TrainingError: the model cannot have branches, or takes one size only.
        """
        self._template, self._branches = model, branches
        self.trained = build_trained(
            model, branches=branches, precision=precision, any_size=any_size
        )
        self.plain = build_plain(model, branches=branches)

    def take(self, values: Weights) -> None:
        """Let `plain` answer as `trained` would with these weights."""
        assign(self.plain, plain_weights(self.trained, self.plain, values))

    def fusion_difference(self, values: Weights, images: NDArray[np.uint8]) -> float:
        """Compare the answers of `plain` with those of the model with branches, both in float32.

        Args:
            values: weights of `trained`.
            images: uint8 (n, height, width, 3).

        Returns:
            The largest difference of a score.

        Raises:
            TrainingError: it is more than rounding.
        """
        self.take(values)
        branched = build_trained(self._template, branches=self._branches)
        assign(branched, values)
        difference = predict(self.plain, images) - predict(branched, images)
        largest = float(np.abs(difference).max())
        if not largest <= FUSION_TOLERANCE:
            raise TrainingError(
                "expected the fused model to answer as the one with branches but for "
                f"{FUSION_TOLERANCE}, got scores that differ by {largest}"
            )
        return largest


def predict(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scores of `images` (uint8 (n, height, width, 3)) as float32 (n, classes)."""
    batch_size = answered_at_once(*images.shape[1:3])
    parts = [
        np.asarray(model(images[start : start + batch_size].astype(np.float32), training=False))
        for start in range(0, len(images), batch_size)
    ]
    return np.concatenate(parts)


def answered_at_once(height: int, width: int) -> int:
    """How many pictures of a size fit into as many pixels as 500 of CIFAR-10 have."""
    return max(1, _PIXELS_AT_ONCE // (height * width))


def cross_entropy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean of -ln(score of the true class); scores below 1e-7 count as 1e-7, Keras's bound."""
    chosen = scores[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-7)).mean())
