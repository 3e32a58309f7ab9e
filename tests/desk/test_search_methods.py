"""What the methods do to a calibrated model: statistics, equalization, bias correction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import TINY_SIDE, Tiny, randomize_normalization, tiny_pictures

from benchmarks.quantization.hard_model import plant
from convert.errors import ConversionError, DataError
from convert.int8.audit import describe
from convert.int8.conversion import convert_calibrated, convert_float, quantize
from convert.int8.freeze import freeze
from convert.int8.predict import predict
from convert.int8.ranges import read_ranges
from convert.int8.running import run_values
from convert.layer_error.equalized import equalized_like
from convert.quiet import quiet
from convert.search.bias_correction import correct_bias, mean_output
from convert.search.budget import Budget
from convert.search.equalization import equalize, pairs
from convert.search.layers import read_layers, write_layers
from convert.search.method import EQUALIZATIONS, Candidate, Equalization, Method
from convert.search.observation import observe
from convert.search.preparation import Preparation, apply, convert_by_method
from convert.search.report import search_text
from convert.search.search import search

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def images(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["train"].images[:40]


@pytest.fixture(scope="module")
def calibrated(tiny: Tiny, images: NDArray[np.uint8]) -> bytes:
    return convert_calibrated(freeze(tiny.model), images)


def _varied(width: int = 3, classes: int = 3) -> bytes:
    """A calibrated chain with strides, dilation, both paddings, depthwise, average pool, dense."""
    with quiet():
        import keras

        keras.utils.set_random_seed(5)
        layers = keras.layers
        x = pixels = keras.Input(batch_shape=(1, 13, 15, 3), name="pixels")
        x = layers.Rescaling(1 / 255)(x)
        x = layers.Conv2D(4, (3, 2), strides=2, padding="same", activation="relu")(x)
        x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu")(x)
        x = layers.Conv2D(5, 2, dilation_rate=2, padding="valid", activation="relu")(x)
        x = layers.AveragePooling2D(2)(x)
        x = layers.Flatten()(x)
        x = layers.Dense(7, activation="relu")(x)
        outputs = layers.Softmax()(layers.Dense(classes)(x))
        model = keras.Model(pixels, outputs)
        random = np.random.default_rng(5)
        model.set_weights([random.normal(0.1, 0.4, w.shape) for w in model.get_weights()])
    return convert_calibrated(model, _noise(8))


def _grouped(calibration: NDArray[np.uint8]) -> bytes:
    """A calibrated chain with a grouped convolution and a dense layer at every position."""
    return convert_calibrated(_grouped_model(), calibration)


def _grouped_model() -> keras.Model:
    with quiet():
        import keras

        keras.utils.set_random_seed(6)
        layers = keras.layers
        x = pixels = keras.Input(batch_shape=(1, 13, 15, 3), name="pixels")
        x = layers.Rescaling(1 / 255)(x)
        x = layers.Conv2D(4, 3, activation="relu")(x)
        x = layers.Conv2D(6, 3, groups=2, padding="same", activation="relu")(x)
        x = layers.Dense(5, activation="relu", name="everywhere")(x)
        x = layers.GlobalAveragePooling2D()(x)
        model = keras.Model(pixels, layers.Dense(3, activation="softmax")(x))
        random = np.random.default_rng(6)
        model.set_weights([random.normal(0.1, 0.4, w.shape) for w in model.get_weights()])
    return model


def _noise(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, 13, 15, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def varied() -> bytes:
    return _varied()


def test_what_is_observed_is_what_the_converter_saw(
    calibrated: bytes, images: NDArray[np.uint8]
) -> None:
    observed = observe(calibrated, images).ranges(Method())
    converter = read_ranges(calibrated)
    # Pixels, two convolutions with their pools, average, logits; not the scores: theirs is fixed.
    assert len(observed) == 5
    for name, found in observed.items():
        assert found == pytest.approx(converter[name], rel=1e-5, abs=1e-6)


def test_statistics_of_channels_and_positions(varied: bytes) -> None:
    pictures = _noise(6)
    observation = observe(varied, pictures)
    layers = read_layers(varied)
    tensors = sorted({number for layer in layers for number in (layer.source, layer.target)})
    values = list(run_values(varied, tensors, pictures))
    for layer in layers:
        inputs = np.stack([one[layer.source] for one in values]).astype(np.float64)
        outputs = np.stack([one[layer.target] for one in values])
        np.testing.assert_allclose(observation.means[layer.name], inputs.mean(axis=0), rtol=1e-6)
        peaks = np.abs(outputs).reshape(-1, outputs.shape[-1]).max(axis=0)
        np.testing.assert_array_equal(observation.peaks[layer.name], peaks.astype(np.float64))


def test_an_activation_that_is_always_zero_keeps_the_converters_range(
    calibrated: bytes, images: NDArray[np.uint8]
) -> None:
    first = read_layers(calibrated)[0]
    dead = replace(first, bias=np.full_like(first.bias, -1e6))
    observed = observe(write_layers(calibrated, {first.name: dead}), images).ranges(Method("mse"))
    assert first.name not in observed


def test_the_mean_of_a_group_and_of_a_dense_layer_at_every_position() -> None:
    pictures = _noise(5)
    calibrated = _grouped(pictures)
    layers = read_layers(calibrated)
    shapes = {layer.kind: layer.weights.shape for layer in layers[1:3]}
    assert shapes == {"CONV_2D": (6, 3, 3, 2), "FULLY_CONNECTED": (5, 6)}
    for layer in layers[1:3]:
        lifted = replace(layer, bias=layer.bias + 1e3)  # so that no ReLU cuts anything off
        model = write_layers(calibrated, {layer.name: lifted})
        (now,) = (one for one in read_layers(model) if one.name == layer.name)
        values = [v[now.target] for v in run_values(model, [now.target], pictures)]
        outputs = np.stack(values).astype(np.float64)
        expected = outputs.reshape(-1, outputs.shape[-1]).mean(axis=0)
        got = mean_output(now, observe(model, pictures).means[layer.name])
        np.testing.assert_allclose(got, expected, atol=1e-3)


def test_groups_that_are_not_even_are_refused() -> None:
    layer = read_layers(_grouped(_noise(2)))[1]
    odd = np.zeros((1, 13, 15, 3))
    with pytest.raises(ConversionError, match="its input's 3 channels or for even groups"):
        mean_output(layer, odd)


def test_the_mean_of_the_output_follows_from_the_mean_of_the_input(varied: bytes) -> None:
    pictures = _noise(5)
    linear = [layer for layer in read_layers(varied) if layer.activation == "NONE"]
    assert len(linear) == 1  # the others' outputs are behind a ReLU, so their bias is lifted first
    lifted = {
        layer.name: replace(layer, bias=layer.bias + 1e4)
        for layer in read_layers(varied)
        if layer.activation == "RELU"
    }
    for name, layer in lifted.items():
        model = write_layers(varied, {name: layer})
        observation = observe(model, pictures)
        (now,) = (one for one in read_layers(model) if one.name == name)
        outputs = [
            v[now.target].astype(np.float64) for v in run_values(model, [now.target], pictures)
        ]
        outputs_mean = np.mean([o.reshape(-1, o.shape[-1]).mean(axis=0) for o in outputs], axis=0)
        expected = mean_output(now, observation.means[name])
        np.testing.assert_allclose(expected - 1e4, outputs_mean - 1e4, atol=5e-3)


@pytest.mark.parametrize("what", EQUALIZATIONS)
def test_equalization_preserves_the_function(varied: bytes, what: Equalization) -> None:
    pictures = _noise(12)
    found = pairs(varied)
    assert len(found) == 4  # of five layers
    changed = equalize(varied, observe(varied, pictures).peaks, what)
    assert changed != varied
    before, after = predict(varied, pictures), predict(changed, pictures)
    np.testing.assert_allclose(after, before, atol=2e-5)


@pytest.mark.parametrize("what", EQUALIZATIONS)
def test_the_factors_can_be_read_off_the_quantized_weights(
    varied: bytes, what: Equalization
) -> None:
    changed = equalize(varied, observe(varied, _noise(12)).peaks, what)
    read = equalized_like(varied, quantize(changed))
    for ours, theirs, before in zip(
        read_layers(read), read_layers(changed), read_layers(varied), strict=True
    ):
        # Of 24 bits: a scale and the weight it was made of for each of a weight's two factors, and
        # the weight itself on both sides.
        np.testing.assert_allclose(ours.weights, theirs.weights, rtol=6 * 2.0**-24)
        np.testing.assert_allclose(ours.bias, theirs.bias, rtol=6 * 2.0**-24)
        assert not np.allclose(theirs.weights, before.weights, rtol=0.01)


def test_a_dead_channel_has_no_factor_to_be_read(
    calibrated: bytes, images: NDArray[np.uint8]
) -> None:
    first, *_ = read_layers(calibrated)
    weights, bias = first.weights.copy(), first.bias.copy()
    weights[2], bias[2] = 0.0, -1.0
    dead = write_layers(calibrated, {first.name: replace(first, weights=weights, bias=bias)})
    changed = equalize(dead, observe(dead, images).peaks, "both")
    read, *_ = read_layers(equalized_like(dead, quantize(changed)))
    np.testing.assert_array_equal(read.weights[2], 0.0)
    np.testing.assert_allclose(read.weights, read_layers(changed)[0].weights, rtol=6 * 2.0**-24)


def test_the_layers_of_another_model_have_no_factors(varied: bytes, calibrated: bytes) -> None:
    with pytest.raises(ConversionError, match=r"expected the layers .* in the int8 model, got"):
        equalized_like(varied, quantize(calibrated))


def test_equal_activations_have_equal_peaks(varied: bytes) -> None:
    pictures = _noise(12)
    before = observe(varied, pictures)
    after = observe(equalize(varied, before.peaks, "activations"), pictures)
    for pair in pairs(varied):
        live = before.peaks[pair.first] > 0
        peaks = after.peaks[pair.first][live]
        assert np.ptp(before.peaks[pair.first][live]) > 0.1 * before.peaks[pair.first].max()
        np.testing.assert_allclose(peaks, peaks[0], rtol=1e-4)


def test_equal_weights_have_equal_ranges(varied: bytes) -> None:
    changed = equalize(varied, observe(varied, _noise(4)).peaks, "weights")
    layers = {layer.name: layer for layer in read_layers(changed)}
    dense = [pair for pair in pairs(changed) if layers[pair.second].kind == "FULLY_CONNECTED"]
    for pair in dense:
        first, second = layers[pair.first], layers[pair.second]
        channels = len(first.bias)
        outgoing = np.abs(first.weights).reshape(channels, -1).max(axis=1)
        incoming = np.abs(second.weights).reshape(-1, channels).max(axis=0)
        # Up to a factor for all channels, which quantization does not notice.
        ratio = outgoing / incoming
        np.testing.assert_allclose(ratio, ratio[0], rtol=0.02)
        assert np.ptp(outgoing) > 0.1 * outgoing.max()


def test_dead_channels_are_left_alone(calibrated: bytes, images: NDArray[np.uint8]) -> None:
    first = read_layers(calibrated)[0]
    weights, bias = first.weights.copy(), first.bias.copy()
    weights[2], bias[2] = 0.0, -1.0
    model = write_layers(calibrated, {first.name: replace(first, weights=weights, bias=bias)})
    peaks = observe(model, images).peaks
    assert peaks[first.name][2] == 0.0
    for what in EQUALIZATIONS:
        after = read_layers(equalize(model, peaks, what))[0]
        assert after.bias[2] == -1.0
        assert np.isfinite(after.weights).all()


def test_a_planted_scale_is_undone(tiny: Tiny, images: NDArray[np.uint8]) -> None:
    hard = plant(tiny.model, share=0.25)
    base = convert_calibrated(freeze(hard.model), images)
    planted = read_layers(base)[0].name
    before = observe(base, images).peaks[planted]
    for what in EQUALIZATIONS:
        after = observe(equalize(base, observe(base, images).peaks, what), images).peaks[planted]
        assert after.max() / np.median(after) < 0.2 * before.max() / np.median(before)


def test_what_pooling_drops_is_not_observed(calibrated: bytes, images: NDArray[np.uint8]) -> None:
    observation = observe(calibrated, images)
    convolution = read_layers(calibrated)[0]
    pooled = len(images) * (TINY_SIDE // 2) ** 2 * len(convolution.bias)
    assert observation.histograms[convolution.name].total == pooled


def _branched() -> keras.Model:
    with quiet():
        import keras

        x = pixels = keras.Input(batch_shape=(1, 16, 16, 3), name="pixels")
        x = keras.layers.Conv2D(3, 3, padding="same", activation="relu")(x)
        x = keras.layers.Add()([x, keras.layers.Conv2D(3, 1, activation="relu")(x)])
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(x))


def test_a_branch_is_refused(images: NDArray[np.uint8]) -> None:
    with pytest.raises(ConversionError, match="expected a chain of layers"):
        convert_by_method(_branched(), images, Method(equalize="both"), io="uint8")


def test_a_branch_is_searched_without_equalization(tiny: Tiny) -> None:
    parts = [tiny.pictures[part].subset(range(20)) for part in ("train", "validation")]
    first = Candidate(Method(), 8, None)
    found = search(_branched(), *parts, first, budget=Budget(1e9), watch=lambda step: None)
    methods = {trial.candidate.method for trial in found.trials}
    assert Method(bias_correction=True) in methods
    assert all(method.equalize is None for method in methods)
    (note,) = found.notes
    assert "nothing was equalized: expected a chain of layers" in note
    assert note in search_text(found)


def test_what_a_method_cannot_do_is_noted(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trials before it took minutes: they are not lost."""
    from convert.search import preparation as module

    def refuse(*_: object) -> bytes:
        raise ConversionError("expected another layer, got this")

    monkeypatch.setattr(module, "correct_bias", refuse)
    parts = [tiny.pictures[part].subset(range(20)) for part in ("train", "validation")]
    first = Candidate(Method(), 8, None)
    model = freeze(tiny.model)
    found = search(model, *parts, first, budget=Budget(1e9), watch=lambda step: None)
    assert len(found.trials) > 5
    assert not any(trial.candidate.method.bias_correction for trial in found.trials)
    refused = [note for note in found.notes if "not possible" in note]
    assert refused[0] == (
        "minmax + bias correction, 8 pictures: not possible: expected another layer, got this"
    )
    assert len(refused) == len(set(refused))
    assert refused[0] in search_text(found)
    corrected = replace(first, method=Method(bias_correction=True))
    with pytest.raises(ConversionError, match="expected another layer"):
        search(model, *parts, corrected, budget=Budget(1e9), watch=lambda step: None)


