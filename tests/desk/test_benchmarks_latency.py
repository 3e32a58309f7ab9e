"""`python -m benchmarks.latency` prints one line per model, relative to the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency, watch
from benchmarks.models import float_model_file
from convert.command import run_command
from convert.training.pause import trainings_paused
from minivgg_edge import Classifier
from minivgg_edge.measure.machine_state import CpuTimes, take_snapshot
from minivgg_edge.model_file import parse_model_file

MS = 1_000_000


def test_ratios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    monkeypatch.setattr(watch, "trainings_paused", lambda: trainings_paused(settle_s=0.0))
    # Of 10 s on each core, another program had half.
    still = take_snapshot()
    cores = still.state.cores
    ends = [CpuTimes(0, 0, 0, 0), CpuTimes(10, 5.0 * cores, 0, 0)]
    looks = iter([replace(still, cpu=times) for times in ends])
    monkeypatch.setattr(watch, "take_snapshot", lambda: next(looks))

    def times(calls: list[object], *, rounds: int) -> list[list[int]]:
        assert len(calls) == 2
        assert Path("runs", "pause").exists()  # trainings wait meanwhile
        return [[2 * MS] * rounds, [5 * MS] * rounds]

    monkeypatch.setattr(latency, "interleaved_ns", times)
    assert latency.main(["minivgg", "minivgg", "--rounds", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1 thread(s), 3 rounds; p50 and p95 in ms" in lines[0]
    assert [line.split() for line in lines[1:3]] == [
        ["2.000", "2.000", "1.00x", "minivgg"],
        ["5.000", "5.000", "2.50x", "minivgg"],
    ]
    assert lines[3:] == ["invalid: other programs took 50% of the cores' time, more than 10%"]
    assert not Path("runs", "pause").exists()


def test_a_machine_that_kept_still_is_not_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no training here
    same = take_snapshot()
    monkeypatch.setattr(watch, "take_snapshot", lambda: same)
    with watch.watched() as found:
        pass
    assert (found.reasons, found.note) == ((), "")
    found.reasons = ("one", "another")
    assert found.note == " INVALID TIMES: one; another."


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
