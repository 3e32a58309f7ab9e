"""`python -m convert.evaluate`: accuracy of compiled files on a whole split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_model import Tiny, TinyCompiled

from convert import evaluate
from convert.command import run_command
from convert.int8.freeze import freeze
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras


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


@pytest.fixture(scope="module")
def scaled(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as one that was trained on pixels from 0 to 1 elsewhere: no record."""
    path = tmp_path_factory.mktemp("foreign") / "scaled.keras"
    with quiet():
        import keras

        frozen = freeze(tiny.model)
        frozen.layers[1].set_weights([255.0 * frozen.layers[1].kernel, frozen.layers[1].bias])
        given = keras.Input(tiny.model.inputs[0].shape[1:])
        x = keras.layers.ZeroPadding2D(0)(given)  # no chain: it is only wrapped
        keras.Model(given, _rest(frozen, x)).save(path)
    return path


def _rest(model: keras.Model, x: Any) -> Any:
    for layer in model.layers[1:]:
        x = layer(x)
    return x


def test_a_foreign_model_is_fed_as_it_was_compiled(
    tiny: Tiny, tiny_compiled: TinyCompiled, scaled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data), "--json", "--float"]
    assert evaluate.main([*arguments, str(scaled), "--scale", str(1 / 255)]) == 0
    fed = capsys.readouterr()
    assert "--scale" not in fed.err
    # It is the same function of pixels as the model that was compiled.
    assert evaluate.main([*arguments, str(tiny.path)]) == 0
    of_pixels = capsys.readouterr()
    top1 = json.loads(of_pixels.out)["float_top1"]
    assert json.loads(fed.out)["float_top1"] == top1
    assert evaluate.main([*arguments, str(scaled)]) == 0
    raw = capsys.readouterr()
    assert json.loads(raw.out)["float_top1"] < top1 - 0.2
    assert f"warning: {scaled}: the float model is right on only " in raw.err
    assert "name them here too" in raw.err


def test_an_offset_too(
    tiny: Tiny, tiny_compiled: TinyCompiled, scaled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data), "--json", "--float"]
    shifted = ["--scale", str(1 / 255), "--offset=-5"]
    assert evaluate.main([*arguments, str(scaled), *shifted]) == 0
    assert json.loads(capsys.readouterr().out)["agreement"] < 0.9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--offset=-1"], "--offset needs --scale"),
        (["--scale", "2"], "--scale: expected it with --float MODEL.keras, got none: a .tflite"),
        (["--scale", "2", "--float", "a.tflite"], "got a.tflite: a .tflite takes pixels"),
    ],
)
def test_a_scale_of_nothing(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        evaluate.main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


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


def test_a_float_model_beside_the_record_of_another(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keras_file(tmp_path / "other.keras", side=16, classes=3)
    (tmp_path / "training.json").write_text(json.dumps({"weights_sha256": "0" * 64}))
    arguments = [str(tiny_compiled.path), "--data", str(tiny.data), "--float", str(path)]
    assert run_command(evaluate.main, arguments) == 2
    assert "got that of a model with other weights" in capsys.readouterr().err
