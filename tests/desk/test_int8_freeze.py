"""The deployed graph computes what the trained model computes; the oracle is Keras itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import TINY_SIDE, randomize_normalization

from convert.architecture import Head, Order, build_minivgg
from convert.errors import FloatModelError
from convert.int8.freeze import freeze, layer_chain
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras


def _answers(model: keras.Model, pictures: NDArray[np.floating]) -> NDArray[np.float32]:
    """One picture at a time: the deployed graph has a batch of 1."""
    batches = pictures.astype(np.float32)[:, np.newaxis]
    return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])


def _kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.parametrize("head", ["dense", "gap"])
@pytest.mark.parametrize("order", ["conv-bn-relu", "conv-relu-bn"])
def test_same_answers(order: Order, head: Head, gray_noise: NDArray[np.uint8]) -> None:
    with quiet():
        model = build_minivgg(
            classes=3,
            height=TINY_SIDE,
            width=TINY_SIDE,
            blocks=((4, 4), (8,)),
            dense_units=8,
            head=head,
            order=order,
        )
        randomize_normalization(model, seed=1)
        frozen = freeze(model)
    expected = _answers(model, gray_noise)
    assert expected.std(axis=0).max() > 1e-3  # the pictures do make a difference
    np.testing.assert_allclose(_answers(frozen, gray_noise), expected, atol=1e-5)
    assert frozen.inputs[0].shape == (1, TINY_SIDE, TINY_SIDE, 3)
    kinds = _kinds(frozen)
    assert "Dropout" not in kinds
    assert "Rescaling" not in kinds
    normalizations = 0 if order == "conv-bn-relu" else 3 + (head == "dense")
    assert kinds.count("BatchNormalization") == normalizations


def test_a_scale_with_an_offset_stays(gray_noise: NDArray[np.uint8]) -> None:
    """Zero padding stands for another pixel value then, so folding it would change the border."""
    with quiet():
        import keras

        model = keras.Sequential(
            [
                keras.Input((TINY_SIDE, TINY_SIDE, 3)),
                keras.layers.Rescaling(1 / 127.5, offset=-1.0),
                keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
                keras.layers.BatchNormalization(scale=False, center=False),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
        frozen = freeze(model)
    np.testing.assert_allclose(_answers(frozen, gray_noise), _answers(model, gray_noise), atol=1e-5)
    assert _kinds(frozen)[1] == "Rescaling"
    # The convolution has its ReLU inside: the normalization behind it cannot fold.
    assert "BatchNormalization" in _kinds(frozen)


def test_normalization_without_scale_and_center_folds(gray_noise: NDArray[np.uint8]) -> None:
    with quiet():
        import keras

        layers = keras.layers
        normalization = layers.BatchNormalization(scale=False, center=False, epsilon=0.1)
        model = keras.Sequential(
            [
                keras.Input((TINY_SIDE, TINY_SIDE, 3)),
                layers.Conv2D(4, 3, strides=2, padding="valid"),
                normalization,
                layers.Flatten(),
                layers.Dense(3),
            ]
        )
        normalization.set_weights([np.full(4, 3.0), np.arange(1.0, 5.0)])
        frozen = freeze(model, scale=1 / 255)
        scaled = gray_noise / 255.0
    np.testing.assert_allclose(_answers(frozen, gray_noise), _answers(model, scaled), atol=1e-5)
    assert _kinds(frozen) == ["InputLayer", "Conv2D", "Flatten", "Dense"]


@pytest.mark.parametrize("axis", [1, 2])
def test_normalization_of_another_axis_stays(axis: int, gray_noise: NDArray[np.uint8]) -> None:
    """As many rows and columns as channels: its factors would fit the kernel."""
    with quiet():
        import keras

        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((TINY_SIDE, TINY_SIDE, 3)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(TINY_SIDE, 3, padding="same"),
                layers.BatchNormalization(axis=axis),
                layers.ReLU(),
                layers.Flatten(),
                layers.Dense(3),
                layers.BatchNormalization(axis=1),
            ]
        )
        randomize_normalization(model, seed=4)
        frozen = freeze(model)
    expected = _answers(model, gray_noise)
    np.testing.assert_allclose(_answers(frozen, gray_noise), expected, rtol=1e-4, atol=1e-4)
    # The axis behind the last dense layer is that of its classes.
    assert _kinds(frozen).count("BatchNormalization") == 1


def test_any_other_graph_is_kept(gray_noise: NDArray[np.uint8]) -> None:
    with quiet():
        import keras

        inputs = keras.Input((TINY_SIDE, TINY_SIDE, 3))
        x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Add()([x, keras.layers.Conv2D(4, 1)(inputs)])
        x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
        model = keras.Model(inputs, x)
        randomize_normalization(model, seed=2)
        frozen = freeze(model, scale=1 / 127.5, offset=-1.0)
        scaled = gray_noise / 127.5 - 1.0
    assert layer_chain(model) is None
    np.testing.assert_allclose(
        _answers(frozen, gray_noise), _answers(model, scaled), rtol=1e-4, atol=1e-4
    )
    assert frozen.outputs[0].shape == (1, 3)


def test_an_operation_with_the_name_of_a_layer_is_none() -> None:
    """`keras.ops.softmax` is no layer that could be built anew."""
    with quiet():
        import keras

        pixels = keras.Input((4, 4, 3))
        x = keras.layers.Dense(3)(keras.layers.Flatten()(pixels))
        model = keras.Model(pixels, keras.ops.softmax(x))
        assert layer_chain(model) is None
        pictures = np.zeros((2, 4, 4, 3), np.float32)
        np.testing.assert_allclose(freeze(model)(pictures[:1]), model(pictures[:1]), atol=1e-6)


def test_a_layer_used_twice_is_no_chain() -> None:
    with quiet():
        import keras

        inputs = keras.Input((8, 8, 3))
        twice = keras.layers.Conv2D(3, 1)
        x = keras.layers.Flatten()(twice(twice(inputs)))
        model = keras.Model(inputs, keras.layers.Dense(2)(x))
    assert layer_chain(model) is None


def test_two_scales_are_refused() -> None:
    with quiet():
        model = build_minivgg(classes=3, height=8, width=8, blocks=((4,),), head="gap")
    with pytest.raises(FloatModelError, match="layer 'scale' rescales pixels already"):
        freeze(model, scale=1 / 255)


@pytest.mark.parametrize("kind", ["Rescaling", "Normalization"])
def test_a_scale_within_a_nested_model_is_one_too(kind: str) -> None:
    with quiet():
        import keras

        layers = keras.layers
        scale = {
            "Rescaling": layers.Rescaling(1 / 255, name="inner"),
            "Normalization": layers.Normalization(mean=[1.0] * 3, variance=[4.0] * 3, name="inner"),
        }[kind]
        base = keras.Sequential([keras.Input((8, 8, 3)), scale, layers.Conv2D(4, 3)])
        outer = keras.Sequential([keras.Input((8, 8, 3)), base])
        model = keras.Sequential([keras.Input((8, 8, 3)), outer, layers.Flatten(), layers.Dense(2)])
    assert freeze(model).outputs[0].shape == (1, 2)
    with pytest.raises(FloatModelError, match="layer 'inner' rescales pixels already"):
        freeze(model, scale=1 / 255)
