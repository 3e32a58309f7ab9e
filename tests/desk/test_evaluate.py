"""`python -m convert.evaluate`: accuracy of compiled files on a whole split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny, TinyCompiled

from convert import evaluate
from convert.command import run_command
from convert.quiet import quiet


def test_a_comparison(
    tiny: Tiny, tiny_compiled: TinyCompiled, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data), "--float"]
    assert evaluate.main([*arguments, str(tiny_compiled.float_path)]) == 0
    text = capsys.readouterr().out
    assert "class (test)" in text
    assert "data, test" in text

    assert evaluate.main([*arguments, str(tiny.path), "--split", "validation", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    report = json.loads(tiny_compiled.report_path.read_bytes())["comparisons"][0]
    # The same float graph, from the Keras file: the same figures.
    assert document == report


def test_one_model(
    tiny: Tiny, tiny_compiled: TinyCompiled, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data)]
    assert evaluate.main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    report = json.loads(tiny_compiled.report_path.read_bytes())["comparisons"][1]
    assert document["top1"] == report["target_top1"]
    assert document["confusion"] == report["target_confusion"]
    assert np.sum(document["confusion"]) == document["count"] == 60
    assert evaluate.main(arguments) == 0
    assert "95 % Wilson interval" in capsys.readouterr().out


def test_bad_input(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(evaluate.main, [str(tmp_path / "none.tflite")]) == 2
    assert "none.tflite" in capsys.readouterr().err
    # The embedded sample is of another size.
    assert run_command(evaluate.main, [str(tiny_compiled.path)]) == 2
    assert "name a folder of its own pictures with --data" in capsys.readouterr().err


def keras_file(path: Path, *, side: int, classes: int) -> Path:
    with quiet():
        from convert.architecture import build_minivgg

        model = build_minivgg(
            classes=classes, height=side, width=side, blocks=((2,),), head="gap", head_dropout=0
        )
        model.save(path)
    return path


@pytest.mark.parametrize(
    ("side", "classes", "labels", "message"),
    [
        (16, 4, None, "expected the labels of "),
        (16, 3, ["blue", "green", "red"], "got ['blue', 'green', 'red']"),
        (8, 3, None, "expected an input of 16x16 pixels"),
    ],
)
def test_a_float_model_that_is_not_the_reference(
    side: int,
    classes: int,
    labels: list[str] | None,
    message: str,
    tiny: Tiny,
    tiny_compiled: TinyCompiled,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = keras_file(tmp_path / "other.keras", side=side, classes=classes)
    if labels is not None:
        (tmp_path / "training.json").write_text(json.dumps({"labels": labels}))
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data), "--float", str(path)]
    assert run_command(evaluate.main, arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}: expected ")
    assert message in error
