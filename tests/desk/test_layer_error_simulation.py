"""The simulation that single operators are judged by, held to the real converter and runtime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foreign_models import changed
from numpy.typing import NDArray
from tiny_model import Tiny

from convert.architecture import build_minivgg
from convert.errors import ConversionError, DataError
from convert.int8.conversion import convert_calibrated, convert_float, convert_int8, quantize
from convert.int8.freeze import freeze
from convert.int8.graph import read_graph
from convert.int8.predict import predict
from convert.int8.running import run_tensors
from convert.layer_error.analysis import analyse
from convert.layer_error.matching import INPUT, Matching, match_operators
from convert.layer_error.rounding import Rounding, read_roundings
from convert.layer_error.simulation import simulate
from convert.layer_error.source import Models, convert_both
from convert.quiet import quiet
from convert.search.method import EQUALIZATIONS, PLAIN, Method


@pytest.fixture(scope="module")
def images(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["validation"].images[:24]


@pytest.fixture(scope="module")
def models(tiny: Tiny) -> Models:
    return convert_both(freeze(tiny.model), tiny.pictures["train"].images[:40], Method())


@pytest.fixture(scope="module")
def matching(models: Models) -> Matching:
    return match_operators(read_graph(models.reference), read_graph(models.target))


@pytest.fixture(scope="module")
def roundings(models: Models, matching: Matching) -> tuple[Rounding, ...]:
    return read_roundings(models.reference, models.target, matching)


def test_every_operator_is_matched(matching: Matching) -> None:
    assert matching.unmatched == ()
    assert [(match.layer, match.kind) for match in matching.matches] == [
        ("pixels", INPUT),
        ("conv1_1", "CONV_2D"),
        ("pool1", "MAX_POOL_2D"),
        ("conv2_1", "CONV_2D"),
        ("pool2", "MAX_POOL_2D"),
        ("gap", "MEAN"),
        ("logits", "FULLY_CONNECTED"),
        # By its place: behind the conversion to uint8 it lost its name.
        ("softmax", "SOFTMAX"),
    ]


def test_a_renamed_operator_is_matched_by_its_place(models: Models, matching: Matching) -> None:
    graph = read_graph(models.target)
    renamed = tuple(replace(tensor, name=f"renamed {tensor.name}") for tensor in graph.tensors)
    reference = read_graph(models.reference)
    assert match_operators(reference, replace(graph, tensors=renamed)) == matching


def test_an_operator_without_a_counterpart_is_said(models: Models) -> None:
    reference, target = read_graph(models.reference), read_graph(models.target)
    fewer = tuple(op for op in reference.operations if op.name != "MEAN")
    found = match_operators(replace(reference, operations=fewer), target)
    assert found.unmatched == ("MEAN of the int8 graph has no counterpart: deployed_1/gap_1/Mean",)
    assert "gap" not in [match.layer for match in found.matches]
    fewer = tuple(op for op in target.operations if op.name != "MEAN")
    found = match_operators(reference, replace(target, operations=fewer))
    assert found.unmatched == ("MEAN of the float graph has no counterpart: deployed_1/gap_1/Mean",)


def test_all_operators_together_are_the_int8_model(
    models: Models,
    matching: Matching,
    roundings: tuple[Rounding, ...],
    images: NDArray[np.uint8],
) -> None:
    made = simulate(models.reference, matching, roundings, range(len(roundings)))
    scores, codes = predict(made.flatbuffer, images), predict(models.target, images)
    # Sums that fall between two codes may round either way, float32 sums are not int32 ones.
    assert np.abs(scores * 256 - codes).max() <= 1
    assert (scores * 256 == codes).mean() > 0.95
    assert np.abs(scores - predict(models.reference, images)).max() > 1 / 256
    none = simulate(models.reference, matching, roundings, [])
    np.testing.assert_array_equal(
        predict(none.flatbuffer, images), predict(models.reference, images)
    )


def test_one_operator_alone_is_what_the_converter_makes_of_it(
    tiny: Tiny, images: NDArray[np.uint8]
) -> None:
    """The converter also rounds the operator's input, so here the one before does so too."""
    calibrated = convert_calibrated(freeze(tiny.model), tiny.pictures["train"].images[:40])
    target = quantize(calibrated)
    matching = match_operators(read_graph(calibrated), read_graph(target))
    roundings = list(read_roundings(calibrated, target, matching))
    layers = [match.layer for match in matching.matches]
    chosen, before = layers.index("conv2_1"), layers.index("conv1_1")
    roundings[before] = replace(roundings[before], constants={})
    graph = read_graph(calibrated)
    outputs = [graph.tensors[op.outputs[0]].name for op in graph.operations]
    real = quantize(
        calibrated, io=None, float_operators=[name for name in outputs if "conv2_1" not in name]
    )
    assert sum(op.name == "QUANTIZE" for op in read_graph(real).operations) == 1
    made = simulate(calibrated, matching, roundings, [before, chosen])
    got, expected = predict(made.flatbuffer, images), predict(real, images)
    float_scores = predict(calibrated, images)
    error = np.abs(expected - float_scores).max()
    assert np.abs(got - expected).max() < 0.05 * error