def test_a_normalization_that_cannot_be_folded_stays_between(images: NDArray[np.uint8]) -> None:
    with quiet():
        from convert.architecture import build_minivgg

        model = build_minivgg(
            height=TINY_SIDE, width=TINY_SIDE, blocks=((4, 4), (4,)), order="conv-relu-bn"
        )
        randomize_normalization(model, seed=1)
    calibrated = convert_calibrated(freeze(model), images)
    assert len(read_layers(calibrated)) > 3
    # Its shift would have to be scaled too.
    assert pairs(calibrated) == ()


@pytest.mark.parametrize("between", ["max", "average", "rows", "channels", "split", "flat"])
def test_what_lies_between_has_to_leave_channels_alone(between: str) -> None:
    with quiet():
        import keras

        layers = keras.layers
        bounded = layers.ReLU(max_value=6)
        x = pixels = keras.Input(batch_shape=(1, 8, 8, 3), name="pixels")
        x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        if between == "max":
            x = bounded(layers.MaxPooling2D(2)(x))  # the converter fuses the two
        elif between == "average":
            x = bounded(layers.AveragePooling2D(2)(x))
        elif between == "rows":
            x = keras.ops.mean(x, axis=1)
        elif between == "channels":
            x = keras.ops.mean(x, axis=3)
        elif between == "split":
            x = keras.ops.mean(keras.ops.reshape(x, (1, 64, 2, 2)), axis=2)
        x = layers.Flatten()(x)
        model = keras.Model(pixels, layers.Dense(2, activation="softmax")(x))
    found = pairs(convert_calibrated(model, _noise(2)[:, :8, :8]))
    assert len(found) == (1 if between in ("rows", "flat") else 0)


