"""`python -m convert.layer_error` and `convert.quantize --debug` as a user runs them."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_model import Run, RunQuantize, Tiny, TinyCompiled

from benchmarks.quantization.hard_model import plant
from convert.command import run_command
from convert.layer_error.__main__ import main
from convert.quiet import quiet


def _run(*arguments: object) -> Run:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(main, [str(argument) for argument in arguments])
    return Run(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def hard(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted model beside the tiny one's training record, which still fits its labels."""
    folder = tmp_path_factory.mktemp("hard")
    path = folder / "hard.keras"
    with quiet():
        plant(tiny.model, "conv1_1", factor=1024.0, share=0.25).model.save(path)
    record = json.loads((tiny.path.parent / "training.json").read_text())
    (folder / "training.json").write_text(json.dumps(record))
    return path


def test_a_compiled_pair_as_text(tiny: Tiny, tiny_compiled: TinyCompiled) -> None:
    run = _run(tiny_compiled.path, "--data", tiny.data, "--pictures", 9)
    assert run.code == 0, run.err
    first, *rest = run.out.splitlines()
    assert first.startswith("Nothing stands out: ")
    assert rest.count("What each layer costs") == 1
    assert rest.count("How the values fit their codes") == 1
    named = [line.split()[0] for line in rest if re.search(r" (CONV_2D|MEAN|SOFTMAX|INPUT) ", line)]
    # The layers that round are ranked; in the second table stand all, in the graph's order.
    assert sorted(named[:4]) == ["conv1_1", "conv2_1", "gap", "pixels"]
    assert named[4:] == ["pixels", "conv1_1", "conv2_1", "gap", "softmax"]
    assert rest[-1].startswith("data, 9 validation pictures. The int8 model: ")


def test_a_keras_file_gives_the_figures_of_its_compiled_pair(
    tiny: Tiny, tiny_compiled: TinyCompiled
) -> None:
    common = ("--data", tiny.data, "--pictures", 9, "--json")
    compiled = json.loads(_run(tiny_compiled.path, *common).out)
    converted = json.loads(_run(tiny.path, *common, "--calibration-count", 60).out)
    assert compiled.pop("name") == "tiny"
    assert converted.pop("name") == "model"
    assert converted == compiled
    assert compiled["pictures"] == 9
    assert compiled["ranking"][0] == "conv2_1"
    conv = next(entry for entry in compiled["operators"] if entry["layer"] == "conv2_1")
    assert 0 < conv["explained"] <= 1
    assert conv["effect"]["alone"]["divergence"] > 0


def test_the_planted_layer_and_the_page(tiny: Tiny, hard: Path, tmp_path: Path) -> None:
    page = tmp_path / "new folder" / "layers.html"
    run = _run(hard, "--data", tiny.data, "--pictures", 12, "--html", page)
    assert run.code == 0, run.err
    sentence = run.out.splitlines()[0]
    assert re.match(r"conv1_1 loses [0-9.]+ dB of the logits .*: use --equalize\.$", sentence)
    html = page.read_text(encoding="utf-8")
    assert sentence in html
    # A chart for each operator that rounds, a bar for each that is compared, twice if it rounds.
    assert html.count("<polygon") == 5
    assert html.count('<rect class="track"') == 8 + 5
    assert html.count("rounds nothing of its own") == 2
    assert html.count("its scale is fixed") == 1
    assert "<script" not in html
    again = _run(hard, "--data", tiny.data, "--pictures", 9, "--html", page)
    assert again.code == 2
    assert "exists with other content" in again.err
    forced = _run(hard, "--data", tiny.data, "--pictures", 9, "--html", page, "--force")
    assert forced.code == 0
    # What is advised helps, and so does what is advised then.
    options = (hard, "--data", tiny.data, "--pictures", 12, "--json", "--equalize")
    better = json.loads(_run(*options).out)
    assert better["advice"].endswith(": use --bias-correction")
    healed = json.loads(_run(*options, "--bias-correction").out)
    assert healed["advice"].startswith("nothing stands out")


@pytest.mark.parametrize(
    ("search", "end"),
    [
        ({}, ": use --search."),
        ({"search": {"left_out": []}}, ", or choose another --precision."),
        ({"search": {"left_out": ["mse"]}}, ": give it more (--time-budget)."),
    ],
)
def test_a_file_of_a_search_is_not_advised_another(
    tiny: Tiny,
    tiny_compiled: TinyCompiled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    search: dict[str, object],
    end: str,
) -> None:
    from convert.layer_error import advice
    from minivgg_edge.model_file import pack_model_file, read_model_file

    path = tmp_path / "searched.tflite"
    path.with_suffix(".float.tflite").write_bytes(tiny_compiled.float_path.read_bytes())
    found = read_model_file(tiny_compiled.path)
    record = {**found.manifest.calibration, "bias_correction": True, **search}
    manifest = replace(found.manifest, calibration=record)
    golden = found.golden_vectors()
    path.write_bytes(pack_model_file(found.flatbuffer, manifest, golden=golden))
    # So that something stands out where nothing does.
    monkeypatch.setattr(advice, "QUIET_DIVERGENCE", 0.0)
    run = _run(path, "--data", tiny.data, "--pictures", 9)
    assert run.out.splitlines()[0].endswith(end)