def test_parts_of_an_operator(
    models: Models,
    matching: Matching,
    roundings: tuple[Rounding, ...],
    images: NDArray[np.uint8],
) -> None:
    position = [match.layer for match in matching.matches].index("conv1_1")
    scale = roundings[position].scale
    number = matching.matches[position].reference
    true = [values[number] for values in run_tensors(models.reference, [number], images[:2])]

    def output(part: str) -> list[NDArray[np.float32]]:
        parts = ["constants"] if part == "constants" else ["output"]
        made = simulate(models.reference, matching, roundings, [position], parts=parts)  # type: ignore[arg-type]
        number = made.outputs[position]
        return [values[number] for values in run_tensors(made.flatbuffer, [number], images[:2])]

    for x, rounded, weighted in zip(true, output("output"), output("constants"), strict=True):
        steps = rounded / scale
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
        assert 0 < np.abs(rounded - x).max() <= 0.51 * scale
        assert not np.allclose(weighted / scale, np.round(weighted / scale), atol=1e-3)
        assert np.abs(weighted - x).max() > 0


def test_pooling_rounds_nothing_of_its_own(
    matching: Matching, roundings: tuple[Rounding, ...]
) -> None:
    kinds = {m.kind: r.rounds for m, r in zip(matching.matches, roundings, strict=True)}
    assert kinds == {
        "INPUT": True,
        "CONV_2D": True,
        "MAX_POOL_2D": False,
        "MEAN": True,
        "FULLY_CONNECTED": True,
        "SOFTMAX": True,
    }


@pytest.mark.parametrize("io", ["uint8", "int8"])
def test_the_dtype_of_the_ends_changes_nothing(
    tiny: Tiny, models: Models, images: NDArray[np.uint8], io: str
) -> None:
    target = convert_int8(freeze(tiny.model), tiny.pictures["train"].images[:40], io=io)  # type: ignore[arg-type]
    found = analyse(models.reference, target, images[:6])
    assert found.unmatched == ()
    assert found.answers == analyse(models.reference, models.target, images[:6]).answers


def test_the_figures_of_the_report(models: Models, images: NDArray[np.uint8]) -> None:
    done: list[tuple[int, int]] = []
    found = analyse(
        models.reference, models.target, images, advance=lambda a, b: done.append((a, b))
    )
    assert done[-1] == (8, 8)
    assert len(done) == 8
    assert found.pictures == len(images)
    operators = {operator.layer: operator for operator in found.operators}
    pixels = operators["pixels"].accumulated
    # Every calibration picture has a pixel of 0 and one of 255: each pixel value is a code.
    assert (pixels.scale, pixels.zero_point, pixels.mean_error) == (1.0, -128, 0.0)
    conv = operators["conv1_1"]
    assert conv.accumulated.weights is not None
    assert conv.effect is not None
    # The input is exact, so the first layer's error is its own.
    assert conv.effect.sqnr_db == pytest.approx(conv.accumulated.sqnr_db, abs=0.1)
    assert conv.effect.sqnr_db > operators["logits"].accumulated.sqnr_db
    assert operators["softmax"].effect is None
    assert operators["pool1"].effect is None
    ranked = [operator.effect.alone.divergence for operator in found.ranked if operator.effect]
    assert ranked == sorted(ranked, reverse=True)
    assert len(ranked) == 5
    # To less than what the int8 kernels' own rounding of sums can add.
    assert found.simulated.divergence == pytest.approx(found.answers.divergence, rel=0.2, abs=1e-6)


