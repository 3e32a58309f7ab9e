"""Changed pictures, and models that answer to them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny, TinyCompiled

from benchmarks.peers.contenders import RESNET8
from benchmarks.robustness import __main__ as robustness
from benchmarks.robustness.changes import (
    CHANGES,
    add_noise,
    blur,
    darken,
    save_as_jpeg,
    shift,
    sweep,
    tint,
)
from convert.command import run_command
from convert.data.cifar10 import CLASS_NAMES
from convert.data.held_out import trained_on
from minivgg_edge.model_file import pack_model_file, read_model_file

PICTURES = np.random.default_rng(3).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)


def test_shifting_repeats_the_edge() -> None:
    moved = shift(PICTURES, 2, -1)
    np.testing.assert_array_equal(moved[:, 2:, :-1], PICTURES[:, :-2, 1:])
    np.testing.assert_array_equal(moved[:, 0, :-1], PICTURES[:, 0, 1:])
    np.testing.assert_array_equal(moved[:, 2:, -1], PICTURES[:, :-2, -1])
    np.testing.assert_array_equal(shift(PICTURES, 0, 0), PICTURES)


def test_darkening_rounds_to_the_nearest() -> None:
    values = np.array([0, 1, 2, 3, 255], dtype=np.uint8).reshape(1, 1, 5, 1)
    assert darken(values, 0.5).ravel().tolist() == [0, 0, 1, 2, 128]
    np.testing.assert_array_equal(darken(PICTURES, 1.0), PICTURES)


def test_a_blur_keeps_the_mean_and_loses_contrast() -> None:
    blurred = blur(PICTURES, 1.0).astype(float)
    assert blurred.std() < 0.6 * PICTURES.std()
    assert blurred.mean() == pytest.approx(PICTURES.mean(), abs=3)


def test_noise_has_its_deviation_and_is_always_the_same() -> None:
    gray = np.full((20, 32, 32, 3), 128, dtype=np.uint8)
    noisy = add_noise(gray, 8.0)
    assert noisy.astype(float).std() == pytest.approx(8.0, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.2)
    np.testing.assert_array_equal(noisy, add_noise(gray, 8.0))
    assert add_noise(np.full_like(gray, 254), 8.0).min() > 200  # nothing wraps around


def test_a_lamp_leaves_red_alone() -> None:
    warm = tint(PICTURES, 0.8, 0.5)
    np.testing.assert_array_equal(warm[..., 0], PICTURES[..., 0])
    np.testing.assert_array_equal(warm[..., 1], np.rint(PICTURES[..., 1] * 0.8))
    np.testing.assert_array_equal(warm[..., 2], np.rint(PICTURES[..., 2] * 0.5))


def test_a_moving_camera_spreads_a_point_along_its_way() -> None:
    point = np.zeros((1, 5, 5, 3), dtype=np.uint8)
    point[0, 2, 2] = 240
    np.testing.assert_array_equal(sweep(point, 0, 1)[0, 2, :, 0], [0, 80, 80, 80, 0])
    np.testing.assert_array_equal(sweep(point, 1, 0)[0, :, 2, 0], [0, 80, 80, 80, 0])


def test_a_jpeg_of_less_quality_differs_more() -> None:
    smooth = np.linspace(0, 255, 8 * 8 * 3).reshape(1, 8, 8, 3).astype(np.uint8)
    errors = [np.abs(save_as_jpeg(smooth, q).astype(int) - smooth).mean() for q in (95, 30)]
    assert 0 < errors[0] < errors[1]


def test_each_change_gives_pictures_of_the_same_size() -> None:
    for change in CHANGES:
        for variant in change.variants:
            changed = variant(PICTURES)
            assert (changed.dtype, changed.shape) == (PICTURES.dtype, PICTURES.shape)
    unchanged = CHANGES[0].variants[0](PICTURES)
    np.testing.assert_array_equal(unchanged, PICTURES)
    assert len({change.title for change in CHANGES}) == len(CHANGES)


def test_the_command(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "robustness.json"
    words = [str(tiny_compiled.path), "--data", str(tiny.data), "--out", str(out)]
    assert robustness.main(words) == 0
    printed = capsys.readouterr()
    assert "data, 60 test pictures" in printed.out
    assert "mlperf-tiny-resnet8: not measured" in printed.err  # these are not CIFAR-10's classes
    document = json.loads(out.read_bytes())
    report = json.loads(tiny_compiled.report_path.read_bytes())
    (test,) = (c for c in report["comparisons"] if c["split"] == "test")
    first, *changed = document["rows"]
    assert first["top1"] == {"tiny": test["target_top1"]}
    # Its classes are colors: less light takes from what it knows.
    darkest = next(row for row in changed if row["change"] == "a quarter as bright")
    assert darkest["top1"]["tiny"] < first["top1"]["tiny"]


def test_the_peer_is_asked_what_it_was_trained_for_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pretrainedResnet_quant.tflite"
    file.write_bytes(b"its bytes")
    assert robustness._peer(tmp_path, CLASS_NAMES, (32, 32)) == {RESNET8: b"its bytes"}
    assert not capsys.readouterr().err
    digits = tuple(f"digit {number}" for number in range(10))
    assert robustness._peer(tmp_path, digits, (32, 32)) == {}
    assert robustness._peer(tmp_path, CLASS_NAMES, (64, 64)) == {}
    assert "not measured; expected" in capsys.readouterr().err


def test_a_model_that_was_trained_on_the_pictures(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = read_model_file(tiny_compiled.path)
    training = {
        "data": {"splits": {"test": {"digest": "0" * 64}}},
        "trained_on": trained_on(tiny.pictures["test"]),
    }
    manifest = dataclasses.replace(file.manifest, training=training)
    path = tmp_path / "familiar.tflite"
    path.write_bytes(pack_model_file(file.flatbuffer, manifest, golden=file.golden_vectors()))
    assert run_command(robustness.main, [str(path), "--data", str(tiny.data)]) == 2
    assert "that the model was not trained on" in capsys.readouterr().err


def test_models_of_other_classes(
    tiny_compiled: TinyCompiled, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(robustness.main, ["minivgg", str(tiny_compiled.path)]) == 2
    assert "tiny: expected the labels of minivgg, ['airplane'," in capsys.readouterr().err


def test_models_of_one_name(
    tiny_compiled: TinyCompiled, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tiny_compiled.path)
    assert run_command(robustness.main, [path, path]) == 2
    assert "expected models of different names, got tiny, tiny" in capsys.readouterr().err
