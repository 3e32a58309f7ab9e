"""The converter: quiet, and its own words when it fails."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import Tiny

from convert.errors import AuditError, ConversionError
from convert.int8.audit import audit, describe
from convert.int8.conversion import Io, convert_calibrated, convert_float, convert_int8
from convert.int8.freeze import freeze
from convert.int8.predict import predict
from convert.int8.ranges import read_ranges
from convert.quiet import quiet


def test_quiet_and_the_same_twice(tiny: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    frozen = freeze(tiny.model)
    pictures = tiny.pictures["train"].images[:20]
    models = [convert_int8(frozen, pictures) for _ in range(2)]
    assert models[0] == models[1]
    assert capfd.readouterr() == ("", "")
    audit(models[0], io="uint8")


@pytest.mark.parametrize(("io", "zero_point"), [("uint8", 0), ("int8", -128)])
def test_a_pixel_is_a_pixel_whatever_the_calibration_pictures_are(
    tiny: Tiny, io: Io, zero_point: int
) -> None:
    """Compiled on an evening's pictures, it still tells the brightest pixels apart."""
    dim = tiny.pictures["train"].images[:20] // 3
    found = audit(convert_int8(freeze(tiny.model), dim, io=io), io=io)
    assert (found.input.scales, found.input.zero_points) == ((1.0,), (zero_point,))


@pytest.mark.parametrize("std", [0.25, -0.25])
def test_scaled_pixels_keep_their_range(std: float) -> None:
    """With an offset the scale stays an operator, in front of a layer that pads with zeros."""
    with quiet():
        import keras

        inputs = keras.Input((16, 16, 3))
        x = keras.layers.Rescaling(1 / (255 * std), offset=-0.5 / std)(inputs)
        x = keras.layers.GlobalAveragePooling2D()(x)
        weights = [np.eye(3, dtype=np.float32) * std, np.zeros(3, dtype=np.float32)]
        outputs = keras.layers.Dense(3, activation="softmax")
        model = keras.Model(inputs, outputs(x))
        outputs.set_weights(weights)
        frozen = freeze(model)
    dark = np.random.default_rng(1).integers(5, 60, (8, 16, 16, 3), dtype=np.uint8)
    calibrated = convert_calibrated(frozen, dark)
    low, high = -0.5 / abs(std), 0.5 / abs(std)
    ends = [pytest.approx(ends) for ends in ((0, 255), (low, high))]
    found = list(read_ranges(calibrated).values())
    assert ends[0] in found
    assert ends[1] in found
    assert audit(convert_int8(frozen, dark), io="uint8").input.scales == (1.0,)


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
