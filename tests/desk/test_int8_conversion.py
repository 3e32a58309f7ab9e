"""The converter: quiet, and its own words when it fails."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import Tiny

from convert.errors import AuditError, ConversionError
from convert.int8.audit import audit, describe
from convert.int8.conversion import convert_float, convert_int8
from convert.int8.freeze import freeze
from convert.int8.predict import predict
from convert.quiet import quiet


def test_quiet_and_the_same_twice(tiny: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    frozen = freeze(tiny.model)
    pictures = tiny.pictures["train"].images[:20]
    models = [convert_int8(frozen, pictures) for _ in range(2)]
    assert models[0] == models[1]
    assert capfd.readouterr() == ("", "")
    audit(models[0], io="uint8")


def test_dim_calibration_gives_a_smaller_input_step(tiny: Tiny) -> None:
    """The range of the input is what the calibration pictures have; the model says so."""
    dim = tiny.pictures["train"].images[:20] // 2
    found = audit(convert_int8(freeze(tiny.model), dim), io="uint8")
    assert found.input.scales[0] == pytest.approx(127 / 255)


def test_the_float_model_is_the_keras_model(tiny: Tiny) -> None:
    flatbuffer = convert_float(freeze(tiny.model))
    pictures = tiny.pictures["test"].images
    expected = np.asarray(tiny.model(pictures.astype(np.float32)))
    np.testing.assert_allclose(predict(flatbuffer, pictures), expected, atol=1e-5)
    assert describe(flatbuffer).output.dtype == "float32"


def test_an_operator_that_only_knows_floats_is_found_by_the_audit(
    gray_noise: NDArray[np.uint8],
) -> None:
    """The converter puts it between DEQUANTIZE and QUANTIZE without a word."""
    with quiet():
        import keras

        inputs = keras.Input((16, 16, 3))
        x = keras.layers.Flatten()(keras.ops.cumsum(inputs, axis=1))
        frozen = freeze(keras.Model(inputs, keras.layers.Dense(2)(x)))
    with pytest.raises(AuditError, match=r"CUMSUM: tensor .* expected int8 or int32, got float32"):
        audit(convert_int8(frozen, gray_noise), io="uint8")


def test_an_operator_that_tflite_does_not_have(gray_noise: NDArray[np.uint8]) -> None:
    with quiet():
        import keras

        inputs = keras.Input((16, 16, 3))
        x = keras.layers.GlobalAveragePooling2D()(keras.ops.erfinv(inputs / 300.0))
        frozen = freeze(keras.Model(inputs, keras.layers.Dense(2)(x)))
    with pytest.raises(ConversionError, match=r"(?is)the converter failed: .*erfinv"):
        convert_int8(frozen, gray_noise)


def test_a_model_that_answers_nan(gray_noise: NDArray[np.uint8]) -> None:
    with quiet():
        import keras

        inputs = keras.Input((16, 16, 3))
        dense = keras.layers.Dense(2)
        model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
        dense.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
        flatbuffer = convert_float(freeze(model))
    with pytest.raises(ConversionError, match=r"expected finite outputs .* got NaN"):
        predict(flatbuffer, gray_noise)
