"""Models that quantize badly or are odd: each compiles, is audited, and the report says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import (
    TINY_SIDE,
    Tiny,
    fit_last_layer,
    randomize_normalization,
)

from convert.data.pictures import PictureSet
from convert.int8.audit import audit
from convert.int8.compilation import Compiled, Pictures, Settings
from convert.int8.compile_model import compile_model
from convert.int8.conversion import convert_calibrated, convert_int8, quantize
from convert.int8.freeze import freeze
from convert.int8.packing import Identity
from convert.int8.predict import predict
from convert.int8.ranges import has_dead, read_ranges
from convert.layer_error.advice import advise
from convert.layer_error.analysis import Analysis, OperatorError, analyse
from convert.layer_error.source import convert_both
from convert.quiet import quiet
from convert.report.layer_error import layer_error_page, layer_error_text
from convert.report.quantization import comparison_text
from convert.search.method import PLAIN, Method
from minivgg_edge import Classifier

if TYPE_CHECKING:
    import keras

CLASSES = 100
Change = Callable[[list[NDArray[np.float32]]], list[NDArray[np.float32]]]


def _model(tiny: Tiny, *, order: str = "conv-bn-relu") -> keras.Model:
    """The tiny model anew, so that it can be spoilt; its last layer is not fitted yet."""
    from convert.architecture import build_minivgg

    with quiet():
        model = build_minivgg(
            classes=3,
            height=TINY_SIDE,
            width=TINY_SIDE,
            blocks=((8,), (8,)),
            head="gap",
            order=order,  # type: ignore[arg-type]
        )
        randomize_normalization(model, seed=3)
    return model


def _fitted(model: keras.Model, tiny: Tiny) -> keras.Model:
    with quiet():
        fit_last_layer(model, tiny.pictures["train"])
    return model


def _change(model: keras.Model, layer: str, change: Change) -> None:
    target = model.get_layer(layer)
    target.set_weights(change([np.array(values) for values in target.get_weights()]))


def _compile(
    model: keras.Model, train: PictureSet, validation: PictureSet, *, max_drop: float = 0.05
) -> Compiled:
    return compile_model(
        model,
        Pictures("planted", train, validation, None),
        Identity("planted", train.class_names, "none", {}),
        Settings(calibration_count=60, max_drop=max_drop),
        say=lambda text: None,
    )


def _compiled(model: keras.Model, tiny: Tiny) -> Compiled:
    return _compile(model, tiny.pictures["train"], tiny.pictures["validation"])


def _analysed(model: keras.Model, tiny: Tiny) -> Analysis:
    models = convert_both(freeze(model), tiny.pictures["train"].images[:60], PLAIN)
    audit(models.target, io="uint8")
    return analyse(models.reference, models.target, tiny.pictures["validation"].images[:30])


def _operators(compiled: Compiled) -> dict[str, int]:
    return {operator.name: operator.count for operator in compiled.audit.operators}


def _layer(analysis: Analysis, name: str, kind: str | None = None) -> OperatorError:
    found = [operator for operator in analysis.operators if operator.layer == name]
    return next(operator for operator in found if kind in (None, operator.kind))


def test_a_normalization_that_cannot_be_folded(tiny: Tiny) -> None:
    """Behind a ReLU it stays: two int8 operators per layer, and both are measured."""
    textbook = _fitted(_model(tiny, order="conv-relu-bn"), tiny)
    folded = _operators(_compiled(_fitted(_model(tiny), tiny), tiny))
    compiled = _compiled(textbook, tiny)
    assert compiled.verdict.status == "pass"
    assert _operators(compiled) == {**folded, "MUL": 2, "ADD": 2}
    analysis = _analysed(textbook, tiny)
    assert analysis.unmatched == ()
    kinds = [(operator.layer, operator.kind) for operator in analysis.operators]
    for name in ("conv1_1_bn", "conv2_1_bn"):
        assert [kind for layer, kind in kinds if layer == name] == ["MUL", "ADD"]
        assert _layer(analysis, name, "MUL").has_constants
        effect = _layer(analysis, name, "MUL").effect
        assert effect is not None
        assert 20 < effect.sqnr_db < 60
        assert effect.output.divergence > 0
    assert "conv1_1_bn" in layer_error_text(analysis, advise(analysis), source="planted")


def test_one_weight_a_hundred_times_the_others(tiny: Tiny) -> None:
    def outlier(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        kernel = weights[0]
        kernel[1, 1, 0, 0] = 100.0 * np.abs(kernel[..., 0]).max()
        return [kernel, *weights[1:]]

    plain = _fitted(_model(tiny), tiny)
    model = _model(tiny)
    _change(model, "conv2_1", outlier)
    _fitted(model, tiny)
    assert _compiled(model, tiny).verdict.status == "pass"
    before, after = (_layer(_analysed(each, tiny), "conv2_1") for each in (plain, model))
    assert before.accumulated.weights is not None
    assert after.accumulated.weights is not None
    # The others have a hundredth of 127 steps: one of eight channels is lost but for one weight.
    assert after.accumulated.weights.zeroed > before.accumulated.weights.zeroed + 0.05
    assert after.accumulated.weights.largest > 20 * before.accumulated.weights.largest
    assert after.accumulated.weights.worst_channel_db < before.accumulated.weights.worst_channel_db
    assert before.effect is not None
    assert after.effect is not None
    assert after.effect.sqnr_db < before.effect.sqnr_db - 6
    ranked = [operator.layer for operator in _analysed(model, tiny).ranked]
    assert ranked[0] == "conv2_1"


def test_channels_without_weights_and_channels_that_never_fire(tiny: Tiny) -> None:
    def no_weights(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        weights[0][..., :2] = 0.0
        return weights

    def never(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        weights[1][:4] = -1e4
        return weights

    model = _model(tiny)
    _change(model, "conv1_1", no_weights)
    _change(model, "conv2_1_bn", never)
    _fitted(model, tiny)
    compiled = _compiled(model, tiny)
    assert compiled.verdict.status == "pass"
    analysis = _analysed(model, tiny)
    alive = _analysed(_fitted(_model(tiny), tiny), tiny)
    dead = {name: _layer(analysis, name).accumulated.dead_channels for name in ("conv2_1", "gap")}
    assert min(dead.values()) >= 4 / 8
    assert _layer(alive, "conv2_1").accumulated.dead_channels < 4 / 8
    figures = [operator.accumulated for operator in analysis.operators]
    assert np.isfinite(
        [[f.sqnr_db, f.cosine, f.mean_error, f.narrow_channels] for f in figures]
    ).all()
    weights = _layer(analysis, "conv1_1").accumulated.weights
    assert weights is not None
    # Channels of zeros are exact and no worst ones.
    assert 30 < weights.worst_channel_db < 60


@pytest.mark.parametrize("layer", ["conv1_1", "conv2_1"])
@pytest.mark.parametrize("method", [PLAIN, Method("mse"), Method(equalize="both")])
def test_a_layer_of_nothing_but_dead_channels(tiny: Tiny, layer: str, method: Method) -> None:
    """The converter's scale for a range of nothing is one that kernels refuse to load."""

    def never(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        weights[1][:] = -1e4
        return weights

    model = _model(tiny)
    _change(model, f"{layer}_bn", never)
    frozen, pictures = freeze(_fitted(model, tiny)), tiny.pictures["train"].images[:40]
    models = convert_both(frozen, pictures, method)
    assert not has_dead(models.target)
    audit(models.target, io="uint8")
    expected = predict(models.reference, pictures[:4])
    np.testing.assert_allclose(predict(models.target, pictures[:4]) / 256, expected, atol=1 / 128)
    analysis = analyse(models.reference, models.target, pictures[:4])
    assert _layer(analysis, layer).accumulated.dead_channels == 1.0
    assert advise(analysis).sentence.startswith("nothing stands out")


def test_living_layers_keep_their_ranges(tiny: Tiny) -> None:
    frozen, pictures = freeze(tiny.model), tiny.pictures["train"].images[:40]
    direct = convert_int8(frozen, pictures)
    assert not has_dead(direct)
    calibrated = convert_calibrated(frozen, pictures)
    assert (0.0, 1.0) not in read_ranges(calibrated).values()
    np.testing.assert_array_equal(
        predict(direct, pictures), predict(quantize(calibrated), pictures)
    )


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_pictures(tiny: Tiny, value: int) -> None:
    """Every picture the same: nothing to tell apart, but no reason to fail either."""
    model = _fitted(_model(tiny), tiny)
    flat = {
        part: PictureSet(
            np.full_like(tiny.pictures[part].images, value), pictures.labels, pictures.class_names
        )
        for part, pictures in tiny.pictures.items()
    }
    compiled = _compile(model, flat["train"], flat["validation"])
    assert compiled.verdict.status == "pass"
    assert compiled.comparisons[0].agreement == 1.0
    assert "are its labels in the right order" in compiled.warnings[0]
    models = convert_both(freeze(model), flat["train"].images[:8], PLAIN)
    analysis = analyse(models.reference, models.target, flat["validation"].images[:4])
    pixels = _layer(analysis, "pixels").accumulated
    assert pixels.range_used == 0.0
    assert (pixels.low, pixels.high) == (value, value)
    assert pixels.saturated_high == 0.0
    page = layer_error_page(analysis, advise(analysis), name="flat", source="flat pictures")
    assert "nan" not in page.lower().replace("millinat", "")
    # The pixels of a picture unlike them are not cut off: their range is no matter of calibration.
    unlike = analyse(models.reference, models.target, tiny.pictures["validation"].images[:4])
    assert _layer(unlike, "pixels").accumulated.saturated_high == 0.0


def _hundred_pictures(per_class: int, seed: int) -> PictureSet:
    """Flat colours with noise, one of ten by ten kinds of red and blue for each class."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(CLASSES), per_class)
    colours = np.stack(
        [20 + 22 * (labels // 10), np.full_like(labels, 90), 20 + 22 * (labels % 10)]
    )
    images = colours.T[:, None, None] + random.normal(0, 6, (len(labels), 8, 8, 3))
    images[:, 0, 0], images[:, 0, 1] = 0, 255
    names = tuple(f"class {number:02}" for number in range(CLASSES))
    pixels = np.clip(np.round(images), 0, 255).astype(np.uint8)
    return PictureSet(pixels, labels.astype(np.int64), names)


def _hundred_classes(train: PictureSet) -> keras.Model:
    """Nearest colour by mean red and blue: the classes' distances as logits."""
    with quiet():
        import keras

        x = pixels = keras.Input((8, 8, 3), name="pixels")
        x = keras.layers.Rescaling(1 / 255)(x)
        x = keras.layers.Conv2D(3, 1, activation="relu", name="conv")(x)
        x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
        x = keras.layers.Dense(32, activation="relu", name="hidden")(x)
        x = keras.layers.Dense(CLASSES, name="logits")(x)
        model = keras.Model(pixels, keras.layers.Softmax()(x), name="hundred")
        model.get_layer("conv").set_weights([np.eye(3)[None, None], np.zeros(3)])
        # Ramps that begin at other places of red and of blue: a square is almost a sum of them.
        kernel, bias = np.zeros((3, 32)), np.zeros(32)
        kernel[0, :16], kernel[2, 16:] = 1.0, 1.0
        bias[:16] = bias[16:] = -np.arange(16) / 16
        model.get_layer("hidden").set_weights([kernel, bias])
        features = keras.Model(model.inputs, model.get_layer("logits").input)
        hidden = np.asarray(features(train.images.astype(np.float32)), dtype=np.float64)
        hidden = np.concatenate([hidden, np.ones((len(hidden), 1))], axis=1)
        means = np.stack(
            [train.images[train.labels == n].mean(axis=(0, 1, 2)) for n in range(CLASSES)]
        )
        own = train.images.mean(axis=(1, 2))
        distances = ((own[:, None] - means[None])[..., [0, 2]] ** 2).sum(axis=2)
        target = -distances / 200.0
        target -= target.mean(axis=1, keepdims=True)
        weights = np.linalg.lstsq(hidden, target, rcond=None)[0]
        model.get_layer("logits").set_weights([weights[:-1], weights[-1]])
    return model


def test_a_hundred_classes(tmp_path: Path) -> None:
    train, validation = _hundred_pictures(4, seed=0), _hundred_pictures(3, seed=1)
    model = _hundred_classes(train)
    compiled = _compile(model, train, validation, max_drop=0.3)
    comparison = compiled.comparisons[0]
    assert compiled.verdict.status == "pass"
    assert comparison.reference_top1 > 0.8
    assert comparison.reference_top5 is not None
    assert comparison.target_top5 is not None
    assert comparison.target_top5 >= max(comparison.target_top1, 0.9)
    assert "top-5 on validation pictures" in comparison_text([comparison])

    path = tmp_path / "hundred.tflite"
    path.write_bytes(compiled.int8_file)
    with Classifier(path) as classifier:
        assert classifier.labels == train.class_names
        best = [
            [prediction.index for prediction in classifier.classify(picture, top_k=5)]
            for picture in validation.images
        ]
    pairs = list(zip(best, validation.labels, strict=True))
    assert np.mean([label in answers for answers, label in pairs]) == comparison.target_top5
    assert np.mean([answers[0] == label for answers, label in pairs]) == comparison.target_top1

    models = convert_both(freeze(model), train.images, PLAIN)
    analysis = analyse(models.reference, models.target, validation.images[:100])
    assert analysis.unmatched == ()
    assert analysis.answers.agreement == pytest.approx(comparison.agreement, abs=0.1)
    assert _layer(analysis, "logits").accumulated.sqnr_db > 15
