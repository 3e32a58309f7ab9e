"""The deployed network as plain arrays: what the graphs of other engines are written from.

Weights stand in the layout of engines that keep channels first; `read_chain` permutes the dense
layer behind the flattening accordingly, since Keras flattens rows, columns, channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import FloatModelError
from convert.int8.float_model import picture_size
from convert.int8.freeze import freeze, layer_chain

if TYPE_CHECKING:
    import keras

POOL = 2


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """Stride 1, zero padding that keeps the size, then a ReLU if `relu`.

    Attributes:
        name: of the Keras layer.
        kernel: float32 (out, in, rows, columns), rows and columns odd.
        bias: float32 (out,).
        relu: whether a ReLU follows.
    """

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    relu: bool


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A dense layer on the flattened channels, rows, columns, then a ReLU if `relu`.

    Attributes:
        name: of the Keras layer.
        kernel: float32 (out, in).
        bias: float32 (out,).
        relu: whether a ReLU follows.
    """

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    relu: bool


@dataclass(frozen=True, slots=True)
class MaxPooling:
    """2x2 windows, stride 2, an odd last row or column is dropped."""

    name: str


@dataclass(frozen=True, slots=True)
class GlobalAveragePooling:
    """The mean of each channel."""

    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A classifier: layers in order, a softmax behind the last.

    Attributes:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        classes: number of scores.
        layers: from the pixels (0-255, not scaled) to the logits.
    """

    height: int
    width: int
    classes: int
    layers: tuple[Convolution | Dense | MaxPooling | GlobalAveragePooling, ...]


def read_chain(model: keras.Model) -> Chain:
    """Freeze a float model and read its layers.

    Args:
        model: one that `convert.int8.freeze.freeze` folds completely, as `build_minivgg`'s are.

    Raises:
        FloatModelError: another layer, or another setting of one, than this module describes.
    """
    frozen = layer_chain(freeze(model))
    if frozen is None or type(frozen[-1]).__name__ != "Softmax":
        raise FloatModelError(f"{model.name}: expected a chain of layers that ends in a softmax")
    layers: list[Any] = []
    for layer, behind in pairwise(frozen):
        kind, relu = type(layer).__name__, type(behind).__name__ == "ReLU"
        if kind == "Conv2D":
            layers.append(_convolution(layer, relu))
        elif kind == "Dense":
            layers.append(_dense(layer, relu))
        elif kind == "MaxPooling2D" and layer.pool_size == layer.strides == (POOL, POOL):
            layers.append(MaxPooling(layer.name))
        elif kind == "GlobalAveragePooling2D":
            layers.append(GlobalAveragePooling(layer.name))
        elif kind not in ("Flatten", "ReLU") or (kind == "ReLU" and not _is_taken(layers)):
            raise FloatModelError(f"{model.name}: layer {layer.name!r}: cannot translate a {kind}")
    height, width = picture_size(model)
    return Chain(height, width, int(model.outputs[0].shape[1]), tuple(layers))


def input_ranges(model: keras.Model, pictures: NDArray[np.uint8]) -> dict[str, float]:
    """Measure the largest absolute value that each weighted layer's input takes.

    Args:
        model: a float model that `read_chain` reads.
        pictures: uint8 (n, height, width, 3), RGB, 0-255, of the calibration.

    Returns:
        By layer name, for convolutions and dense layers of the deployed network.
    """
    import keras

    frozen = freeze(model)
    weighted = [layer for layer in frozen.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    inputs = keras.Model(frozen.inputs, [layer.input for layer in weighted])
    largest = np.zeros(len(weighted))
    for picture in pictures:  # the deployed network takes one at a time
        values = inputs([picture[np.newaxis].astype(np.float32)])
        largest = np.maximum(largest, [float(np.abs(value).max()) for value in values])
    return {layer.name: float(top) for layer, top in zip(weighted, largest, strict=True)}


def _is_taken(layers: list[Any]) -> bool:
    return bool(layers) and getattr(layers[-1], "relu", False)


def _convolution(layer: keras.Layer, relu: bool) -> Convolution:
    kernel, bias = (np.asarray(w, dtype=np.float32) for w in layer.get_weights())
    plain = layer.padding == "same" and layer.strides == layer.dilation_rate == (1, 1)
    if not plain or kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0 or layer.groups != 1:
        raise FloatModelError(f"layer {layer.name!r}: expected an odd kernel, stride 1, no groups")
    _check_linear(layer)
    return Convolution(layer.name, np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias, relu)


def _dense(layer: keras.Layer, relu: bool) -> Dense:
    kernel, bias = (np.asarray(w, dtype=np.float32) for w in layer.get_weights())
    _check_linear(layer)
    source = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
    if type(source).__name__ == "Flatten":
        rows, columns, channels = source.input.shape[1:]
        order = np.arange(rows * columns * channels).reshape(rows, columns, channels)
        kernel = kernel[order.transpose(2, 0, 1).ravel()]
    return Dense(layer.name, np.ascontiguousarray(kernel.T), bias, relu)


def _check_linear(layer: keras.Layer) -> None:
    if getattr(layer.activation, "__name__", "") != "linear":
        raise FloatModelError(f"layer {layer.name!r}: expected its activation as a layer behind it")