def test_layers_between_which_nothing_can_be_moved(varied: bytes) -> None:
    assert read_layers(varied)[0].activation == "RELU"
    with quiet():
        import keras

        x = pixels = keras.Input(batch_shape=(1, 8, 8, 3), name="pixels")
        x = keras.layers.Conv2D(3, 3, activation="relu6")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(x))
    clipped = convert_calibrated(model, np.zeros((1, 8, 8, 3), np.uint8) + 9)
    assert pairs(clipped) == ()
    with pytest.raises(ConversionError, match="ReLU or pooling between them, got none"):
        equalize(clipped, {}, "both")


def _mean_error(calibrated: bytes, images: NDArray[np.uint8]) -> float:
    """Largest difference of a class's mean logit between the float and the quantized model."""
    quantized = quantize(calibrated, io=None)
    means = []
    for model in (calibrated, quantized):
        last = read_layers(model)[-1].target
        means.append(np.mean([v[last] for v in run_values(model, [last], images)], axis=0))
    return float(np.abs(means[1] - means[0]).max())


def test_bias_correction_takes_the_mean_error_back(varied: bytes) -> None:
    pictures = _noise(40)
    observation = observe(varied, pictures)
    # A coarse range makes errors that are worth correcting.
    ranged = apply(varied, observation, pictures, Method("percentile", 90.0))
    corrected = correct_bias(ranged, observation.means, pictures)
    before, after = read_layers(ranged), read_layers(corrected)
    assert all((x.weights == y.weights).all() for x, y in zip(before, after, strict=True))
    assert any((x.bias != y.bias).any() for x, y in zip(before, after, strict=True))
    # The reference keeps its biases: what is measured is the distance to the float model.
    quantized = quantize(corrected, io=None)
    last, true = read_layers(quantized)[-1].target, read_layers(ranged)[-1].target
    mean = np.mean([v[last] for v in run_values(quantized, [last], pictures)], axis=0)
    wanted = np.mean([v[true] for v in run_values(ranged, [true], pictures)], axis=0)
    assert np.abs(mean - wanted).max() < 0.3 * _mean_error(ranged, pictures)


