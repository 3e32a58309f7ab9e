"""Models without a manifest: only when asked for, checked before use, crashes kept in a child."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import os
import pickle
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minivgg_edge import (
    Classifier,
    ModelError,
    ModelFileError,
    ModelNotFoundError,
    RuntimeUnavailableError,
    Unverified,
    cli,
)
from minivgg_edge.cli.unverified_model import unverified_from
from minivgg_edge.model_file import ModelFile
from minivgg_edge.tensor_meaning import (
    check_classifier_tensors,
    check_pixel_range,
    check_scores,
    normalized_pixel_table,
)
from minivgg_edge.tensors import TensorSpec


@pytest.fixture
def foreign(bundled: ModelFile, tmp_path: Path) -> Path:
    """The bundled model's graph without its manifest."""
    path = tmp_path / "foreign.tflite"
    path.write_bytes(bundled.flatbuffer)
    return path


@pytest.fixture
def said(bundled: ModelFile) -> Unverified:
    """What is true of it."""
    return Unverified(labels=bundled.labels, activation="softmax")


# --- what is said of it ---------------------------------------------------------------------------


def test_numbers_of_numpy_are_numbers(foreign: Path, bundled: ModelFile) -> None:
    said = Unverified(
        labels=bundled.labels, activation="softmax", mean=np.float32(0.0), std=np.int64(1)
    )
    assert (type(said.mean), type(said.std)) == (float, float)
    with Classifier(foreign, unverified=said) as classifier:
        assert len(classifier.labels) == len(bundled.labels)


# --- the usual way in stays shut ------------------------------------------------------------------


def test_without_the_argument_it_is_refused(foreign: Path) -> None:
    message = r"expected a zip with manifest.json .* `python -m convert.package --adopt` makes one"
    with pytest.raises(ModelFileError, match=message):
        Classifier(foreign)


