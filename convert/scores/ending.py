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
    return _is_softmax(_last_of(model))


def with_softmax(model: keras.Model) -> keras.Model:
    """Put a softmax behind a frozen model that ends in logits.

    Raises:
        FloatModelError: it ends in another activation.
    """
    import keras

    layer = _last_of(model)
    if _activation(layer) not in ("", "linear"):
        raise _refusal(model, "logits, to put a softmax behind them", layer)
    return keras.Model(model.inputs[0], keras.layers.Softmax(name="scores")(model.outputs[0]))


def without_softmax(model: keras.Model) -> keras.Model:
    """Take the softmax from the end of a frozen model: its answers become logits.

    Raises:
        FloatModelError: it does not end in a softmax of its own layer or of a dense layer.
    """

    def cut(layer: keras.Layer, source: Any) -> Any:
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
        model: a frozen model that ends in a dense layer, with a softmax or in logits.
        temperature: above 0.

    Raises:
        FloatModelError: it ends otherwise.
    """
    wanted = "a dense layer in front of the softmax, to take a temperature"

    def divide(layer: keras.Layer, source: Any) -> Any:
        if type(layer).__name__ != "Dense" or _activation(layer) != "linear":
            raise _refusal(model, wanted, layer)
        return _dense(layer, source, activation="linear", divisor=temperature)

    def fold(layer: keras.Layer, source: Any) -> Any:
        if not _is_softmax(layer):
            return divide(layer, source)
        if type(layer).__name__ == "Dense":
            return _dense(layer, source, activation="softmax", divisor=temperature)
        return type(layer).from_config(layer.get_config())(_with_end(source, divide))

    return _rebuilt(model, fold)


def _rebuilt(model: keras.Model, change: Callable[[keras.Layer, Any], Any]) -> keras.Model:
    """A frozen model whose end is another; see `_with_end`."""
    import keras

    return keras.Model(model.inputs[0], _with_end(model.outputs[0], change), name=model.name)


def _with_end(tensor: Any, change: Callable[[keras.Layer, Any], Any]) -> Any:
    """The tensor that stands for `tensor` once the layer that it comes from is another.

    A layer that is a model, as the one that `freeze` only wraps, is rebuilt around its own end.

    Args:
        tensor: of a Keras graph.
        change: gets the layer and the tensor that it is given; returns the new tensor.
    """
    import keras

    layer, source = _last(tensor)
    if not isinstance(layer, keras.Model):
        return change(layer, source)
    end = _with_end(layer.outputs[0], change)
    return keras.Model(layer.inputs[0], end, name=layer.name)(source)


def _last_of(model: keras.Model) -> keras.Layer:
    """The last layer that is no model, whatever models it lies in."""
    import keras

    layer = _last(model.outputs[0]).layer
    return _last_of(layer) if isinstance(layer, keras.Model) else layer


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
