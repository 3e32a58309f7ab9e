"""The model that steps train, and the plain one that answers as it does."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_model import randomize_normalization

from convert.architecture import build_minivgg
from convert.errors import TrainingError
from convert.quiet import quiet
from convert.training.kept import FUSION_TOLERANCE, KeptModel, predict
from convert.training.network import assign, build_plain, build_trained, plain_weights

BLOCKS = ((4, 4), (8, 8))  # the first convolution of a block cannot have an identity branch


def minivgg(**changes):
    arguments = {"classes": 3, "height": 8, "width": 8, "blocks": BLOCKS, "dense_units": 8}
    model = build_minivgg(**{**arguments, **changes})
    randomize_normalization(model, seed=1)
    return model


def noise(count, side=8):
    shape = (count, side, side, 3)
    return np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.parametrize("order", ["conv-bn-relu", "conv-relu-bn"])
def test_without_branches_the_trained_model_answers_as_the_plain_one(order):
    with quiet():
        plain = minivgg(order=order)
        trained = build_trained(plain)
        expected = predict(plain, noise(6))
        np.testing.assert_array_equal(predict(trained, noise(6)), expected)
    assert expected.std(axis=0).max() > 1e-3  # the pictures do make a difference
    assert build_plain(plain) is plain


@pytest.mark.parametrize("head", ["dense", "gap"])
def test_branches_fuse_into_plain_convolutions(head):
    with quiet():
        kept = KeptModel(minivgg(head=head), branches="rep", precision="float32")
        randomize_normalization(kept.trained, seed=2)
        values = {weight.path: weight.numpy() for weight in kept.trained.weights}
        difference = kept.fusion_difference(values, noise(6))
        np.testing.assert_allclose(
            predict(kept.plain, noise(6)), predict(kept.trained, noise(6)), atol=1e-5
        )
    assert 0.0 < difference < 1e-5
    convolutions = [layer for layer in kept.plain.layers if type(layer).__name__ == "Conv2D"]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 4
    assert all(layer.use_bias for layer in convolutions)
    assert kinds(kept.plain).count("BatchNormalization") == (head == "dense")
    assert not {"Add", "FusedNormalization"} & set(kinds(kept.plain))


def test_every_convolution_has_the_branches_that_its_channels_allow():
    with quiet():
        trained = build_trained(minivgg(head="gap"), branches="rep")
    names = {layer.name for layer in trained.layers}
    for stem in ("conv1_1", "conv1_2", "conv2_1", "conv2_2"):
        assert {stem, f"{stem}_bn", f"{stem}_1x1", f"{stem}_1x1_bn", f"{stem}_sum"} <= names
    # 3 to 4 and 4 to 8 channels have no identity.
    assert {name for name in names if "identity" in name} == {
        "conv1_2_identity_bn",
        "conv2_2_identity_bn",
    }
    small = [trained.get_layer(f"conv{block}_2_1x1").kernel.numpy() for block in (1, 2)]
    assert not np.array_equal(small[0].ravel()[:16], small[1].ravel()[:16])


def test_branches_beside_convolutions_that_were_taken_over_begin_silent():
    """A random branch beside a learned kernel would drown it; beside a random one it may speak."""
    with quiet():
        learned = build_minivgg(classes=3, height=8, width=8, blocks=BLOCKS, head="gap")
        randomize_normalization(learned, seed=1)
        expected = predict(learned, noise(6))
        trained = build_trained(learned, branches="rep")
        np.testing.assert_allclose(predict(trained, noise(6)), expected, atol=1e-5)
        fresh = build_minivgg(classes=3, height=8, width=8, blocks=BLOCKS, head="gap")
        new = build_trained(fresh, branches="rep")
    assert not trained.get_layer("conv1_2_identity_bn").gamma.numpy().any()
    assert new.get_layer("conv1_2_identity_bn").gamma.numpy().all()


def test_a_fusion_that_is_wrong_is_refused(monkeypatch):
    from convert.training import kept as module

    def forgetful(trained, plain, values):
        return {
            name: np.zeros_like(value) if name == "conv1_2/bias" else value
            for name, value in plain_weights(trained, plain, values).items()
        }

    monkeypatch.setattr(module, "plain_weights", forgetful)
    with quiet():
        kept = KeptModel(minivgg(), branches="rep", precision="float32")
        randomize_normalization(kept.trained, seed=2)
        values = {weight.path: weight.numpy() for weight in kept.trained.weights}
        with pytest.raises(TrainingError, match="the fused model to answer as the one with br"):
            kept.fusion_difference(values, noise(6))
    assert FUSION_TOLERANCE < 1e-3


def test_branches_need_the_order_that_can_be_fused():
    with quiet(), pytest.raises(TrainingError, match=r"order conv-bn-relu .* got .*conv1_1"):
        build_trained(minivgg(order="conv-relu-bn"), branches="rep")


def test_bfloat16_computes_in_it_but_keeps_weights_and_logits_in_float32():
    with quiet():
        plain = minivgg()
        trained = build_trained(plain, precision="bfloat16")
        got, expected = (predict(model, noise(6)) for model in (trained, plain))
    assert {weight.dtype for weight in trained.trainable_variables} == {"float32"}
    assert trained.get_layer("conv2_1").compute_dtype == "bfloat16"
    assert trained.get_layer("logits").compute_dtype == "float32"
    assert trained.output.dtype == "float32"
    # 8 bits of mantissa through five layers: percents of a score, not the same, not another one.
    assert 0.0 < np.abs(got - expected).max() < 0.05


def test_fused_normalization_is_that_of_keras():
    """One step of training: the same results, gradients and moving statistics."""
    with quiet():
        import keras
        import tensorflow as tf

        from convert.training.normalization import FusedNormalization

        random = np.random.default_rng(0)
        values = random.normal(1.0, 2.0, (4, 3, 3, 5)).astype(np.float32)
        weights = [random.uniform(0.5, 1.5, 5).astype(np.float32) for _ in range(4)]
        found = []
        for kind in (keras.layers.BatchNormalization, FusedNormalization):
            layer = kind()
            layer.build(values.shape)
            layer.set_weights(weights)
            inputs = tf.Variable(values)
            with tf.GradientTape() as tape:
                result = layer(inputs, training=True)
                loss = tf.reduce_sum(result**3)
            gradients = tape.gradient(loss, [inputs, *layer.trainable_variables])
            idle = layer(inputs, training=False)
            found.append([result, idle, *map(tf.convert_to_tensor, gradients), *layer.weights])
    for expected, got in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=2e-4, atol=2e-4)


def test_weights_are_written_by_name():
    with quiet():
        plain = minivgg(head="gap")
        values = {weight.path: np.full(weight.shape, 2.0, np.float32) for weight in plain.weights}
        assign(plain, values)
    assert all((weight.numpy() == 2.0).all() for weight in plain.weights)
