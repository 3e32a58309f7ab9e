"""Bias correction: quantized weights shift a layer's mean output, its bias can take that back.

Nagel et al. 2019 (arXiv:1906.04721, section 4.2 and appendix D, the empirical variant): layer by
layer from the input on, the mean error of each output channel on calibration pictures, before the
activation function, is subtracted from the bias. The mean of a convolution's output depends on its
input by the mean alone, so the mean input of every position is all that has to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.conversion import quantize
from convert.int8.running import run_values
from convert.search.layers import Layer, read_layers, write_layers


def correct_bias(
    calibrated: bytes, means: Mapping[str, NDArray[np.float64]], images: NDArray[np.uint8]
) -> bytes:
    """Return the model with biases that make up for the errors of quantization.

    Args:
        calibrated: from `convert.int8.conversion.convert_calibrated`, with its final ranges and
            weights.
        means: `convert.search.observation.Observation.means` of the same weights and pictures.
        images: uint8 (n, height, width, 3), RGB, 0-255.

    Raises:
        ConversionError: the converter failed.
    """
    count = len(read_layers(calibrated))
    for position in range(count):
        quantized = quantize(calibrated, io=None)
        layers = read_layers(quantized)
        if len(layers) != count:
            raise ConversionError(f"expected {count} layers after quantization, got {len(layers)}")
        true, got = read_layers(calibrated)[position], layers[position]
        total = np.zeros(means[true.name].shape)
        for values in run_values(quantized, [got.source], images):
            total += values[got.source]
        error = mean_output(got, total / len(images)) - mean_output(true, means[true.name])
        calibrated = write_layers(calibrated, {true.name: replace(true, bias=true.bias - error)})
    return calibrated


def mean_output(layer: Layer, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a layer's output over positions, before the activation function.

    Args:
        layer: in real numbers.
        mean: the mean input, float64; (1, height, width, in) of a convolution; of a dense layer
            (1, in), or (1, ..., in) where it stands at every position of a map.

    Returns:
        float64 (out,).

    Raises:
        ConversionError: the channels of input and weights do not fit together.
    """
    channels = layer.weights.shape[-1]
    if layer.kind == "FULLY_CONNECTED":
        # As many rows as positions; what lies flattened below all weights is one.
        product: NDArray[np.float64] = layer.weights @ mean.reshape(-1, channels).mean(axis=0)
        return product + layer.bias
    patch = mean_patch(layer, mean)
    if layer.kind == "DEPTHWISE_CONV_2D":
        # Output channel k * multiplier + m reads input channel k.
        repeated = np.repeat(patch, channels // patch.shape[2], axis=2)
        weighted: NDArray[np.float64] = (layer.weights[0] * repeated).sum(axis=(0, 1))
        return weighted + layer.bias
    # A grouped convolution's outputs are in the order of its groups, as its inputs are.
    groups = patch.shape[2] // channels
    if groups * channels != patch.shape[2] or len(layer.bias) % groups:
        raise ConversionError(
            f"{layer.name}: expected weights for all of its input's {patch.shape[2]} channels or "
            f"for even groups of them, got {len(layer.bias)} outputs of {channels}"
        )
    parts = zip(np.split(layer.weights, groups), np.split(patch, groups, axis=2), strict=True)
    return np.concatenate([np.tensordot(own, below, axes=3) for own, below in parts]) + layer.bias


def mean_patch(layer: Layer, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over all positions of what lies below a convolution's kernel.

    Returns:
        float64 (kernel height, kernel width, in).
    """
    kernel = layer.weights.shape[1:3]
    sides = mean.shape[1:3]
    padding, counts = [(0, 0)], []
    for size, taps, stride, dilation in zip(
        sides, kernel, layer.strides, layer.dilations, strict=True
    ):
        reach = (taps - 1) * dilation + 1
        count = -(-size // stride) if layer.same_padding else (size - reach) // stride + 1
        missing = max((count - 1) * stride + reach - size, 0) if layer.same_padding else 0
        # TFLite puts the odd one behind.
        padding.append((missing // 2, missing - missing // 2))
        counts.append(count)
    padded = np.pad(mean, [*padding, (0, 0)])[0]
    patch = np.empty((*kernel, mean.shape[3]))
    for row, column in np.ndindex(*kernel):
        starts = (row * layer.dilations[0], column * layer.dilations[1])
        rows, columns = (
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(starts, counts, layer.strides, strict=True)
        )
        patch[row, column] = padded[rows, columns].mean(axis=(0, 1))
    return patch
