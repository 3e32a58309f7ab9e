"""Equalization between the channels of an activation, without changing what the model computes.

A channel divided by s behind one layer and multiplied by s in front of the next changes nothing, as
what lies between (ReLU, pooling, reshaping) is positively homogeneous and keeps channels apart
(Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
arXiv:1906.04721, section 4.1). An activation has one scale for all channels, so a channel that is
much smaller than the largest gets few codes. Weights are quantized per output channel here: s in
the first layer costs nothing, s in the second changes the ranges of its weights.

What is made equal decides s, per channel:

- "activations": the peaks a of the activation, s = a.
- "weights": the ranges r1 of the first layer's output channel and r2 of the second layer's input
  channel, s = sqrt(r1 / r2); equation 11 of the paper, repeated over the layers until it settles.
- "both": the peaks a and the ranges r2, s = sqrt(a / r2); this is SmoothQuant with alpha = 0.5
  (Xiao et al. 2023, arXiv:2211.10438, equation 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.graph import Graph, Operation, read_graph
from convert.search.layers import (
    HOMOGENEOUS_ACTIVATIONS,
    Layer,
    read_layers,
    targets_of_neutral,
    write_layers,
)
from convert.search.method import Equalization

_MOST_ROUNDS = 50
_SETTLED = 1e-3  # relative change of every factor in a round


@dataclass(frozen=True, slots=True)
class Pair:
    """Two layers with nothing between them that tells channels apart, by their names."""

    first: str
    second: str


def pairs(flatbuffer: bytes) -> tuple[Pair, ...]:
    """Return the pairs of layers between which channels can be equalized.

    Raises:
        ConversionError: the model is no chain, so a channel may have several readers.
    """
    graph = read_graph(flatbuffer)
    layers = {layer.target: layer for layer in read_layers(flatbuffer)}
    neutral = targets_of_neutral(flatbuffer)
    found: list[Pair] = []
    last: Layer | None = None
    for operation in _chain(graph):
        layer = layers.get(operation.outputs[0])
        if layer is not None:
            if last is not None and _fits(last, layer):
                found.append(Pair(last.name, layer.name))
            last = layer if layer.activation in HOMOGENEOUS_ACTIVATIONS else None
        elif operation.outputs[0] not in neutral:
            last = None
    return tuple(found)


def equalize(
    calibrated: bytes, peaks: Mapping[str, NDArray[np.float64]], what: Equalization
) -> bytes:
    """Return the model with equalized channels; the ranges of its activations no longer hold.

    Factors are relative to their geometric mean. A channel that is always zero keeps its weights.

    Args:
        calibrated: from `convert.int8.conversion.convert_calibrated`.
        peaks: `convert.search.observation.Observation.peaks` of this model.
        what: what is made equal.

    Raises:
        ConversionError: the model is no chain, or has no two layers to equalize between.
    """
    found = pairs(calibrated)
    if not found:
        raise ConversionError("expected two layers with ReLU or pooling between them, got none")
    layers = {layer.name: layer for layer in read_layers(calibrated)}
    for _ in range(_MOST_ROUNDS if what == "weights" else 1):
        largest = 1.0
        for pair in found:
            factors = _factors(layers[pair.first], layers[pair.second], peaks[pair.first], what)
            layers[pair.first] = divided(layers[pair.first], factors)
            layers[pair.second] = multiplied(layers[pair.second], factors)
            largest = max(largest, float(np.maximum(factors, 1.0 / factors).max()))
        if largest < 1.0 + _SETTLED:
            break
    return write_layers(calibrated, layers)


def _chain(graph: Graph) -> tuple[Operation, ...]:
    computed = {graph.inputs[0]}
    for operation in graph.operations:
        sources = [number for number in operation.inputs if not graph.tensors[number].constant]
        if len(sources) != 1 or sources[0] not in computed:
            names = [graph.tensors[number].name for number in sources]
            raise ConversionError(
                "expected a chain of layers, each reading only the one before it, got "
                f"{operation.name} reading {', '.join(names)}: equalization does not go there"
            )
        computed = set(operation.outputs)
    return graph.operations


def _fits(first: Layer, second: Layer) -> bool:
    """Whether the second layer's inputs are the first's channels, once or once per position."""
    return int(second.weights.shape[-1]) % len(first.bias) == 0


def _factors(
    first: Layer, second: Layer, peaks: NDArray[np.float64], what: Equalization
) -> NDArray[np.float64]:
    """The factor s of every channel, float64 (channels,)."""
    before = np.abs(np.moveaxis(first.weights, first.output_axis, 0)).reshape(len(peaks), -1)
    after = np.abs(_by_channel(second, len(peaks)))
    outgoing, incoming = before.max(axis=1), after.max(axis=tuple(range(1, after.ndim)))
    wanted = {
        "activations": (peaks, np.ones_like(peaks)),
        "weights": (np.sqrt(outgoing), np.sqrt(incoming)),
        "both": (np.sqrt(peaks), np.sqrt(incoming)),
    }
    above, below = wanted[what]
    live = (peaks > 0.0) & (above > 0.0) & (below > 0.0)
    factors = np.ones_like(peaks)
    if live.any():
        ratio = above[live] / below[live]
        factors[live] = ratio / np.exp(np.log(ratio).mean())
    return factors


def _by_channel(layer: Layer, channels: int) -> NDArray[np.float64]:
    """Weights with the channel of the input as first axis."""
    outer = layer.weights.shape[:-1]
    if layer.kind == "DEPTHWISE_CONV_2D":  # output channel k * multiplier + m reads channel k
        return np.moveaxis(layer.weights.reshape(*outer, channels, -1), -2, 0)
    # Flattening puts channels last, so they repeat along a dense layer's inputs.
    return np.moveaxis(layer.weights.reshape(*outer, -1, channels), -1, 0)


def divided(layer: Layer, factors: NDArray[np.float64]) -> Layer:
    """Return a layer whose output channels are divided by factors, float64 (channels,)."""
    shape = [1] * layer.weights.ndim
    shape[layer.output_axis] = -1
    return replace(layer, weights=layer.weights / factors.reshape(shape), bias=layer.bias / factors)


def multiplied(layer: Layer, factors: NDArray[np.float64]) -> Layer:
    """Return a layer that multiplies its input channels by factors, float64 (channels,)."""
    times = layer.weights.shape[-1] // len(factors)
    spread = np.repeat if layer.kind == "DEPTHWISE_CONV_2D" else np.tile
    return replace(layer, weights=layer.weights * spread(factors, times))
