"""A model's raw outputs as the scores that a device makes of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from convert.int8.audit import Activation
from convert.int8.graph import Tensor
from minivgg_edge.manifest import Dtype, OutputSpec
from minivgg_edge.scoring import Scorer
from minivgg_edge.tensors import TensorSpec


def device_scores(
    outputs: NDArray[Any], tensor: Tensor, activation: Activation, *, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Return the scores that `Classifier.scores` would return, by the same code.

    Args:
        outputs: (n, classes) of the tensor's dtype, as `convert.int8.predict` returns them.
        tensor: the graph's output.
        activation: what its values are.
        temperature: of the manifest; it has no effect on a softmax output.

    Returns:
        float32 (n, classes), each from 0 to 1.
    """
    scale = tensor.scales[0] if tensor.scales else None
    zero_point = tensor.zero_points[0] if tensor.zero_points else None
    spec = OutputSpec(
        classes=tensor.shape[1],
        dtype=cast(Dtype, tensor.dtype),
        scale=scale,
        zero_point=zero_point,
        activation=activation,
        temperature=temperature,
    )
    found = TensorSpec(tensor.shape, tensor.dtype, scale, zero_point)
    scorer = Scorer(found, spec, source=tensor.name)
    scores = np.empty(outputs.shape, dtype=np.float32)
    for row, raw in enumerate(outputs):
        scores[row] = scorer.scores(raw)
    return scores


def logits_of(outputs: NDArray[np.float32], activation: Activation) -> NDArray[np.float64]:
    """Return the logits of a float32 model; of a softmax, up to a constant for each picture.

    Softmax takes no notice of the constant, so neither does a temperature.

    Args:
        outputs: float32 (n, classes), scores or logits.
        activation: which of the two.
    """
    values = outputs.astype(np.float64)
    if activation == "logits":
        return values
    # A score of 0 is one that float32 cannot hold.
    return np.log(np.maximum(values, float(np.finfo(np.float32).tiny)))