def test_names_on_the_page_are_escaped(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path
) -> None:
    from convert.layer_error.advice import Advice
    from convert.layer_error.analysis import analyse
    from convert.report.layer_error import layer_error_page
    from minivgg_edge.model_file import read_model_file

    pair = [read_model_file(path) for path in (tiny_compiled.float_path, tiny_compiled.path)]
    images = tiny.pictures["validation"].images[:2]
    analysis = analyse(pair[0].flatbuffer, pair[1].flatbuffer, images)
    html = layer_error_page(analysis, Advice("<b>bad</b>"), name="<i>", source="a & b")
    assert "<b>bad" not in html
    assert "<i>" not in html
    assert "a &amp; b" in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--search",), "--search is an option of convert.quantize"),
        (("--offset", "1"), "--offset needs --scale"),
        (("--float", "x.tflite"), "--float is for a .tflite file"),
        (("model.h5",), r"expected MODEL.keras or MODEL.tflite, got 'model.h5'"),
        (("m.tflite", "--equalize", "--scale", "2"), "--scale, a method: only for a .keras file"),
        (("m.tflite", "--labels", "l.txt"), "--labels: only for a .keras file, a .tflite file is"),
        (("--pictures", "0"), "expected an integer of at least 1"),
    ],
)
def test_bad_usage(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_float_model_of_another_compilation(
    tiny: Tiny, tiny_compiled: TinyCompiled, hard: Path, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    other = tmp_path / "other.tflite"
    ran = run_quantize(hard, "-o", other, "--data", tiny.data, "--equalize", "--max-drop", 50)
    assert ran.code == 0, ran.err
    run = _run(
        tiny_compiled.path,
        "--float",
        other.with_suffix(".float.tflite"),
        "--data",
        tiny.data,
    )
    assert run.code == 2
    assert "expected weights within half a step of the float model's" in run.err
    missing = _run(tiny_compiled.path, "--float", tmp_path / "none.tflite", "--data", tiny.data)
    assert missing.code == 2
    assert "none.tflite" in missing.err


@pytest.mark.parametrize("equalization", ["activations", "weights", "both"])
def test_an_equalized_file_gives_the_figures_of_its_keras_file(
    tiny: Tiny, hard: Path, run_quantize: RunQuantize, tmp_path: Path, equalization: str
) -> None:
    """Its by-product is not equalized; the factors are in the weights of the file itself."""
    methods = ("--equalize", "--equalization", equalization, "--bias-correction")
    output = tmp_path / "equalized.tflite"
    ran = run_quantize(hard, "-o", output, "--data", tiny.data, *methods, "--max-drop", 50)
    assert ran.code in (0, 3), ran.err
    common = ("--data", tiny.data, "--pictures", 9, "--json")
    compiled = _run(output, *common)
    assert compiled.code == 0, compiled.err
    found = json.loads(compiled.out)
    expected = json.loads(_run(hard, *common, *methods).out)
    # The factors are read, not computed: they and what is measured agree to float32's digits.
    assert found["ranking"] == expected["ranking"]
    assert found["answers"] == pytest.approx(expected["answers"], rel=1e-3)
    for ours, theirs in zip(found["operators"], expected["operators"], strict=True):
        assert ours["layer"] == theirs["layer"]
        for figure in ("sqnr_db", "low", "high", "mean_error"):
            accumulated = theirs["accumulated"][figure]
            assert ours["accumulated"][figure] == pytest.approx(accumulated, rel=1e-3, abs=1e-5)
        if theirs["effect"] is not None:
            assert ours["effect"]["alone"] == pytest.approx(theirs["effect"]["alone"], rel=1e-2)


def test_the_record_of_another_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels, crop, and what was held out would be taken from there."""
    record = {"labels": ["cat", "dog"], "weights_sha256": "0" * 64}
    (tmp_path / "training.json").write_text(json.dumps(record))
    monkeypatch.setattr("convert.layer_error.loading.load_float_model", lambda path: None)
    monkeypatch.setattr("convert.training.record.weights_sha256", lambda model: "1" * 64)
    run = _run(tmp_path / "model.keras")
    assert run.code == 2
    assert "training.json: expected the training record of model.keras, got that of" in run.err


def test_debug_of_the_compilation(
    tiny: Tiny, hard: Path, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    output = tmp_path / "hard.tflite"
    common = (hard, "-o", output, "--data", tiny.data, "--max-drop", 1, "--debug")
    failed = run_quantize(*common)
    assert failed.code == 1
    assert "What each layer costs" in failed.out
    assert not output.exists()
    document = json.loads((tmp_path / "hard.layers.json").read_text(encoding="utf-8"))
    assert document["name"] == "hard"
    assert document["ranking"][0] == "conv1_1"
    assert document["advice"].endswith(": use --equalize")
    assert "hard: where int8 loses" in (tmp_path / "hard.layers.html").read_text(encoding="utf-8")
    # The same with what it advises, over the old files.
    methods = ("--equalize", "--bias-correction")
    healed = run_quantize(*common[:-1], "--max-drop", 5, *methods, "--debug", "--force")
    assert healed.code == 0, healed.err
    document = json.loads((tmp_path / "hard.layers.json").read_text(encoding="utf-8"))
    assert document["advice"].startswith("nothing stands out")
    assert output.exists()


def test_debug_is_of_int8(capsys: pytest.CaptureFixture[str]) -> None:
    from convert.quantize import main as quantize

    with pytest.raises(SystemExit):
        quantize(["--debug", "--precision", "float16"])
    assert "--debug: expected it without --precision float16" in capsys.readouterr().err
