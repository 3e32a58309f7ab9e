"""The deployed graph is held against the answers of the model itself, before any gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import TINY_SIDE, Tiny

from convert.errors import ConversionError
from convert.int8 import compile_model as compilation
from convert.int8.compilation import Pictures, Settings
from convert.int8.conversion import convert_float
from convert.int8.float_answers import check_float_answers
from convert.int8.freeze import freeze
from convert.int8.packing import Identity
from convert.quiet import quiet
from convert.scores.finish import Finished, finish
from convert.scores.settings import AS_IT_IS, ScoreSettings

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def images(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["validation"].images


@pytest.mark.parametrize("output", [None, "softmax", "logits"])
@pytest.mark.parametrize("fit", [False, True])
def test_every_end_is_the_model_s(tiny: Tiny, output: Any, fit: bool) -> None:
    validation = tiny.pictures["validation"]
    settings = ScoreSettings(output=output, fit_temperature=fit)
    finished = finish(freeze(tiny.model), validation, settings, say=lambda text: None)
    assert (finished.fitted_temperature != 1.0) == fit
    flatbuffer = convert_float(finished.model)

    check_float_answers(tiny.model, flatbuffer, finished, validation.images)
    with pytest.raises(ConversionError, match="expected the deployed graph to give, in float"):
        check_float_answers(
            tiny.model, flatbuffer, finished, validation.images, scale=1.0, offset=30.0
        )


def _scaled(batch: int | None = None, dtype: str = "float32") -> keras.Model:
    with quiet():
        import keras

        keras.utils.set_random_seed(3)
        pixels = keras.Input(batch_shape=(batch, TINY_SIDE, TINY_SIDE, 3))
        x = keras.layers.Conv2D(8, 3, activation="relu", dtype=dtype)(pixels)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(x), name="scaled")


@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_pixels_are_scaled_as_the_options_say(
    batch: int | None, dtype: str, images: NDArray[np.uint8]
) -> None:
    model = _scaled(batch, dtype)
    finished = Finished(freeze(model, scale=1 / 64, offset=-2.0), "softmax")
    flatbuffer = convert_float(finished.model)
    check_float_answers(model, flatbuffer, finished, images, scale=1 / 64, offset=-2.0)
    with pytest.raises(ConversionError, match="scaled: expected the deployed graph"):
        check_float_answers(model, flatbuffer, finished, images)


def test_a_softmax_that_is_not_last_is_one_all_the_same(tiny: Tiny) -> None:
    with quiet():
        import keras

        scaled = _scaled()
        model = keras.Model(scaled.inputs, keras.layers.Reshape((3,))(scaled.outputs[0]))
        validation = tiny.pictures["validation"]
        finished = finish(freeze(model), validation, AS_IT_IS, say=lambda text: None)
    check_float_answers(model, convert_float(finished.model), finished, validation.images)


def test_scores_without_a_softmax_at_the_end_are_not_taken_for_logits(tiny: Tiny) -> None:
    """The mean of two models' scores: a device would take the softmax of these."""
    with quiet():
        import keras

        scaled = _scaled()
        mean = keras.layers.Average()([scaled.outputs[0], scaled.outputs[0]])
        model = keras.Model(scaled.inputs, mean)
        validation = tiny.pictures["validation"]
        finished = finish(freeze(model), validation, AS_IT_IS, say=lambda text: None)
        flatbuffer = convert_float(finished.model)
    with pytest.raises(ConversionError, match=r"expected logits, since .* whose sum is 1"):
        check_float_answers(model, flatbuffer, finished, validation.images)


def test_a_graph_of_another_function_is_not_compiled(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides of the gate are made of it: without the check it would pass."""

    def wrong(model: keras.Model, **options: Any) -> keras.Model:
        frozen = freeze(model, **options)
        kernel, bias = frozen.layers[1].get_weights()
        frozen.layers[1].set_weights([kernel, bias + np.arange(len(bias))])
        return frozen

    monkeypatch.setattr(compilation, "freeze", wrong)
    train, validation = tiny.pictures["train"], tiny.pictures["validation"]
    with pytest.raises(ConversionError, match=r"are up to .* off on 32 pictures: a layer means"):
        compilation.compile_model(
            tiny.model,
            Pictures("tiny", train, validation, None),
            Identity("tiny", train.class_names, "none", {}),
            Settings(calibration_count=20, max_drop=1.0),
            say=lambda text: None,
        )