def test_bias_correction_of_groups_and_of_dense_layers_at_every_position() -> None:
    pictures = _noise(20)
    method = Method("percentile", 90.0, bias_correction=True)
    flatbuffer = convert_by_method(_grouped_model(), pictures, method, io="uint8")
    assert predict(flatbuffer, pictures).shape == (20, 3)


def test_a_method_without_bias_correction_keeps_biases(varied: bytes) -> None:
    pictures = _noise(4)
    ranged = apply(varied, observe(varied, pictures), pictures, Method("mse"))
    for before, after in zip(read_layers(varied), read_layers(ranged), strict=True):
        np.testing.assert_array_equal(before.bias, after.bias)


@pytest.mark.parametrize(
    "method",
    [Method("mse"), Method("percentile", 99.9, "both", True), Method(equalize="activations")],
    ids=lambda method: method.title,
)
def test_a_candidate_is_what_its_options_compile(
    tiny: Tiny, images: NDArray[np.uint8], method: Method
) -> None:
    """What the search evaluates is, byte for byte, what the same options give alone."""
    frozen, train = freeze(tiny.model), tiny.pictures["train"]
    candidate = Candidate(method, 30, 1)
    preparation = Preparation(frozen, train)
    preparation.calibrated(Candidate(Method(), 60, None))  # what was done before changes nothing
    searched = quantize(preparation.calibrated(candidate), io="uint8")
    alone = convert_by_method(frozen, preparation.images(candidate), method, io="uint8")
    assert searched == alone