def test_a_compiled_model_is_not_loaded_unverified(
    bundled_bytes: bytes, said: Unverified, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(bundled_bytes)
    message = "expected a model without a manifest, got one with: load it verified"
    with pytest.raises(ModelFileError, match=message):
        Classifier(path, unverified=said)
    # Nor with a damaged zip.
    path.write_bytes(bundled_bytes[:-30])
    with pytest.raises(ModelFileError, match=message):
        Classifier(path, unverified=said)


# --- it classifies --------------------------------------------------------------------------------


@pytest.mark.parametrize("num_threads", [1, 2])
def test_it_answers_as_the_compiled_model(
    foreign: Path, said: Unverified, picture: np.ndarray, bundled: ModelFile, num_threads: int
) -> None:
    with (
        Classifier() as verified,
        Classifier(foreign, unverified=said, num_threads=num_threads) as classifier,
    ):
        for shown in (picture, np.repeat(picture, 3, axis=1)):
            assert classifier.classify(shown, top_k=3) == verified.classify(shown, top_k=3)
        assert repr(classifier).endswith(", unverified>")
        info = classifier.model_info
        assert verified.model_info.is_verified
    assert not info.is_verified
    assert info.unverified == said
    assert info.name == "foreign"
    assert info.sha256 == bundled.manifest.flatbuffer.sha256
    assert info.size_bytes == len(bundled.flatbuffer)
    assert info.manifest.labels == bundled.labels
    assert info.manifest.input == dataclasses.replace(bundled.manifest.input, crop="none")
    assert info.manifest.output.activation == "softmax"
    assert info.manifest.accuracy == ()
    for clone in (copy.copy(info), pickle.loads(pickle.dumps(info))):
        assert clone == info


def test_crop_is_followed(foreign: Path, bundled: ModelFile, picture: np.ndarray) -> None:
    wide = np.concatenate([picture * 0, picture, picture * 0], axis=1)
    said = Unverified(labels=bundled.labels, activation="softmax", crop="center")
    with Classifier(foreign, unverified=said) as classifier:
        np.testing.assert_array_equal(classifier.scores(wide), classifier.scores(picture))


def test_mean_and_std_are_applied(foreign: Path, said: Unverified, picture: np.ndarray) -> None:
    # The graph takes pixels as they are, so this is a darker picture to it. A faint one: of
    # strong noise the model is so sure that its scores hardly move.
    picture = picture // 8 + np.uint8(60)
    darker = picture - np.uint8(20)
    with (
        Classifier() as verified,
        Classifier(foreign, unverified=dataclasses.replace(said, mean=20.0)) as classifier,
    ):
        np.testing.assert_array_equal(classifier.scores(picture), verified.scores(darker))
        assert (classifier.scores(picture) != verified.scores(picture)).any()


def test_a_name_is_made_of_any_file_name(
    bundled: ModelFile, said: Unverified, tmp_path: Path
) -> None:
    path = tmp_path / "mein\nModell é.v2.tflite"
    path.write_bytes(bundled.flatbuffer)
    with Classifier(path, unverified=said) as classifier:
        assert classifier.model_info.name == "mein_Modell__.v2"


# --- contradictions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a", "b")}, "expected 2 classes, one per label, got 10"),
        (
            {"activation": "logits"},
            "expected logits, got scores from 0 to 1 whose sum is 1",
        ),
        (
            {"std": 255.0},
            r"input tensor: expected a range like that of \(pixel - 0\) / 255, 0 to 1, got 0 to 25",
        ),
        ({"mean": 127.5, "std": 127.5}, "is this the model's mean and std"),
    ],
)
def test_contradictions(
    foreign: Path, said: Unverified, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        Classifier(foreign, unverified=dataclasses.replace(said, **changes))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"labels": ("a",)}, ValueError, "labels: expected at least 2, got 1"),
        ({"labels": "ab"}, TypeError, "labels: expected a sequence of str, got one str"),
        ({"labels": ("a", 5)}, TypeError, r"labels\[1\]: expected a str, got int"),
        ({"labels": ("a", "a")}, ValueError, r"labels\[1\]: expected each label once, got 'a'"),
        ({"labels": ("a", " b")}, ValueError, r"labels\[1\]: expected one line of text without"),
        ({"labels": ("a", "b\nc")}, ValueError, r"labels\[1\]: expected one line of text"),
        ({"labels": ("a", "")}, ValueError, r"labels\[1\]: expected one line of text"),
        ({"activation": "sigmoid"}, ValueError, 'activation: expected "softmax" or "logits"'),
        ({"crop": "left"}, ValueError, 'crop: expected "none" or "center", got'),
        ({"mean": float("nan")}, ValueError, "mean: expected a finite number, got nan"),
        ({"std": 0.0}, ValueError, "std: expected a finite number above 0, got 0"),
        ({"std": float("inf")}, ValueError, "std: expected a finite number above 0, got inf"),
    ],
)
def test_bad_values(arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Unverified(**{"labels": ("a", "b"), "activation": "softmax", **arguments})


def test_what_has_to_be_said() -> None:
    with pytest.raises(TypeError, match="activation"):
        Unverified(labels=("a", "b"))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Unverified(("a", "b"), "softmax")  # type: ignore[misc]
    assert Unverified(labels=["a", "b"], activation="logits").labels == ("a", "b")  # type: ignore[arg-type]


def test_bad_arguments(foreign: Path, said: Unverified, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unverified: expected Unverified, got bool"):
        Classifier(foreign, unverified=True)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected, as it is unverified, a path, got NoneType"):
        Classifier(unverified=said)
    # An installed model's name is no way around its verification.
    for missing in (tmp_path / "none.tflite", "minivgg"):
        with pytest.raises(ModelNotFoundError):
            Classifier(missing, unverified=said)
    (tmp_path / "text.tflite").write_text("this is no model")
    with pytest.raises(ModelFileError, match="expected a TFLite model with b'TFL3'"):
        Classifier(tmp_path / "text.tflite", unverified=said)


# --- crashes --------------------------------------------------------------------------------------


def test_damaged_files_end_in_an_error_or_an_answer(
    bundled: ModelFile, said: Unverified, picture: np.ndarray, tmp_path: Path
) -> None:
    """More of them: `python -m benchmarks.reliability.unverified`."""
    generator = random.Random(11)
    data = bundled.flatbuffer
    path = tmp_path / "damaged.tflite"
    refused = []
    for case in range(12):
        damaged = bytearray(data)
        if case % 2:
            del damaged[generator.randrange(8, len(data)) :]
        else:
            # The tables lie at the end, behind the weights.
            damaged[generator.randrange(len(data) - 3000, len(data))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            with Classifier(path, unverified=said) as classifier:
                classifier.classify(picture)
        except ModelError as error:
            refused.append(str(error))
    assert len(refused) >= 6  # no truncated one runs
    assert all(repr(str(path)) in message for message in refused)


@pytest.fixture
def crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that puts a runtime with this source in front of the child's path alone."""

    def write(source: str) -> None:
        package = tmp_path / "site" / "ai_edge_litert"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("__version__ = '9.8.7'\n")
        (package / "interpreter.py").write_text(f"import os\n{source}")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return write


def test_a_crash_while_loading_names_the_signal(
    crash: Callable[[str], None], foreign: Path, said: Unverified
) -> None:
    crash("class Interpreter:\n    def __init__(self, **_):\n        os.kill(os.getpid(), 11)\n")
    message = (
        r"foreign.tflite': expected a sound model, got: loading the model: the child process was "
        r"ended by signal 11 \(SIGSEGV"
    )
    with pytest.raises(ModelFileError, match=message):
        Classifier(foreign, unverified=said)


def test_a_crash_of_the_runtime_alone_is_not_the_model_s(
    crash: Callable[[str], None], foreign: Path, said: Unverified
) -> None:
    crash("os.kill(os.getpid(), 4)\n")
    message = "importing the runtime: the child process was ended by signal 4 .SIGILL"
    with pytest.raises(RuntimeUnavailableError, match=message):
        Classifier(foreign, unverified=said)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX descriptors")
@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_hang_nothing(
    closed: str, foreign: Path, bundled: ModelFile, tmp_path: Path
) -> None:
    image_module = pytest.importorskip("PIL.Image")
    picture, labels = tmp_path / "picture.png", tmp_path / "labels.txt"
    image_module.new("RGB", (32, 32)).save(picture)
    labels.write_text("\n".join(bundled.labels))
    words = [sys.executable, "-m", "minivgg_edge", "classify", str(picture), "--unverified"]
    words += ["--model", str(foreign), "--labels", str(labels), "--activation", "softmax"]
    with subprocess.Popen(["/bin/sh", "-c", f"exec {shlex.join(words)} {closed}"]) as process:
        try:
            # Where nobody can be told, the answer is lost, but not the time.
            assert process.wait(timeout=60) in (0, 2)
        finally:
            process.kill()


# --- what tensors can mean, by hand ---------------------------------------------------------------

INPUT = TensorSpec((1, 32, 32, 3), "uint8", 1.0, 0)
OUTPUT = TensorSpec((1, 4), "uint8", 1 / 256, 0)
FLOATS = TensorSpec((1, 4), "float32", None, None)


def test_a_classifier_s_tensors_pass() -> None:
    check_classifier_tensors(INPUT, OUTPUT, source="m")
    check_classifier_tensors(TensorSpec((1, 8, 8, 3), "float32", None, None), FLOATS, source="m")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dtype": "int16"}, "input tensor: expected one of .* got int16"),
        ({"dtype": "float32"}, "input tensor: expected no scale for float32, got 1.0"),
        ({"scale": None, "zero_point": None}, "expected a scale for uint8, got none"),
        ({"scale": 0.0}, "expected a scale above 0, got 0.0"),
        ({"scale": float("nan")}, "expected a scale above 0, got nan"),
        ({"zero_point": 256}, "expected a zero point from 0 to 255, got 256"),
        ({"shape": (1, 1, 1, 3)}, "expected a fixed size of more than 1 x 1 pixels"),
        ({"shape": (1, 32, 5000, 3)}, "at most 4096 a side, got 5000 x 32"),
    ],
)
def test_other_input_tensors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        check_classifier_tensors(dataclasses.replace(INPUT, **changes), OUTPUT, source="m")


@pytest.mark.parametrize("classes", [1, 100_001])
def test_other_numbers_of_classes(classes: int) -> None:
    output = dataclasses.replace(OUTPUT, shape=(1, classes))
    with pytest.raises(ModelFileError, match=f"expected 2 to 100000 classes, got {classes}"):
        check_classifier_tensors(INPUT, output, source="m")


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "mean", "std", "fits"),
    [
        ("uint8", 1.0, 0, 0, 1, True),
        ("int8", 1.0, -128, 0, 1, True),
        ("int8", 0.92, -128, 0, 1, True),  # calibrated on darker pictures
        ("int8", 1 / 255, -128, 0, 255, True),
        ("int8", 1 / 127.5, 0, 127.5, 127.5, True),
        ("uint8", 1 / 127.5, 128, 127.5, 127.5, True),
        ("int8", 0.0187, -14, 123.7, 58.4, True),  # ImageNet's mean and deviation
        ("int8", 1 / 255, -128, 0, 1, False),  # 0-1 taken for 0-255
        ("int8", 1.0, -128, 0, 255, False),
        ("int8", 1 / 127.5, 0, 0, 255, True),  # not to be told apart: half of the range is used
        ("int8", 1 / 255, -128, 127.5, 127.5, False),
    ],
)
def test_pixel_ranges(
    dtype: str, scale: float, zero_point: int, mean: float, std: float, fits: bool
) -> None:
    tensor = TensorSpec((1, 8, 8, 3), dtype, scale, zero_point)
    if fits:
        check_pixel_range(tensor, mean=mean, std=std, source="m")
    else:
        with pytest.raises(ModelFileError, match="expected a range like that of"):
            check_pixel_range(tensor, mean=mean, std=std, source="m")


