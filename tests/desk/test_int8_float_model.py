"""Float models: loaded safely or refused by name."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny

from convert.errors import FloatModelError
from convert.int8.float_model import check_float_model, load_float_model, picture_size
from convert.quiet import quiet


def test_loads_the_same_model(tiny: Tiny) -> None:
    loaded = load_float_model(tiny.path)
    assert picture_size(loaded) == (16, 16)
    pictures = tiny.pictures["test"].images[:5].astype(np.float32)
    np.testing.assert_array_equal(np.asarray(loaded(pictures)), np.asarray(tiny.model(pictures)))


def test_a_folder_or_another_format(tmp_path: Path) -> None:
    for name in ("model.h5", "model.tflite", "model"):
        path = tmp_path / name
        path.write_bytes(b"anything")
        with pytest.raises(FloatModelError, match=r"model\S*: expected a \.keras file, got"):
            load_float_model(path)
    with pytest.raises(FloatModelError, match="got a folder"):
        load_float_model(tmp_path)


def test_missing_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with pytest.raises(FloatModelError, match=r"model\.keras: expected a \.keras file, got no"):
        load_float_model(path)
    path.touch()
    with pytest.raises(FloatModelError, match="got an empty file"):
        load_float_model(path)


def test_truncated_anywhere(tiny: Tiny, tmp_path: Path) -> None:
    data = tiny.path.read_bytes()
    path = tmp_path / "model.keras"
    for length in np.linspace(1, len(data) - 1, 10, dtype=int):
        path.write_bytes(data[:length])
        with pytest.raises(FloatModelError, match=r"model\.keras: "):
            load_float_model(path)


def test_a_damaged_entry_is_found_by_its_checksum(tiny: Tiny, tmp_path: Path) -> None:
    data = bytearray(tiny.path.read_bytes())
    with zipfile.ZipFile(tiny.path) as archive:
        offset = archive.getinfo("model.weights.h5").header_offset
    data[offset + 1000] ^= 0x10
    path = tmp_path / "model.keras"
    path.write_bytes(data)
    with pytest.raises(FloatModelError, match=r"model\.weights\.h5"):
        load_float_model(path)


def test_another_zip(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FloatModelError, match=r"expected .*config\.json.* in the \.keras file"):
        load_float_model(path)


def test_a_lambda_layer_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with quiet():
        import keras

        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Lambda(lambda t: t * 2.0, name="doubled")(inputs)
        keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x))).save(path)
    with pytest.raises(FloatModelError, match="layer 'doubled' is a Lambda"):
        load_float_model(path)


def test_an_unknown_layer(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(tiny.path) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                json.loads(data)
                data = data.replace(b'"ReLU"', b'"NoSuchLayer"')
            target.writestr(name, data)
    with pytest.raises(FloatModelError, match=r"Keras cannot load it: .*NoSuchLayer"):
        load_float_model(path)


@pytest.mark.parametrize(
    ("shape", "dtype", "head", "message"),
    [
        ((8, 8, 1), "float32", 2, r"expected an input \(batch, height, width, 3\).*8, 8, 1\)"),
        ((3, 8, 8), "float32", 2, "expected an input"),
        ((None, None, 3), "float32", 2, "of fixed size"),
        ((8, 8, 3), "uint8", 2, "expected a float input, got uint8"),
        ((8, 8, 3), "float32", 1, r"expected an output .* at least 2 classes, got \(None, 1\)"),
    ],
)
def test_a_model_of_another_shape(
    shape: tuple[int | None, ...], dtype: str, head: int, message: str
) -> None:
    with quiet():
        import keras

        inputs = keras.Input(shape, dtype=dtype)
        x = keras.layers.Rescaling(1.0)(inputs)
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(inputs, keras.layers.Dense(head)(x))
    with pytest.raises(FloatModelError, match=message):
        check_float_model(model, source="model.keras")


def test_more_than_one_output() -> None:
    with quiet():
        import keras

        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Flatten()(inputs)
        model = keras.Model(inputs, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)])
    with pytest.raises(FloatModelError, match="expected one input and one output, got 1 and 2"):
        check_float_model(model, source="model.keras")


def test_a_model_that_was_never_built() -> None:
    with quiet():
        import keras

        model = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(FloatModelError, match="expected a built model"):
        check_float_model(model, source="model.keras")