def test_black_pictures_give_no_ranges(tiny: Tiny, images: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError, match="what the model will see, got 4 that are all black"):
        convert_by_method(freeze(tiny.model), np.zeros_like(images[:4]), Method("mse"), io="uint8")


@pytest.mark.parametrize(
    "method",
    [
        Method(),
        Method("mse"),
        Method("percentile"),
        Method(equalize="both"),
        Method(bias_correction=True),
    ],
)
def test_dark_pictures_narrow_no_pixels(tiny: Tiny, method: Method) -> None:
    """By day a model has to see more than it was calibrated on."""
    dark = (tiny.pictures["train"].images[:20] // 3).astype(np.uint8)
    compiled = convert_by_method(freeze(tiny.model), dark, method, io="uint8")
    assert describe(compiled).input.scales == (1.0,)
    assert describe(compiled).input.zero_points == (0,)


def test_statistics_are_made_once(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from convert.search import preparation as module

    calls: list[int] = []

    def counted(calibrated: bytes, pictures: NDArray[np.uint8]) -> object:
        calls.append(len(pictures))
        return observe(calibrated, pictures)

    monkeypatch.setattr(module, "observe", counted)
    preparation = Preparation(freeze(tiny.model), tiny.pictures["train"])
    for method in (
        Method(),
        Method("mse"),
        Method(equalize="both"),
        Method("mse", equalize="both"),
    ):
        preparation.calibrated(Candidate(method, 12, None))
    assert calls == [12, 12]  # plain and equalized
    assert preparation.is_observed(Candidate(Method(), 12, None), "both")
    assert not preparation.is_observed(Candidate(Method(), 12, 0), None)


def test_the_planted_model_is_the_same_function(tiny: Tiny) -> None:
    pictures = tiny_pictures(4, seed=8).images
    assert pictures.shape[1] == TINY_SIDE
    hard = plant(tiny.model, share=0.25)
    before, after = (predict(convert_float(freeze(m)), pictures) for m in (tiny.model, hard.model))
    np.testing.assert_array_equal(before, after)
    assert hard.layer == "conv1_1"
    assert hard.next_layer == "conv2_1"
    assert len(hard.channels) == 2