def test_normalized_pixels() -> None:
    floats = TensorSpec((1, 8, 8, 3), "float32", None, None)
    table = normalized_pixel_table(floats, mean=127.5, std=127.5)
    assert table is not None
    assert (table.dtype, table[0], table[255]) == (np.float32, -1.0, 1.0)
    signed = TensorSpec((1, 8, 8, 3), "int8", 1 / 255, -128)
    table = normalized_pixel_table(signed, mean=0, std=255)
    assert table is not None
    assert table.tolist() == list(range(-128, 128))
    assert normalized_pixel_table(INPUT, mean=0, std=1) is None  # pixels as they are


@pytest.mark.parametrize(
    ("outputs", "tensor", "activation", "message"),
    [
        ([[0.25, 0.75, 0, 0]], FLOATS, "softmax", None),
        ([[-3.0, 8.1, 0, 2]], FLOATS, "logits", None),
        ([[-3.0, 8.1, 0, 2]], FLOATS, "softmax", "expected softmax, got values that are no scores"),
        ([[0.5, 0.75, 0, 0]], FLOATS, "softmax", "expected softmax, got values that are no"),
        ([[0.25, 0.75, 0, 0]], FLOATS, "logits", "expected logits, got scores from 0 to 1"),
        ([[0.5, np.nan, 0, 0]], FLOATS, "logits", "expected finite values"),
        ([[64, 192, 0, 0]], OUTPUT, "softmax", None),
        ([[64, 191, 1, 0], [255, 0, 0, 0]], OUTPUT, "softmax", None),
        ([[64, 64, 0, 0]], OUTPUT, "softmax", "expected softmax, got values that are no scores"),
        # Computed in int8 inside: codes of 1/256, whose sum is 1 but for rounding.
        ([[34 / 256, 121 / 256, 50 / 256, 52 / 256]], FLOATS, "softmax", None),
        ([[34 / 256, 121 / 256, 50 / 256, 52 / 256]], FLOATS, "logits", "expected logits, got sc"),
        ([[34 / 256, 121 / 256, 50 / 256, 62 / 256]], FLOATS, "softmax", "values that are no"),
        ([[0.1, 0.4, 0.3, 0.204]], FLOATS, "softmax", "values that are no scores"),
        (
            [[1, 0, 0, 0]],
            dataclasses.replace(OUTPUT, scale=1.0),
            "softmax",
            "expected softmax, that is a range of 0 to 1, got 0 to 255",
        ),
    ],
)
def test_scores(
    outputs: list[list[float]], tensor: TensorSpec, activation: Any, message: str | None
) -> None:
    raw = np.array(outputs).astype(tensor.dtype)
    if message is None:
        check_scores(raw, tensor, activation=activation, source="m")
    else:
        with pytest.raises(ModelFileError, match=message):
            check_scores(raw, tensor, activation=activation, source="m")


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def labels(bundled: ModelFile, tmp_path: Path) -> str:
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(bundled.labels) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def picture_file(picture: np.ndarray, tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "p.png"
    image.fromarray(picture).save(path)
    return path


def test_command(
    foreign: Path,
    labels: str,
    picture: np.ndarray,
    picture_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = str(picture_file)
    options = ["--unverified", "--labels", labels, "--activation", "softmax"]
    assert cli.main(["classify", "--model", str(foreign), *options, shown]) == 0
    with Classifier() as classifier:
        assert classifier.classify(picture)[0].label in capsys.readouterr().out


def test_command_crops(
    foreign: Path,
    labels: str,
    picture: np.ndarray,
    picture_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image = pytest.importorskip("PIL.Image")
    wide = np.concatenate([255 - picture, picture, 255 - picture], axis=1)
    wide_file = picture_file.with_name("wide.png")
    image.fromarray(wide).save(wide_file)
    options = ["--unverified", "--labels", labels, "--activation", "softmax", "--json"]

    def predictions(shown: Path, *more: str) -> object:
        words = ["--model", str(foreign), *options, *more, str(shown)]
        assert cli.main(["classify", *words]) == 0
        return json.loads(capsys.readouterr().out)["predictions"]

    assert predictions(wide_file, "--crop", "center") == predictions(picture_file)
    assert predictions(wide_file) == predictions(wide_file, "--crop", "none")
    assert predictions(wide_file) != predictions(picture_file)


def test_evaluation(
    foreign: Path, labels: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same graph gives the same figures, but for what is promised of it."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(5)
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    words = ["evaluate", str(tmp_path / "set"), "--allow-missing"]
    assert cli.main([*words, "--json"]) == 0
    compiled = json.loads(capsys.readouterr().out)
    words += ["--model", str(foreign), "--unverified", "--labels", labels]
    assert cli.main([*words, "--activation", "softmax", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (compiled["verified"], found["verified"]) == (True, False)
    for figure in ("pictures", "correct", "confusion_matrix", "classes"):
        assert found[figure] == compiled[figure]
    assert cli.main([*words, "--activation", "softmax"]) == 0
    assert re.search(r"^verified +no: labels and pixels", capsys.readouterr().out, re.MULTILINE)
    assert cli.main(words) == 2
    assert "--unverified: expected also --activation, got none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "LABELS"], "--labels: expected together with --unverified"),
        (["--std", "255"], "--std: expected together with --unverified"),
        (["--crop", "center"], "--crop: expected together with --unverified"),
        (["--unverified", "--labels", "LABELS"], "--unverified: expected also --activation, got"),
        (["--unverified", "--activation", "logits"], "--unverified: expected also --labels, got"),
        (
            ["--unverified", "--activation", "logits", "--labels", "none.txt"],
            "'none.txt': expected a file of labels, got no such file",
        ),
        (
            ["--unverified", "--activation", "logits", "--labels", "LABELS", "--std", "-1"],
            "--unverified: std: expected a finite number above 0, got -1.0",
        ),
    ],
)
def test_command_line_mistakes(
    foreign: Path,
    labels: str,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [labels if word == "LABELS" else word for word in options]
    assert cli.main(["classify", "--model", str(foreign), *words, "picture.png"]) == 2
    assert message in capsys.readouterr().err


def test_labels_of_an_editor_that_marks_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbfcat\r\nk\xc3\xa4fer\r\n")
    arguments = argparse.Namespace(
        unverified=True,
        model="m.tflite",
        labels=str(path),
        activation="softmax",
        mean=2.0,
        std=None,
        crop=None,
    )
    expected = Unverified(labels=("cat", "käfer"), activation="softmax", mean=2.0)
    assert unverified_from(arguments) == expected


def test_command_needs_a_file(labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--unverified", "--labels", labels, "--activation", "softmax", "picture.png"]
    assert cli.main(["classify", *words]) == 2
    assert "--unverified: expected also --model, got none" in capsys.readouterr().err
    assert cli.main(["classify", "--mean", "x", "picture.png"]) == 2
    assert "expected a finite number, got 'x'" in capsys.readouterr().err
