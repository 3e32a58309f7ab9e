"""The end of the graph and what the command does for scores, up to the device."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import Run, RunQuantize, Tiny, TinyCompiled, tiny_pictures, write_folder

from convert import evaluate
from convert.command import EXIT_NOT_ENOUGH_EVIDENCE
from convert.data.pictures import PictureSet
from convert.data.sample import load_sample
from convert.errors import FloatModelError
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.conversion import convert_float, convert_int8
from convert.int8.float_model import load_float_model
from convert.int8.freeze import freeze, layer_chain
from convert.int8.labels import read_training_record, reorder
from convert.int8.predict import predict
from convert.quiet import quiet
from convert.scores.ending import (
    ends_in_softmax,
    fold_temperature,
    with_softmax,
    without_softmax,
)
from convert.scores.finish import Scores, finish
from convert.scores.resolution import Resolution
from convert.scores.settings import ScoreSettings
from convert.scores.threshold import choose_threshold
from minivgg_edge.classifier import Classifier
from minivgg_edge.model_file import read_model_file

PIXELS = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3)).astype(np.float32)


def small(tail: Callable[[Any], Any], *, branch: bool = False) -> Any:
    """A frozen model with random weights and the wanted last layers, a chain or not."""
    with quiet():
        import keras

        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Rescaling(1 / 255)(inputs)
        x = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.HeNormal(seed=1))(x)
        if branch:
            x = keras.layers.Add()([x, keras.layers.ReLU()(x)])
        x = keras.layers.GlobalAveragePooling2D()(x)
        frozen = freeze(keras.Model(inputs, tail(x)))
    assert (layer_chain(frozen) is None) == branch
    return frozen


def dense(activation: str | None) -> Any:
    import keras

    return keras.layers.Dense(
        3,
        activation=activation,
        kernel_initializer=keras.initializers.HeNormal(seed=2),
        bias_initializer=keras.initializers.RandomNormal(seed=3),
    )


def softmax_tails() -> dict[str, Callable[[Any], Any]]:
    import keras

    return {
        "layer": lambda x: keras.layers.Softmax()(dense(None)(x)),
        "activation": lambda x: keras.layers.Activation("softmax")(dense(None)(x)),
        "dense": lambda x: dense("softmax")(x),
    }


def answers(model: Any) -> np.ndarray:
    return np.concatenate([np.asarray(model(picture[None], training=False)) for picture in PIXELS])


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("branch", [False, True], ids=["chain", "branch"])
@pytest.mark.parametrize("tail", ["layer", "activation", "dense"])
def test_ends(tail: str, branch: bool) -> None:
    model = small(softmax_tails()[tail], branch=branch)
    before = answers(model)
    assert ends_in_softmax(model)
    cut = without_softmax(model)
    assert not ends_in_softmax(cut)
    np.testing.assert_allclose(softmax(answers(cut)), before, rtol=1e-5)
    np.testing.assert_allclose(answers(with_softmax(cut)), before, rtol=1e-5)
    folded = fold_temperature(model, 0.3)
    np.testing.assert_allclose(answers(folded), softmax(answers(cut) / 0.3), rtol=1e-5)
    np.testing.assert_allclose(answers(model), before)  # the given model stays as it is
    assert folded.inputs[0].name == model.inputs[0].name
    assert folded.inputs[0].shape == model.inputs[0].shape


@pytest.mark.parametrize("branch", [False, True], ids=["chain", "branch"])
def test_logits_take_a_temperature(branch: bool) -> None:
    model = small(dense(None), branch=branch)
    np.testing.assert_allclose(answers(fold_temperature(model, 0.3)), answers(model) / 0.3, 1e-5)


def nested(tail: list[Any], inner_tail: list[Any]) -> Any:
    """A frozen model that is only wrapped: models within models, augmentation among them."""
    with quiet():
        import keras

        layers = keras.layers
        keras.utils.set_random_seed(7)
        augmentation = keras.Sequential([keras.Input((8, 8, 3)), layers.RandomFlip()])
        inner = keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                augmentation,
                layers.Rescaling(1 / 255),
                layers.Conv2D(4, 3),
                layers.GlobalAveragePooling2D(),
                *inner_tail,
            ]
        )
        frozen = freeze(keras.Sequential([keras.Input((8, 8, 3)), inner, *tail]))
    assert layer_chain(frozen) is None
    return frozen


def nested_ends(name: str) -> tuple[list[Any], list[Any]]:
    import keras

    return {
        "dense within": ([], [dense("softmax")]),
        "layer within": ([], [dense(None), keras.layers.Softmax()]),
        "layer behind": ([keras.layers.Softmax()], [dense(None)]),
        "dense behind": ([dense("softmax")], []),
    }[name]


@pytest.mark.parametrize("end", ["dense within", "layer within", "layer behind", "dense behind"])
def test_ends_of_nested_models(end: str) -> None:
    model = nested(*nested_ends(end))
    before = answers(model)
    assert ends_in_softmax(model)
    cut = without_softmax(model)
    assert not ends_in_softmax(cut)
    logits = answers(cut)
    np.testing.assert_allclose(softmax(logits), before, rtol=1e-5)
    np.testing.assert_allclose(answers(with_softmax(cut)), before, rtol=1e-5)
    np.testing.assert_allclose(
        answers(fold_temperature(model, 0.3)), softmax(logits / 0.3), rtol=1e-5
    )
    np.testing.assert_allclose(answers(model), before)
    assert cut.inputs[0].name == model.inputs[0].name
    assert cut.inputs[0].shape == model.inputs[0].shape


@pytest.mark.parametrize("tail", ["within", "behind"])
def test_logits_of_a_wrapped_model_get_softmax_and_temperature(tail: str) -> None:
    """`--output softmax --temperature fit`."""
    model = nested([], [dense(None)]) if tail == "within" else nested([dense(None)], [])
    labels = answers(model).argmax(axis=1)
    labels[::2] = (labels[::2] + 1) % 3  # right on some, so that there is a temperature
    pictures = PictureSet(PIXELS.astype(np.uint8), labels, ("a", "b", "c"))
    settings = ScoreSettings("softmax", fit_temperature=True)
    finished = finish(model, pictures, settings, say=lambda text: None)
    assert finished.is_folded
    expected = softmax(answers(model) / finished.fitted_temperature)
    np.testing.assert_allclose(answers(finished.model), expected, rtol=1e-4)
    converted = predict(convert_float(finished.model), pictures.images)
    np.testing.assert_allclose(converted, expected, rtol=1e-3)


def test_ends_that_cannot_be_changed() -> None:
    import keras

    sigmoid = small(dense("sigmoid"))
    assert not ends_in_softmax(sigmoid)
    with pytest.raises(FloatModelError, match="expected logits, to put a softmax behind them"):
        with_softmax(sigmoid)
    for model in (sigmoid, small(keras.layers.ReLU()), small(keras.layers.Softmax())):
        with pytest.raises(FloatModelError, match="expected a dense layer in front of the softmax"):
            fold_temperature(model, 2.0)
    with pytest.raises(
        FloatModelError, match="expected a softmax that can be taken away, got ReLU"
    ):
        without_softmax(small(keras.layers.ReLU()))


def test_logits_and_softmax_give_the_same_answers_to_the_sample() -> None:
    labels = read_training_record(DEFAULT_MODEL)["labels"]
    sample = load_sample()
    calibration = reorder(sample.calibration, labels, source="sample").images[:60]
    pictures = reorder(sample.validation, labels, source="sample").images[:400]
    frozen = freeze(load_float_model(DEFAULT_MODEL))
    plain = predict(convert_int8(frozen, calibration), pictures)
    logits = predict(convert_int8(without_softmax(frozen), calibration), pictures)
    folded = predict(convert_int8(fold_temperature(frozen, 0.6), calibration), pictures)
    for scores in (plain, folded):
        tied = (scores == scores.max(axis=1, keepdims=True)).sum(axis=1) > 1
        assert tied.mean() < 0.05
        np.testing.assert_array_equal(scores[~tied].argmax(axis=1), logits[~tied].argmax(axis=1))
    assert folded.max(axis=1).mean() > plain.max(axis=1).mean()  # below 1: surer


def test_where_all_answers_are_right_the_model_stays_as_it_is(tiny: Tiny) -> None:
    """A few dozen photos that are all recognized: no temperature, and no reason to fail."""
    frozen, images = freeze(tiny.model), tiny.pictures["validation"].images
    answers = predict(convert_float(frozen), images).argmax(axis=1)
    right = PictureSet(images, answers, tiny.pictures["validation"].class_names)
    settings = ScoreSettings(fit_temperature=True)
    finished = finish(frozen, right, settings, say=lambda _: None)
    assert finished.model is frozen
    assert finished.temperature is None
    threshold = choose_threshold(np.full(9, 0.9), np.full(9, True), accept_accuracy=0.95)
    scores = Scores(finished, threshold, True, Resolution("softmax", None))
    no_temperature, no_threshold = scores.warnings
    assert no_temperature.startswith("no temperature is fitted: the answers to the 180 validation")
    assert no_threshold.startswith("no threshold is stored")


# --- the command ----------------------------------------------------------------------------------

OPTIONS = ("--max-drop", 5, "--calibration-count", 60, "--temperature", "fit")


@pytest.fixture(scope="module")
def folded(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path_factory: pytest.TempPathFactory
) -> TinyCompiled:
    return compiled(tiny, run_quantize, tmp_path_factory.mktemp("folded"), "softmax")


@pytest.fixture(scope="module")
def logits(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path_factory: pytest.TempPathFactory
) -> TinyCompiled:
    return compiled(tiny, run_quantize, tmp_path_factory.mktemp("logits"), "logits")


def compiled(tiny: Tiny, run_quantize: RunQuantize, folder: Path, output: str) -> TinyCompiled:
    path = folder / "tiny.tflite"
    arguments = (tiny.path, "-o", path, "--data", tiny.data, *OPTIONS)
    run = run_quantize(*arguments, "--accept-accuracy", 85, "--output", output)
    assert run.code == 0, run.err
    return TinyCompiled(path, run)


def scores_of(path: Path, tiny: Tiny) -> np.ndarray:
    with quiet(), Classifier(path) as classifier:
        return np.stack([classifier.scores(image) for image in tiny.pictures["test"].images])


def test_what_the_manifest_says(folded: TinyCompiled, logits: TinyCompiled) -> None:
    files = [read_model_file(one.path) for one in (folded, logits)]
    said = [file.manifest.training["scores"] for file in files]
    value = said[0]["temperature"]["value"]
    assert [file.manifest.output.activation for file in files] == ["softmax", "logits"]
    # Softmax: the graph divides, and the device must not do it again.
    assert [file.manifest.output.temperature for file in files] == [1.0, value]
    assert [s["temperature"]["folded_into_last_layer"] for s in said] == [True, False]
    assert said[0]["temperature"]["count"] == 180
    for file, one in zip(files, said, strict=True):
        assert file.manifest.output.threshold == one["threshold"]["value"]
        assert one["threshold"]["validation"]["count"] == 180
    assert "logits of 3 classes out" in files[1].manifest.description


def test_both_outputs_give_the_same_scores(
    folded: TinyCompiled, logits: TinyCompiled, tiny: Tiny
) -> None:
    softmax_scores, logits_scores = (scores_of(one.path, tiny) for one in (folded, logits))
    # The same int8 logits; of softmax, 8 bits are kept: half a step, and one for its kernel.
    assert np.abs(softmax_scores - logits_scores).max() < 1.5 / 256
    float_scores = [scores_of(one.float_path, tiny) for one in (folded, logits)]
    np.testing.assert_allclose(*float_scores, atol=1e-5)


def test_scores_come_true(folded: TinyCompiled, tiny_compiled: TinyCompiled) -> None:
    before, after = (
        json.loads(one.report_path.read_bytes())["comparisons"][0]["float_scores"]
        for one in (tiny_compiled, folded)
    )
    assert after["expected_calibration_error"] < before["expected_calibration_error"]
    report = json.loads(folded.report_path.read_bytes())["scores"]["temperature"]
    assert report["negative_log_likelihood"] < report["negative_log_likelihood_before"]


def test_the_threshold_does_on_the_device_what_the_report_says(
    folded: TinyCompiled, tiny: Tiny
) -> None:
    said = json.loads(folded.report_path.read_bytes())["scores"]["threshold"]["validation"]
    pictures = tiny.pictures["validation"]
    with quiet(), Classifier(folded.path) as classifier:
        found = list(classifier.classify_batch(pictures.images, threshold="model"))
    labels = [pictures.class_names[label] for label in pictures.labels]
    accepted = [(p[0].label, label) for p, label in zip(found, labels, strict=True) if p]
    assert len(accepted) == said["accepted"] < len(pictures)
    assert sum(a == b for a, b in accepted) == said["accepted_right"]


def test_nothing_is_stored_unasked(tiny_compiled: TinyCompiled) -> None:
    manifest = read_model_file(tiny_compiled.path).manifest
    assert (manifest.output.temperature, manifest.output.threshold) == (1.0, None)
    assert "scores" not in manifest.training
    scores = json.loads(tiny_compiled.report_path.read_bytes())["scores"]
    assert scores["temperature"] is None
    assert not scores["threshold"]["stored"]
    assert scores["resolution"]["step"] == 1 / 256


def test_what_is_printed(folded: TinyCompiled, logits: TinyCompiled) -> None:
    assert "in the last layer's weights" in folded.run.out
    assert "in the manifest" in logits.run.out
    for one in (folded, logits):
        assert "Fitting a temperature on 180 validation pictures" in one.run.out
        assert "Answers with a score of at least 0." in one.run.out
    assert "scores have steps of 0.00391 everywhere" in folded.run.out
    assert "logits have steps of" in logits.run.out


def test_a_threshold_that_nothing_promises(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.tflite"
    arguments = (tiny.path, "-o", path, "--data", tiny.data, "--max-drop", 5)
    run = run_quantize(*arguments, "--accept-accuracy", 99.9, "--quiet")
    assert run.code == 0
    assert "no threshold is stored" in run.err
    assert read_model_file(path).manifest.output.threshold is None


def test_a_temperature_from_pictures_that_determine_none(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    few = tiny_pictures(12, seed=1)
    right = np.asarray(tiny.model(few.images.astype(np.float32))).argmax(axis=1) == few.labels
    parts = {"train": tiny_pictures(5, seed=7), "validation": few.subset(np.flatnonzero(right))}
    data = write_folder(tmp_path / "data", parts)
    path = tmp_path / "x.tflite"
    run = run_quantize(tiny.path, "-o", path, "--data", data, *OPTIONS)
    assert run.code == EXIT_NOT_ENOUGH_EVIDENCE, run.err
    assert "warning: no temperature is fitted: the answers to the" in run.err
    assert "temperature" not in read_model_file(path).manifest.training.get("scores", {})


def test_evaluating_the_compiled_file(
    logits: TinyCompiled, tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(logits.path), "--data", str(tiny.data)]
    report = json.loads(logits.report_path.read_bytes())["comparisons"][1]
    assert evaluate.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == report["target_scores"]
    assert evaluate.main([*arguments, "--float", str(logits.float_path)]) == 0
    text = capsys.readouterr().out
    assert "Scores against the truth" in text
    threshold = read_model_file(logits.path).manifest.output.threshold
    assert f"Answers with a score of at least {threshold:g}" in text


# --- the page -------------------------------------------------------------------------------------


def page_of(one: TinyCompiled) -> str:
    return one.report_path.with_suffix(".html").read_text(encoding="utf-8")


def test_the_page(folded: TinyCompiled) -> None:
    page, report = page_of(folded), json.loads(folded.report_path.read_bytes())
    for found in report["comparisons"]:
        for share in (found["float_top1"], found["target_top1"]):
            assert f">{100 * share:.2f} %<" in page
        for scores in (found["float_scores"], found["target_scores"]):
            assert f">{100 * scores['expected_calibration_error']:.2f} %<" in page
    flips = report["comparisons"][0]["flips"]
    assert flips  # or nothing is shown
    assert page.count('src="data:image/png;base64,') == len(flips)
    assert "Do scores come true?" in page
    assert "What a threshold costs and brings" in page
    assert f"threshold {report['scores']['threshold']['value']:g}: " in page
    for word in ("<script", "http://", "https://"):
        assert word not in page


def test_the_flips_are_those_of_validation(folded: TinyCompiled, tiny: Tiny) -> None:
    import base64
    import io
    import re

    from PIL import Image

    report = json.loads(folded.report_path.read_bytes())["comparisons"][0]
    shown = {
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).tobytes()
        for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page_of(folded))
    }
    # The report numbers the pictures in the order of the folder's classes and files.
    expected = {image.tobytes() for image in tiny.pictures["validation"].images}
    assert len(shown) == len(report["flips"])
    assert shown <= expected


def test_every_name_is_escaped(tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path) -> None:
    from dataclasses import replace

    names = ("<b>red", "green & co", "blue")
    parts = {
        part: replace(pictures, class_names=names)
        for part, pictures in tiny.pictures.items()
        if part != "test"
    }
    data = write_folder(tmp_path / "data", parts)
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(names))
    path = tmp_path / "odd.tflite"
    arguments = (tiny.path, "-o", path, "--data", data, "--labels", labels, "--max-drop", 5)
    run: Run = run_quantize(*arguments, "--quiet")
    assert run.code == 0, run.err
    page = path.with_suffix(".report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;red" in page
    assert "green &amp; co" in page
    assert "<b>red" not in page
