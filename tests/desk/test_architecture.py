"""The family's shapes, its orders, and the arguments it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from convert.architecture import SEED_BLOCKS, build_minivgg


def layer_kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_default_is_the_seed():
    model = build_minivgg(block_dropout=0, head_dropout=0)
    block = ["Conv2D", "BatchNormalization", "ReLU"] * 2 + ["MaxPooling2D"]
    dense = ["Flatten", "Dense", "BatchNormalization", "ReLU", "Dense", "Softmax"]
    assert layer_kinds(model) == ["InputLayer", "Rescaling", *block, *block, *dense]
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 10)


def test_parameter_count_of_the_seed():
    kernels = 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 8 * 8 * 64 * 512 + 512 * 10 + 10
    normalization = 4 * (32 + 32 + 64 + 64 + 512)
    assert build_minivgg().count_params() == kernels + normalization


def test_textbook_order_puts_the_activation_first_and_keeps_biases():
    model = build_minivgg(order="conv-relu-bn", block_dropout=0, head_dropout=0)
    assert layer_kinds(model)[2:5] == ["Conv2D", "ReLU", "BatchNormalization"]
    assert all(model.get_layer(name).use_bias for name in ("conv1_1", "conv2_2", "dense"))


def test_pooled_head_has_no_hidden_dense_layer():
    model = build_minivgg(head="gap", blocks=((8,), (16,)))
    assert layer_kinds(model).count("Dense") == 1
    assert model.get_layer("logits").kernel.shape == (16, 10)


def test_vgg16_can_be_written():
    column_d = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
    model = build_minivgg(blocks=column_d, head="gap", classes=100)
    assert layer_kinds(model).count("Conv2D") == 13
    assert model.output_shape == (None, 100)


def test_raw_pixels_go_in_and_probabilities_come_out():
    model = build_minivgg(height=20, width=12, classes=3, blocks=((4,), (4,)), dense_units=8)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 20, 12, 3)).astype(np.float32)
    scores = np.asarray(model(pixels, training=False))
    assert scores.shape == (5, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)


def test_the_seed_decides_the_initial_weights():
    first, again, other = (build_minivgg(seed=seed, blocks=((4,),)) for seed in (3, 3, 4))
    for one, two in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.any(np.asarray(first.weights[0]) != np.asarray(other.weights[0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 1}, "expected at least 2 classes, got 1"),
        ({"head_dropout": 1.0}, "expected dropout from 0 to 1, 1 excluded, got 1"),
        ({"block_dropout": -0.1}, "expected dropout from 0 to 1, 1 excluded, got -0.1"),
        ({"blocks": ()}, r"expected blocks of positive channel counts, got \(\)"),
        ({"blocks": ((8, 0),)}, r"positive channel counts, got \(\(8, 0\),\)"),
        ({"height": 3}, "expected at least 4x4 pixels, got 3x32"),
        ({"head": "flat"}, "expected head 'dense' or 'gap', got 'flat'"),
        ({"dense_units": 0}, "expected at least 1 dense unit, got 0"),
        ({"order": "bn-conv"}, "expected order .* got 'bn-conv'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_minivgg(**arguments)


def test_seed_blocks_are_the_published_ones():
    assert SEED_BLOCKS == ((32, 32), (64, 64))
