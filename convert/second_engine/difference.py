"""Two quantized graphs of one model side by side: what differs by more than rounding.

Two engines that divide the same ranges into the same steps may still round a value that lies in the
middle to different sides. Anything more is a fault of one of them, and shows where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.second_engine.layers import Layer

# Scales are float32 of 24 bits: a few operations in another order move some of the last.
SCALE_TOLERANCE = 1e-5
# A value in the middle of two codes goes to either; few lie there.
CODE_TOLERANCE = 1
MOVED_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """One layer in both graphs.

    Attributes:
        number: of the layer in the graph, from 1.
        operator: its name.
        output_scale: largest relative difference of the output's scale.
        zero_point: difference of the output's zero point, in codes.
        weight_scale: largest relative difference of a weight scale; 0 without weights.
        weight_codes: largest difference of a weight, in codes.
        moved_weights: share of the weights with another code.
        bias_codes: largest difference of a bias, in codes.
    """

    number: int
    operator: str
    output_scale: float
    zero_point: int
    weight_scale: float
    weight_codes: int
    moved_weights: float
    bias_codes: int

    @property
    def rounded(self) -> bool:
        """Whether anything differs at all."""
        return any(
            (
                self.output_scale,
                self.zero_point,
                self.weight_scale,
                self.weight_codes,
                self.bias_codes,
            )
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What differs by more than rounding, one phrase each."""
        found = (
            (self.output_scale > SCALE_TOLERANCE, f"output scale by {self.output_scale:.2g}"),
            (self.zero_point != 0, f"zero point by {self.zero_point}"),
            (self.weight_scale > SCALE_TOLERANCE, f"weight scale by {self.weight_scale:.2g}"),
            (self.weight_codes > CODE_TOLERANCE, f"a weight by {self.weight_codes} codes"),
            (self.moved_weights > MOVED_TOLERANCE, f"{self.moved_weights:.2%} of the weights"),
            (self.bias_codes > CODE_TOLERANCE, f"a bias by {self.bias_codes} codes"),
        )
        return tuple(text for differs, text in found if differs)


def layer_differences(
    first: Sequence[Layer], second: Sequence[Layer]
) -> tuple[LayerDifference, ...]:
    """Compare layer by layer.

    Raises:
        ConversionError: the graphs do not have the same operators with the same weights' shapes.
    """
    operators = [[layer.operator for layer in layers] for layers in (first, second)]
    if operators[0] != operators[1]:
        raise ConversionError(f"expected the operators {operators[0]}, got {operators[1]}")
    return tuple(
        _difference(number, a, b)
        for number, (a, b) in enumerate(zip(first, second, strict=True), start=1)
    )


def _difference(number: int, first: Layer, second: Layer) -> LayerDifference:
    for role in ("weight_scales", "weights", "bias"):
        shapes = [getattr(layer, role).shape for layer in (first, second)]
        if shapes[0] != shapes[1]:
            raise ConversionError(
                f"layer {number}, {first.operator}: {role}: expected {shapes[0]}, got {shapes[1]}"
            )
    codes = _steps(first.weights, second.weights)
    return LayerDifference(
        number,
        first.operator,
        abs(second.output_scale / first.output_scale - 1.0),
        second.output_zero_point - first.output_zero_point,
        float(np.abs(second.weight_scales / first.weight_scales - 1.0).max(initial=0.0)),
        int(codes.max(initial=0)),
        float((codes != 0).mean()) if codes.size else 0.0,
        int(_steps(first.bias, second.bias).max(initial=0)),
    )


def _steps(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    return np.abs(first.astype(np.int64) - second)
