"""The error of every operator as the int8 model runs: that of all before it is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.int8.running import run_tensors
from convert.layer_error.codes import NARROW_STEPS, CodeUse
from convert.layer_error.matching import Matching
from convert.layer_error.metrics import ErrorSums, decibels
from convert.layer_error.rounding import Constant, Rounding
from minivgg_edge.quantization import dequantize


@dataclass(frozen=True, slots=True)
class WeightError:
    """What rounding does to a convolution's or dense layer's weights.

    Attributes:
        largest: largest difference, in the weights' unit.
        worst_channel_db: lowest signal to noise ratio of an output channel's weights.
        zeroed: share of the weights other than zero that became zero.
        narrow_noise: share of the noise that rounded weights put on the output, as far as it comes
            from input channels whose weights all lie within 8 of the 127 steps of their output
            channel; see `_narrow_noise`.
    """

    largest: float
    worst_channel_db: float
    zeroed: float
    narrow_noise: float


@dataclass(frozen=True, slots=True)
class Accumulated:
    """One operator of the int8 model against the float model.

    Attributes:
        scale: of its output.
        zero_point: of its output.
        low: lowest value of the float model.
        high: highest value of the float model.
        sqnr_db: see `ErrorSums`, as are the following two.
        cosine: 1 is the best.
        mean_error: in the tensor's unit.
        saturated_low: share of the values; see `CodeUse`, as are the following.
        saturated_high: share of the values.
        range_used: share of the range.
        typical_range: share of the range.
        narrow_channels: share of the channels.
        dead_channels: share of the channels.
        weights: None where there are none.
        histogram: counts of the float model's values; its bins are those of `CodeUse`.
    """

    scale: float
    zero_point: int
    low: float
    high: float
    sqnr_db: float
    cosine: float
    mean_error: float
    saturated_low: float
    saturated_high: float
    range_used: float
    typical_range: float
    narrow_channels: float
    dead_channels: float
    weights: WeightError | None
    histogram: tuple[int, ...]

    @property
    def range(self) -> tuple[float, float]:
        """The values of the lowest and the highest code."""
        return CodeUse(self.scale, self.zero_point, 1).range


def measure(
    reference: bytes,
    target: bytes,
    matching: Matching,
    roundings: Sequence[Rounding],
    images: NDArray[np.uint8],
) -> tuple[Accumulated, ...]:
    """Run both models and compare every matched operator, one picture at a time.

    Args:
        reference: the float32 model.
        target: the int8 model.
        matching: of the two.
        roundings: of the matched operators.
        images: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
    """
    matches = matching.matches
    sums = [ErrorSums() for _ in matches]
    uses: list[CodeUse] = []
    ours = run_tensors(reference, [match.reference for match in matches], images)
    theirs = run_tensors(target, [match.target for match in matches], images)
    for values, codes in zip(ours, theirs, strict=True):
        if not uses:
            uses = [
                CodeUse(rounding.scale, rounding.zero_point, values[match.reference].shape[-1])
                for match, rounding in zip(matches, roundings, strict=True)
            ]
        for match, total, use in zip(matches, sums, uses, strict=True):
            true, got = values[match.reference], codes[match.target]
            total.add(true, dequantize(got, use.scale, use.zero_point))
            use.add(true, got)
    energies = {match.reference: use.energies for match, use in zip(matches, uses, strict=True)}
    return tuple(
        _accumulated(total, use, _weight_error(rounding, energies))
        for total, use, rounding in zip(sums, uses, roundings, strict=True)
    )


def _accumulated(sums: ErrorSums, use: CodeUse, weights: WeightError | None) -> Accumulated:
    saturated = use.saturated
    return Accumulated(
        scale=use.scale,
        zero_point=use.zero_point,
        low=float(use.low),
        high=float(use.high),
        sqnr_db=sums.sqnr_db,
        cosine=sums.cosine,
        mean_error=sums.mean_error,
        saturated_low=saturated[0],
        saturated_high=saturated[1],
        range_used=use.range_used,
        typical_range=use.typical_range,
        narrow_channels=use.narrow_channels,
        dead_channels=use.dead_channels,
        weights=weights,
        histogram=tuple(int(count) for count in use.histogram),
    )


def _weight_error(
    rounding: Rounding, energies: Mapping[int, NDArray[np.float64]]
) -> WeightError | None:
    weights, axis = rounding.weights, rounding.channel_axis
    if weights is None or axis is None:
        return None
    error = weights.rounded - weights.true
    others = tuple(number for number in range(error.ndim) if number != axis)
    signals, noises = (weights.true**2).sum(axis=others), (error**2).sum(axis=others)
    ratios = [decibels(float(s), float(n)) for s, n in zip(signals, noises, strict=True)]
    nonzero = weights.true != 0.0
    zeroed = float((weights.rounded[nonzero] == 0.0).mean()) if nonzero.any() else 0.0
    return WeightError(
        float(np.abs(error).max()),
        min(ratios),
        zeroed,
        _narrow_noise(weights, None if rounding.source is None else energies.get(rounding.source)),
    )


def _narrow_noise(weights: Constant, energies: NDArray[np.float64] | None) -> float:
    """Share of the noise of rounded weights that comes from narrow input channels.

    With inputs that do not depend on each other, channel i puts E_i sum (w' - w)^2 on the output,
    E_i being the energy of the channel and the sum that over its weights. 0 where the weights' last
    axis does not number the input's channels, as in a depthwise convolution.
    """
    if energies is None or len(energies) != weights.true.shape[-1]:
        return 0.0

    def by_input(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values.reshape(-1, values.shape[-1])

    peaks = by_input(np.abs(weights.true) / weights.scales).max(axis=0)
    noises = energies * (by_input(weights.rounded - weights.true) ** 2).sum(axis=0)
    total = float(noises.sum())
    return float(noises[peaks < NARROW_STEPS / 2].sum()) / total if total > 0.0 else 0.0
