"""The float model's own answers, as Keras gives them: what the deployed graph is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.audit import Activation, describe
from convert.int8.predict import predict
from convert.quiet import quiet
from convert.scores.answers import device_scores, logits_of
from convert.scores.ending import ends_in_softmax

if TYPE_CHECKING:
    import keras

    from convert.scores.finish import Finished

# As many as tell a graph of another function; the gate's comparison has all of them.
CHECKED_PICTURES = 32
# Of scores from 0 to 1. The two graphs add in another order, which is worth 1e-5; layers that
# compute in half precision, which the deployed graph does not, are worth a hundred times that.
_ROUNDING, _HALF_ROUNDING = 0.01, 0.1
# Of a softmax in half precision, how far the sum may be from 1.
_SUM_ROUNDING = 0.01


def check_float_answers(
    model: keras.Model,
    flatbuffer: bytes,
    finished: Finished,
    images: NDArray[np.uint8],
    *,
    scale: float | None = None,
    offset: float = 0.0,
) -> None:
    """Check that the deployed graph, in float, computes what the model computes.

    The gate cannot see it: both sides of its comparison are made from the deployed graph.

    Args:
        model: the model as it was loaded.
        flatbuffer: float32, converted from `finished.model`.
        finished: what was made of the model.
        images: uint8 (n, height, width, 3), RGB, 0-255; the first `CHECKED_PICTURES` are used.
        scale: for a model that expects scaled pixels: it is fed `pixel * scale + offset`.
        offset: see `scale`.

    Raises:
        ConversionError: scores differ by more than rounding, or the float model's are not finite.
    """
    images = images[:CHECKED_PICTURES]
    if not len(images):
        return  # the comparison refuses a set without pictures, in its own words
    pixels = images.astype(np.float32)
    if scale is not None:
        pixels = pixels * np.float32(scale) + np.float32(offset)
    found = describe(flatbuffer)
    end: Activation = "softmax" if ends_in_softmax(model) else "logits"
    if end == finished.output:
        end = found.activation  # nothing was put at its end or taken away, so both are the same
    answers = _answers(model, pixels)
    if end == "logits" and _are_scores(answers):
        raise ConversionError(
            f"{model.name}: expected logits, since it does not end in a softmax, got answers from "
            "0 to 1 whose sum is 1: a device would take the softmax of these scores; end the model "
            'in a layer with activation="softmax", or in the logits before that'
        )
    logits = logits_of(answers, end) / finished.fitted_temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    got = device_scores(
        predict(flatbuffer, images),
        found.output,
        found.activation,
        temperature=finished.device_temperature,
    )
    apart = float(np.abs(expected - got).max())
    allowed = _ROUNDING if _is_float32(model) else _HALF_ROUNDING
    if not apart <= allowed:  # also where Keras answers with NaN
        raise ConversionError(
            f"{model.name}: expected the deployed graph to give, in float, the scores that Keras "
            f"gives, within {allowed:g}, got scores that are up to {apart:.2g} off on "
            f"{len(images)} pictures: a layer means something else there"
        )


def _are_scores(answers: NDArray[np.float32]) -> bool:
    sums = answers.sum(axis=1, dtype=np.float64)
    return bool((answers >= 0.0).all() and (np.abs(sums - 1.0) <= _SUM_ROUNDING).all())


def _answers(model: keras.Model, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (n, classes), in batches that the model takes."""
    size = model.inputs[0].shape[0] or len(pixels)
    batches = (pixels[start : start + size] for start in range(0, len(pixels), size))
    with quiet():  # Keras warns where its input was named in a list
        rows = [np.asarray(model(batch, training=False), dtype=np.float32) for batch in batches]
    return np.concatenate(rows)


def _is_float32(model: keras.Model) -> bool:
    # Nested models have a layer of their own for each of theirs.
    return all(layer.compute_dtype == "float32" for layer in model._flatten_layers())