@pytest.mark.parametrize("equalization", EQUALIZATIONS)
def test_an_equalized_model_is_compared_with_the_equalized_float_model(
    tiny: Tiny, models: Models, images: NDArray[np.uint8], equalization: str
) -> None:
    method = Method(equalize=equalization)  # type: ignore[arg-type]
    pair = convert_both(freeze(tiny.model), tiny.pictures["train"].images[:40], method)
    np.testing.assert_allclose(
        predict(pair.reference, images), predict(models.reference, images), atol=1e-4
    )
    found = analyse(pair.reference, pair.target, images[:6])
    assert min(operator.accumulated.cosine for operator in found.operators) > 0.98
    with pytest.raises(ConversionError, match=r"within half a step .* made of other weights"):
        analyse(models.reference, pair.target, images[:6])


def test_a_graph_that_is_no_chain(images: NDArray[np.uint8]) -> None:
    """A residual block, a concatenation, padding, depthwise and average pooling."""
    with quiet():
        import keras

        keras.utils.set_random_seed(5)
        layers = keras.layers
        pixels = keras.Input((16, 16, 3))
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(
            layers.Rescaling(1 / 255)(pixels)
        )
        y = layers.ZeroPadding2D(1, name="padding")(x)
        y = layers.DepthwiseConv2D(3, name="depthwise")(y)
        y = layers.BatchNormalization(name="folded")(y)
        x = layers.ReLU(name="behind_sum")(layers.Add(name="sum")([x, y]))
        x = layers.Concatenate(name="both")(
            [
                layers.Conv2D(4, 1, name="one")(x),
                layers.Conv2D(4, 3, padding="same", name="three")(x),
            ]
        )
        x = layers.GlobalAveragePooling2D()(layers.AveragePooling2D(2, name="average")(x))
        model = keras.Model(pixels, layers.Dense(4, name="logits")(x))
    models = convert_both(freeze(model), images, PLAIN)
    analysis = analyse(models.reference, models.target, images)
    assert analysis.unmatched == ()
    # Averages of four codes often lie in the middle of two, where the kernels round differently:
    # one bit is 6 dB.
    assert abs(analysis.simulated.sqnr_db - analysis.answers.sqnr_db) < 6
    named = {operator.layer for operator in analysis.operators}
    assert {"stem", "depthwise", "one", "three", "both", "average", "logits"} <= named
    # The sum has no constants, so it is no normalization; and nothing can be equalized here.
    (total,) = [operator for operator in analysis.operators if operator.kind == "ADD"]
    assert not total.has_constants
    assert not any(operator.equalizable for operator in analysis.operators)
    depthwise = next(o for o in analysis.operators if o.kind == "DEPTHWISE_CONV_2D")
    assert depthwise.accumulated.weights is not None
    assert depthwise.accumulated.weights.worst_channel_db > 30


def test_what_is_refused(models: Models, images: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError, match="expected pictures"):
        analyse(models.reference, models.target, images[:0])
    with pytest.raises(
        ConversionError, match=r"expected a float32 model of pictures .* got one of uint8"
    ):
        analyse(models.target, models.target, images)
    with pytest.raises(ConversionError, match="expected an int8 model, got float32"):
        analyse(models.reference, models.reference, images)


def test_another_models_weights_are_refused(models: Models, images: NDArray[np.uint8]) -> None:
    def shift(model: object) -> None:
        buffers = model.buffers  # type: ignore[attr-defined]
        largest = max(
            (b for b in buffers if b.data is not None), key=lambda buffer: len(buffer.data)
        )
        largest.data = np.roll(np.asarray(largest.data).view(np.float32), 1).view(np.uint8)

    other = changed(models.reference, shift)
    with pytest.raises(ConversionError, match=r"conv2_1: expected weights within half a step"):
        analyse(other, models.target, images)


def test_float_model_of_another_size(models: Models, images: NDArray[np.uint8]) -> None:
    other = build_minivgg(classes=3, height=20, width=20, blocks=((8,), (8,)), head="gap")
    flatbuffer = convert_float(freeze(other))
    with pytest.raises(ConversionError, match=r"got one of float32 \(1, 20, 20, 3\)"):
        analyse(flatbuffer, models.target, images)
