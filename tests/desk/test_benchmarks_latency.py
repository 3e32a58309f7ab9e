"""`python -m benchmarks.latency` prints one line per model, relative to the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.models import float_model_file
from convert.command import run_command
from convert.training.pause import trainings_paused
from minivgg_edge import Classifier
from minivgg_edge.model_file import parse_model_file

MS = 1_000_000


def test_ratios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    monkeypatch.setattr(latency, "trainings_paused", lambda: trainings_paused(settle_s=0.0))

    def times(calls: list[object], *, rounds: int) -> list[list[int]]:
        assert len(calls) == 2
        assert Path("runs", "pause").exists()  # trainings wait meanwhile
        return [[2 * MS] * rounds, [5 * MS] * rounds]

    monkeypatch.setattr(latency, "interleaved_ns", times)
    assert latency.main(["minivgg", "minivgg", "--rounds", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1 thread(s), 3 rounds; p50 and p95 in ms" in lines[0]
    assert [line.split() for line in lines[1:]] == [
        ["2.000", "2.000", "1.00x", "minivgg"],
        ["5.000", "5.000", "2.50x", "minivgg"],
    ]
    assert not Path("runs", "pause").exists()


def test_a_model_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(latency.main, [str(tmp_path / "none.tflite")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_float_model_file_answers_as_the_keras_model(tiny, tmp_path: Path) -> None:
    data = float_model_file(tiny.path, "tiny")
    file = parse_model_file(data, source="tiny")
    assert file.manifest.output.scale is None
    assert file.labels == tuple(tiny.pictures["test"].class_names)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(data)
    images = tiny.pictures["test"].images[:8]
    expected = tiny.model.predict(images.astype(np.float32), verbose=0)
    with Classifier(path) as classifier:
        got = np.stack([classifier.scores(image) for image in images])
    np.testing.assert_allclose(got, expected, atol=1e-4)
