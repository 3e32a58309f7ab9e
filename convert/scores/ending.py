"""The end of the deployed graph: a temperature in its last dense layer, softmax or logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convert.errors import FloatModelError

if TYPE_CHECKING:
    import keras


class _Step(NamedTuple):
    """A layer and the tensor that it is given."""

    layer: keras.Layer
    source: Any


def ends_in_softmax(model: keras.Model) -> bool:
    """Whether a model's answers are scores that sum to 1.

    Args:
        model: what `freeze` returns.
    """
    import keras

    layer = _last(model.outputs[0]).layer
    return ends_in_softmax(layer) if isinstance(layer, keras.Model) else _is_softmax(layer)


def with_softmax(model: keras.Model) -> keras.Model:
    """Put a softmax behind a frozen model that ends in logits.

    Raises:
        FloatModelError: it ends in another activation.
    """
    import keras

    layer = _last(_core(model).outputs[0]).layer
    if _activation(layer) not in ("", "linear"):
        raise _refusal(model, "logits, to put a softmax behind them", layer)
    return keras.Model(model.inputs[0], keras.layers.Softmax(name="scores")(model.outputs[0]))


def without_softmax(model: keras.Model) -> keras.Model:
    """Take the softmax from the end of a frozen model: its answers become logits.

    Raises:
        FloatModelError: it does not end in a softmax of its own layer or of a dense layer.
    """

    def cut(core: keras.Model) -> Any:
        layer, source = _last(core.outputs[0])
        if type(layer).__name__ in ("Softmax", "Activation"):
            return source
        if type(layer).__name__ == "Dense":
            return _dense(layer, source, activation="linear", divisor=1.0)
        raise _refusal(model, "a softmax that can be taken away", layer)

    return _rebuilt(model, cut)


def fold_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Divide the logits by a temperature, in the weights and biases of the last dense layer.

    The answers stay, the scores change; every tool that runs the graph gets the new ones.

    Args:
        model: a frozen model that ends in a dense layer with a softmax.
        temperature: above 0.

    Raises:
        FloatModelError: it ends otherwise.
    """
    wanted = "a dense layer in front of the softmax, to take a temperature"

    def fold(core: keras.Model) -> Any:
        layer, source = _last(core.outputs[0])
        if type(layer).__name__ == "Dense" and _is_softmax(layer):
            return _dense(layer, source, activation="softmax", divisor=temperature)
        if not _is_softmax(layer):
            raise _refusal(model, wanted, layer)
        dense, features = _last(source)
        if type(dense).__name__ != "Dense" or _activation(dense) != "linear":
            raise _refusal(model, wanted, dense)
        logits = _dense(dense, features, activation="linear", divisor=temperature)
        return type(layer).from_config(layer.get_config())(logits)

    return _rebuilt(model, fold)


def _rebuilt(model: keras.Model, change: Callable[[keras.Model], Any]) -> keras.Model:
    """A frozen model whose last layers are others; `change` returns the new output."""
    import keras

    core = _core(model)
    changed = keras.Model(core.inputs[0], change(core), name=core.name)
    if core is model:
        return changed
    pixels = keras.Input(batch_shape=model.inputs[0].shape, dtype="float32", name=_name(model))
    x = pixels
    for layer in model.layers[1:]:
        x = (changed if layer is core else layer)(x)
    return keras.Model(pixels, x, name=model.name)


def _name(model: keras.Model) -> str:
    return str(model.inputs[0].name)


def _core(model: keras.Model) -> keras.Model:
    """The model itself or, where `freeze` only wrapped it, the one that it wraps."""
    import keras

    last = model.layers[-1]
    return last if isinstance(last, keras.Model) else model


def _last(tensor: Any) -> _Step:
    """The layer that a tensor comes from, with what the layer was given."""
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return _Step(history.operation, node.input_tensors[0] if node.input_tensors else None)


def _dense(layer: keras.Layer, source: Any, *, activation: str, divisor: float) -> Any:
    """The output of a new dense layer with divided weights, computed in float64."""
    config = {**layer.get_config(), "activation": activation}
    made = type(layer).from_config(config)
    output = made(source)
    weights = [np.asarray(w, dtype=np.float64) / divisor for w in layer.get_weights()]
    made.set_weights([w.astype(np.float32) for w in weights])
    return output


def _is_softmax(layer: keras.Layer) -> bool:
    return type(layer).__name__ == "Softmax" or _activation(layer) == "softmax"


def _activation(layer: keras.Layer) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _refusal(model: keras.Model, wanted: str, layer: keras.Layer) -> FloatModelError:
    return FloatModelError(
        f"{model.name}: expected {wanted}, got {type(layer).__name__} {layer.name!r}"
    )
