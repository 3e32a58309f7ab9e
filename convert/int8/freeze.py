"""The deployed graph: batch 1, raw pixels in, nothing left that only training needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import FloatModelError
from convert.int8.float_model import check_float_model, picture_size

if TYPE_CHECKING:
    import keras

INPUT_NAME = "pixels"
# A chain of only these layers is folded; any other graph goes to the converter as it is.
_CHAIN_LAYERS = frozenset(
    {
        "Activation",
        "BatchNormalization",
        "Conv2D",
        "Dense",
        "Dropout",
        "Flatten",
        "GlobalAveragePooling2D",
        "MaxPooling2D",
        "ReLU",
        "Rescaling",
        "Softmax",
    }
)


def freeze(model: keras.Model, *, scale: float | None = None, offset: float = 0.0) -> keras.Model:
    """Return the graph that is deployed; its answers are those of `model` in inference.

    A chain of the layers that `build_minivgg` uses is rebuilt: dropout goes, a scale without an
    offset goes into the next convolution's weights (with an offset, zero padding would no longer
    stand for the same pixel), batch normalization of channels behind a linear convolution or dense
    layer goes into its weights and bias, in float64. One behind a ReLU, or of another axis, stays.
    Any other graph is only given a batch of 1; the converter does its own folding.

    Args:
        model: one that `check_float_model` accepts.
        scale: for a model that expects scaled pixels: it is fed `pixel * scale + offset`.
        offset: see `scale`.

    Returns:
        A model from float32 (1, height, width, 3), RGB, 0-255, named `pixels`, to (1, classes).

    Raises:
        FloatModelError: the model has no fixed picture size, or rescales pixels itself and
            `scale` is given.
    """
    import keras

    check_float_model(model, source=model.name)
    front: list[keras.Layer] = []
    if scale is not None:
        for layer in model._flatten_layers():  # also those of models within
            if type(layer).__name__ in ("Rescaling", "Normalization"):
                raise FloatModelError(
                    f"{model.name}: layer {layer.name!r} rescales pixels already: "
                    f"expected no scale beside it, got {scale}"
                )
        front = [keras.layers.Rescaling(scale, offset=offset, name="pixel_scale")]
    shape = (1, *picture_size(model), 3)
    x = pixels = keras.Input(batch_shape=shape, dtype="float32", name=INPUT_NAME)
    chain = layer_chain(model)
    for layer, weights in [] if chain is None else _folded([*front, *chain]):
        x = layer(x)
        layer.set_weights(weights)
    if chain is None:
        for layer in (*front, model):
            x = layer(x)
    return keras.Model(pixels, x, name="deployed")


def layer_chain(model: keras.Model) -> list[keras.Layer] | None:
    """The layers of `model` from input to output, or None if it is no simple chain.

    Simple: every layer is one of those that `build_minivgg` uses, is used once, and takes the
    result of the one before.
    """
    import keras

    chain: list[keras.Layer] = []
    tensor = model.outputs[0]
    while tensor is not model.inputs[0]:
        history = tensor._keras_history
        layer = history.operation
        sources = layer._inbound_nodes[history.node_index].input_tensors
        # An operation such as `keras.ops.softmax` has the name of a layer.
        known = isinstance(layer, keras.Layer) and type(layer).__name__ in _CHAIN_LAYERS
        if not known or len(sources) != 1 or layer in chain:
            return None
        chain.insert(0, layer)
        tensor = sources[0]
    return chain


def _folded(chain: list[keras.Layer]) -> list[tuple[keras.Layer, list[NDArray[np.float32]]]]:
    """New layers, with their weights, that compute what `chain` computes in inference."""
    result: list[tuple[keras.Layer, list[NDArray[np.float32]]]] = []
    position, scale = 0, 1.0
    while position < len(chain):
        layer = chain[position]
        behind = chain[position + 1] if position + 1 < len(chain) else None
        position += 1
        kind = type(layer).__name__
        if kind == "Dropout":
            continue
        if kind == "Rescaling" and _is_pure_scale(layer) and type(behind).__name__ == "Conv2D":
            scale *= float(layer.scale)
            continue
        if kind in ("Conv2D", "Dense"):
            normalization = None
            if _is_linear(layer) and _normalizes_channels(behind, layer):
                normalization, position = behind, position + 1
            kernel, bias = _fold_weights(layer, normalization, scale)
            scale = 1.0
            result.append((_copy(layer, use_bias=True), [kernel, bias]))
            continue
        result.append((_copy(layer), [np.asarray(w) for w in layer.get_weights()]))
    return result


def _fold_weights(
    layer: keras.Layer, normalization: keras.Layer | None, scale: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel (…, out) and bias (out,) of `layer` on inputs times `scale`, then normalized."""
    weights = [np.asarray(w, dtype=np.float64) for w in layer.get_weights()]
    kernel = weights[0] * scale
    bias = weights[1] if layer.use_bias else np.zeros(kernel.shape[-1])
    if normalization is not None:
        variance = np.asarray(normalization.moving_variance, dtype=np.float64)
        factor = 1.0 / np.sqrt(variance + normalization.epsilon)
        if normalization.gamma is not None:
            factor = factor * np.asarray(normalization.gamma, dtype=np.float64)
        bias = (bias - np.asarray(normalization.moving_mean, dtype=np.float64)) * factor
        if normalization.beta is not None:
            bias = bias + np.asarray(normalization.beta, dtype=np.float64)
        # The last axis of a convolution's and of a dense layer's kernel is its output.
        kernel = kernel * factor
    return kernel.astype(np.float32), bias.astype(np.float32)


def _copy(layer: keras.Layer, **changes: Any) -> keras.Layer:
    """A new layer with the settings of `layer`, in float32 whatever it was trained in."""
    return type(layer).from_config({**layer.get_config(), "dtype": "float32", **changes})


def _is_pure_scale(layer: keras.Layer) -> bool:
    scale, offset = layer.scale, layer.offset
    return bool(np.isscalar(scale) and np.isscalar(offset) and offset == 0.0)


def _normalizes_channels(layer: keras.Layer | None, source: keras.Layer) -> bool:
    """Whether it is a batch normalization of the channels that `source` puts out, last.

    One of another axis, of rows for example, has as many factors as there are rows; where these
    are as many as the channels, they would fit the kernel and mean something else.
    """
    if layer is None or type(layer).__name__ != "BatchNormalization":
        return False
    channels_last = getattr(source, "data_format", "channels_last") == "channels_last"
    return channels_last and layer.axis in (-1, layer.input_spec.ndim - 1)


def _is_linear(layer: keras.Layer) -> bool:
    return getattr(layer.activation, "__name__", "") == "linear"
