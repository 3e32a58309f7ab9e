"""`python -m convert.quantize`: from a float model to files, and every way in which it ends."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from tiny_model import RunQuantize, Tiny, TinyCompiled, tiny_pictures, write_folder

from convert import quantize
from convert.errors import ConversionError
from convert.int8 import arguments as quantize_arguments
from convert.quiet import quiet
from convert.report.model_card import model_card
from minivgg_edge.classifier import Classifier
from minivgg_edge.model_file import read_model_file

_ROOT = Path(quantize.__file__).resolve().parent.parent


def test_prints_each_step_and_the_comparison(tiny_compiled: TinyCompiled) -> None:
    out = tiny_compiled.run.out
    for step in ("Loading", "Reading", "Converting", "Auditing", "Comparing", "Packing"):
        assert f"\n{step}" in f"\n{out}"
    assert "CONV_2D" in out
    assert "data, validation" in out
    assert "PASSED" in out
    assert tiny_compiled.run.err == ""


def test_the_compiled_file_says_where_it_comes_from(
    tiny: Tiny, tiny_compiled: TinyCompiled
) -> None:
    manifest = read_model_file(tiny_compiled.path).manifest
    assert manifest.name == "tiny"
    assert manifest.labels == ("red", "green", "blue")
    assert manifest.input.crop == "center"
    assert (manifest.input.dtype, manifest.input.scale, manifest.input.zero_point) == (
        "uint8",
        1.0,
        0,
    )
    assert manifest.output.activation == "softmax"
    assert manifest.calibration["count"] == 60
    assert manifest.calibration["pixel_min"] == 0
    assert manifest.calibration["pixel_max"] == 255
    assert [(a.split, a.count) for a in manifest.accuracy] == [("validation", 180), ("test", 60)]
    assert manifest.accuracy[0].float_top1 > 0.7
    digest = hashlib.sha256(tiny.path.read_bytes()).hexdigest()
    assert manifest.training["float_model"]["sha256"] == digest
    assert manifest.training["recipe"] == {"epochs": 1}
    assert b"secret" not in tiny_compiled.path.read_bytes()  # the command may name local folders


def test_the_compiled_file_answers_as_its_float_model(
    tiny: Tiny, tiny_compiled: TinyCompiled
) -> None:
    pictures = tiny.pictures["test"]
    expected = np.asarray(tiny.model(pictures.images.astype(np.float32)))
    for path, tolerance in ((tiny_compiled.path, 0.1), (tiny_compiled.float_path, 1e-4)):
        with quiet(), Classifier(path) as classifier:
            scores = np.stack([classifier.scores(image) for image in pictures.images])
        np.testing.assert_allclose(scores, expected, atol=tolerance)


def test_the_float_file_is_marked_as_such(tiny_compiled: TinyCompiled) -> None:
    manifest = read_model_file(tiny_compiled.float_path).manifest
    assert (manifest.input.dtype, manifest.output.dtype) == ("float32", "float32")
    assert manifest.accuracy[0].drop == 0.0
    assert manifest.accuracy[0].float_top1 == manifest.accuracy[0].target_top1


def test_the_report_names_the_files(tiny_compiled: TinyCompiled) -> None:
    report = json.loads(tiny_compiled.report_path.read_bytes())
    assert report["verdict"]["status"] == "pass"
    digest = hashlib.sha256(tiny_compiled.path.read_bytes()).hexdigest()
    assert report["files"]["int8"]["sha256"] == digest
    assert report["audit"]["operators"]
    assert [c["split"] for c in report["comparisons"]] == ["validation", "test"]
    assert np.sum(report["comparisons"][0]["target_confusion"]) == 180


def test_another_process_gives_the_same_bytes(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.tflite"
    command = [sys.executable, "-m", "convert.quantize", tiny.path, "-o", path]
    options = ["--data", tiny.data, "--max-drop", "5", "--calibration-count", "60", "--quiet"]
    done = subprocess.run(
        [*command, *options], cwd=_ROOT, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.read_bytes() == tiny_compiled.path.read_bytes()
    float_path, report_path = path.with_suffix(".float.tflite"), path.with_suffix(".report.json")
    assert float_path.read_bytes() == tiny_compiled.float_path.read_bytes()
    assert report_path.read_bytes() == tiny_compiled.report_path.read_bytes()
    page = tiny_compiled.report_path.with_suffix(".html")
    assert report_path.with_suffix(".html").read_bytes() == page.read_bytes()


@pytest.fixture
def stub_compilation(
    tiny_compiled: TinyCompiled, monkeypatch: pytest.MonkeyPatch
) -> tuple[object, ...]:
    """Skip the compilation where only the writing of its result matters; returns the arguments."""
    from convert.int8.audit import audit
    from convert.int8.comparison import Comparison
    from convert.int8.compilation import Compiled
    from convert.int8.gate import judge

    file = read_model_file(tiny_compiled.path)
    answers = np.tile(np.arange(3), 400)
    same = Comparison("data", "validation", file.labels, answers, answers, answers)
    compiled = Compiled(
        int8_file=tiny_compiled.path.read_bytes(),
        float_file=tiny_compiled.float_path.read_bytes(),
        audit=audit(file.flatbuffer, io="uint8"),
        comparisons=(same,),
        verdict=judge(same),
        calibration={},
        warnings=(),
    )
    work = quantize._Work(None, None, None, compiled)
    monkeypatch.setattr(quantize, "_compile", lambda options, say: work)
    return ("model.keras", "-o")


def test_identical_files_are_left_alone(
    stub_compilation: tuple[object, ...], run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.tflite"
    first = run_quantize(*stub_compilation, path)
    assert f"{path}: written" in first.out
    before = path.stat()
    second = run_quantize(*stub_compilation, path)
    assert (first.code, second.code) == (0, 0)
    assert second.out.count(": unchanged") == 4
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_other_files_need_force(
    stub_compilation: tuple[object, ...], run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(b"somebody's own file")
    refused = run_quantize(*stub_compilation, path, "--quiet")
    assert refused.code == 2
    assert refused.err == (
        f"error: {path} exists with other content: name another output or add --force\n"
    )
    assert path.read_bytes() == b"somebody's own file"
    assert len(list(tmp_path.iterdir())) == 1  # all or nothing
    assert run_quantize(*stub_compilation, path, "--quiet", "--force").code == 0
    assert read_model_file(path).labels == ("red", "green", "blue")


def test_the_default_output_is_replaced(
    stub_compilation: tuple[object, ...],
    run_quantize: RunQuantize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("out/minivgg.tflite").write_bytes(b"an older version of the project made this")
    assert run_quantize().code == 0
    assert read_model_file("out/minivgg.tflite").labels == ("red", "green", "blue")
    Path("out/minivgg.tflite").write_bytes(b"an older version of the project made this")
    assert run_quantize(quantize_arguments.DEFAULT_MODEL).code == 0


def test_a_report_that_was_named_is_not(
    stub_compilation: tuple[object, ...],
    run_quantize: RunQuantize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.json", "mine.html"):
        mine = Path(name)
        mine.write_text("my own notes")
        refused = run_quantize("--report", "mine.json")
        assert refused.code == 2
        assert f"{name} exists with other content" in refused.err
        assert mine.read_text() == "my own notes"
        assert not Path("out").exists()
        mine.unlink()
    assert run_quantize("--report", "mine.json").code == 0


@pytest.mark.parametrize(
    ("words", "record", "name"),
    [
        (["my.keras"], None, "my"),
        (["my.keras"], {"name": "my-parts"}, "my-parts"),
        (["my.keras", "--name", "yours"], {"name": "my-parts"}, "yours"),
        (["my.keras", "--precision", "float16"], {"name": "my-parts"}, "my-parts-float16"),
    ],
)
def test_a_model_of_one_s_own_takes_no_other_s_place(
    words: list[str],
    record: dict[str, str] | None,
    name: str,
    stub_compilation: tuple[object, ...],
    run_quantize: RunQuantize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if record is not None:
        Path("training.json").write_text(json.dumps(record))
    Path("out").mkdir()
    bundled, own = Path("out/minivgg.tflite"), Path(f"out/{name}.tflite")
    bundled.write_bytes(b"bundled")
    assert quantize_arguments.parse_arguments(None, words).name == name
    assert run_quantize(*words).code == 0
    assert own.is_file()
    assert bundled.read_bytes() == b"bundled"
    own.write_bytes(b"a model of yesterday")
    refused = run_quantize(*words)
    assert refused.code == 2
    assert f"{own} exists with other content: name another output or add --force" in refused.err
    assert run_quantize(*words, "--force").code == 0


def test_a_name_that_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("training.json").write_text(json.dumps({"name": "../elsewhere"}))
    with pytest.raises(SystemExit) as ended:
        quantize.main(["my.keras"])
    assert ended.value.code == 2
    assert "my.keras: its name does not serve as one, use --name: expected a name of letters" in (
        capsys.readouterr().err
    )


def test_a_full_disk_leaves_what_was_there(
    stub_compilation: tuple[object, ...],
    run_quantize: RunQuantize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("minivgg_edge.atomic.os.fsync", full)
    run = run_quantize(*stub_compilation, path, "--force", "--quiet")
    assert run.code == 2
    assert run.err.endswith(": No space left on device\n")
    assert run.err.count("\n") == 1
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiny.tflite"]


def test_a_kill_before_the_last_step_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    program = (
        "import os, pathlib, sys\n"
        "from convert.atomic import write_output\n"
        "pathlib.Path.replace = lambda *names: os.kill(os.getpid(), 9)\n"
        "write_output(pathlib.Path(sys.argv[1]), b'new', force=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], cwd=_ROOT, timeout=60)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"


def test_too_few_pictures_to_tell(tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    run = run_quantize(tiny.path, "-o", path, "--data", tiny.data, "--quiet")
    assert run.code == 3
    assert run.err.startswith("NOT ENOUGH PICTURES: the compiled model loses ")
    assert "validation pictures would tell" in run.err
    assert run.out == ""
    assert read_model_file(path).labels == ("red", "green", "blue")


def test_a_failed_gate_writes_nothing(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    # Calibrated on pictures of the night, judged by day: everything brighter saturates.
    data = write_folder(
        tmp_path / "data",
        {
            "train": tiny_pictures(10, seed=5, brightest=3),
            "validation": tiny.pictures["validation"],
        },
    )
    path, report = tmp_path / "tiny.tflite", tmp_path / "why.json"
    run = run_quantize(tiny.path, "-o", path, "--data", data, "--report", report)
    assert run.code == 1
    assert run.err.startswith("FAILED: the compiled model")
    assert run.err.endswith(f"{path} was not written.\n")
    advice = json.loads(report.read_bytes())["advice"]
    assert advice in run.err
    assert "--calibration-count" in advice or "--search" in advice
    assert escape(advice) in (tmp_path / "why.html").read_text(encoding="utf-8")
    assert not path.exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "data",
        "why.html",
        "why.json",
    ]
    assert json.loads(report.read_bytes())["verdict"]["status"] == "fail"
    # A report in its way does not make another exit code of the verdict.
    report.write_text("mine")
    again = run_quantize(tiny.path, "-o", path, "--data", data, "--report", report)
    assert again.code == 1
    assert "FAILED: the compiled model" in again.err
    assert f"error: the report was not written: {report} exists with other content" in again.err
    assert report.read_text() == "mine"


def test_a_folder_in_the_place_of_an_output_leaves_nothing(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.tflite"
    path.mkdir()
    run = run_quantize(tiny.path, "-o", path, "--data", tiny.data, "--max-drop", 5, "--force")
    assert run.code == 2
    assert f"{path} is a folder: name another output" in run.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_look_that_fails_does_not_hide_the_verdict(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convert.layer_error import debugging

    def look(*arguments: object, **options: object) -> None:
        raise ConversionError("an operator without a match")

    monkeypatch.setattr(debugging, "look_at_layers", look)
    parts = {
        "train": tiny_pictures(10, seed=5, brightest=3),
        "validation": tiny.pictures["validation"],
    }
    data = write_folder(tmp_path / "data", parts)
    path = tmp_path / "tiny.tflite"
    run = run_quantize(tiny.path, "-o", path, "--data", data)
    assert run.code == 1
    assert "which layer costs most is not known: an operator without a match" in run.err
    assert f"{path} was not written." in run.err
    assert "drop in points" in run.out
    # Who asks for it is told that it failed.
    asked = run_quantize(tiny.path, "-o", path, "--data", data, "--debug")
    assert asked.code == 2
    assert asked.err.endswith("error: an operator without a match\n")


def test_int8_ends(tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    arguments = [tiny.path, "-o", path, "--data", tiny.data, "--io", "int8", "--max-drop", 5]
    run = run_quantize(*arguments, "--name", "tiny-int8", "--calibration-seed", 4)
    assert run.code == 0, run.err
    manifest = read_model_file(path).manifest
    assert (manifest.name, manifest.input.dtype, manifest.output.dtype) == (
        "tiny-int8",
        "int8",
        "int8",
    )
    assert "QUANTIZE" not in {op.name for op in manifest.runtime.ops}
    assert manifest.calibration["seed"] == 4
    with quiet(), Classifier(path) as classifier:
        assert classifier.classify(tiny.pictures["test"].images[0])[0].label in manifest.labels


def test_a_foreign_model_with_a_scale(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    """A model that wants pixels in -1..1, its classes in another order, ending in logits."""
    with quiet():
        import keras

        inputs = keras.Input((16, 16, 3))
        x = keras.layers.Conv2D(4, 1, activation="relu", name="features")(inputs)
        branch = keras.layers.Conv2D(4, 3, padding="same", name="branch")(x)
        x = keras.layers.Add()([x, branch])
        x = keras.layers.GlobalAveragePooling2D()(x)
        foreign = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
        colors = np.concatenate([np.eye(3), np.ones((3, 1))], axis=1)
        foreign.get_layer("features").set_weights([colors[None, None], np.ones(4)])
        foreign.get_layer("branch").set_weights([np.zeros((3, 3, 4, 4)), np.zeros(4)])
        # Columns: blue, red, green.
        weights = np.concatenate([np.eye(3)[:, [2, 0, 1]], np.full((1, 3), -0.25)])
        foreign.get_layer("logits").set_weights([30.0 * weights, np.zeros(3)])
        foreign.save(tmp_path / "foreign.keras")
    labels = tmp_path / "labels.txt"
    labels.write_text("blue\nred\ngreen\n")
    path = tmp_path / "foreign.tflite"
    arguments = [tmp_path / "foreign.keras", "-o", path, "--data", tiny.data, "--max-drop", 5]
    run = run_quantize(*arguments, "--labels", labels, "--scale", 1 / 127.5, "--offset", -1)
    assert run.code == 0, run.err
    manifest = read_model_file(path).manifest
    assert manifest.labels == ("blue", "red", "green")
    assert manifest.output.activation == "logits"
    assert manifest.accuracy[0].target_top1 > 0.9
    # Said once, though it is so of validation and of test pictures.
    unknown = "data: nobody can tell whether the model was trained on these pictures; if it was, it"
    assert run.err == f"warning: {unknown} looks better than it is\n"
    assert json.loads(path.with_suffix(".report.json").read_bytes())["warnings"] == [
        f"{unknown} looks better than it is"
    ]
    card = model_card(read_model_file(path), install="pip install x")
    assert "may have been trained on these pictures, and then looks better" in card
    assert "accepted by these pictures" in card


def test_a_float_model_that_guesses_is_pointed_out(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("green\nblue\nred\n")
    model = tmp_path / "model.keras"  # without the record that knows better
    model.write_bytes(tiny.path.read_bytes())
    arguments = [model, "-o", tmp_path / "x.tflite", "--data", tiny.data, "--max-drop", 5]
    run = run_quantize(*arguments, "--labels", labels)
    assert "warning: the float model itself is right on only" in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.keras"], "missing.keras: expected a .keras file, got no such file"),
        (["text.keras"], "text.keras: expected a .keras file (a zip)"),
        (["old.h5"], "old.h5: expected a .keras file, got '.h5'"),
        (["MODEL", "--data", "nowhere"], "nowhere: expected a folder"),
        (["MODEL", "--labels", "nolabels"], "nolabels: No such file or directory"),
        (["MODEL", "--data", "DATA", "--labels", "two.txt"], "['red', 'green']"),
        (["MODEL"], "CIFAR-10 sample: pictures of 32x32 pixels, but the model takes 16x16"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    tiny: Tiny,
    run_quantize: RunQuantize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.keras").write_text("not a zip")
    Path("old.h5").write_bytes(b"\x89HDF")
    Path("two.txt").write_text("red\ngreen\n")
    known = {"MODEL": tiny.path, "DATA": tiny.data}
    actual = [known.get(argument, argument) for argument in arguments]
    run = run_quantize(*actual, "-o", "out.tflite", "--quiet")
    assert run.code == 2
    assert run.err.startswith("error: ")
    assert message in run.err
    assert run.err.count("\n") == 1
    assert not Path("out.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "model.bin"], "--out: expected a name ending in .tflite, got 'model.bin'"),
        (["--offset", "1"], "--offset needs --scale"),
        (
            ["--scale", "nan"],
            "argument --scale: expected a number such as 1/255 or 0.004, got 'nan'",
        ),
        (["--max-drop", "-1"], "argument --max-drop: expected points from 0 to 100, got '-1'"),
        (["--calibration-count", "0"], "expected an integer of at least 1, got '0'"),
        (["--calibration-seed", "x"], "expected an integer of at least 0, got 'x'"),
        (["--name", "a b"], "argument --name: expected a name of letters"),
        (["-o", "a b.tflite"], "--name: the output's name does not serve as one"),
        (["--io", "float32"], "argument --io: invalid choice"),
        (["--report", "why.html"], "--report: expected a name ending in .json, got 'why.html'"),
        (["--output", "scores"], "argument --output: invalid choice"),
        (["--accept-accuracy", "100"], "--accept-accuracy: expected a percentage of at least 1"),
        (["--accept-accuracy", "0.95"], "and below 100, for example 95, got '0.95'"),
    ],
)
def test_bad_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        quantize.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
