"""The float model with channels scaled as those of an equalized int8 model.

Equalization divides each output channel of a layer by a factor and multiplies what the next layer
makes of it (`convert.search.equalization`), so the int8 model's activations are not those of the
float model. The factors need not be known: weights are quantized by output channel over the range
from minus to plus their largest, whose code stands for exactly that, so the largest weight of a
channel in the float model, divided by that in the int8 model, is the factor to the last bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.search.equalization import divided, multiplied, pairs
from convert.search.layers import Layer, read_layers, write_layers


def equalized_like(reference: bytes, target: bytes) -> bytes:
    """Return a float model that answers as before, with the channels of the int8 model.

    Whether the int8 model was made of these weights shows when the two are compared:
    `convert.layer_error.rounding.read_roundings`.

    Args:
        reference: the float32 flatbuffer.
        target: the int8 flatbuffer that was made of it and equalized.

    Raises:
        ConversionError: the two do not have the same layers, or they are no chain.
    """
    layers = read_layers(reference)
    quantized = read_layers(target)
    kinds, got = ([(x.kind, x.weights.shape) for x in found] for found in (layers, quantized))
    if kinds != got:
        raise ConversionError(f"expected the layers {kinds} in the int8 model, got {got}")
    # By place: the graph's last operator loses its name when it is quantized.
    theirs = {ours.name: layer for ours, layer in zip(layers, quantized, strict=True)}
    ours = {layer.name: layer for layer in layers}
    # From the input on: what is in front of a layer is its own by the time its channels are read.
    for pair in pairs(reference):
        before, after = _peaks(ours[pair.first]), _peaks(theirs[pair.first])
        factors = np.ones_like(before)
        np.divide(before, after, out=factors, where=(before > 0.0) & (after > 0.0))
        ours[pair.first] = divided(ours[pair.first], factors)
        ours[pair.second] = multiplied(ours[pair.second], factors)
    return write_layers(reference, ours)


def _peaks(layer: Layer) -> NDArray[np.float64]:
    """The largest absolute weight of each output channel, float64 (channels,)."""
    by_channel = np.moveaxis(np.abs(layer.weights), layer.output_axis, 0)
    peaks: NDArray[np.float64] = by_channel.reshape(len(by_channel), -1).max(axis=1)
    return peaks
