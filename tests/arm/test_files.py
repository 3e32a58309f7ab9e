"""Given model files, counted on an emulated board."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated_board import EmulatedBoard

from benchmarks.arm.boards import PI5
from benchmarks.arm.candidates import Candidate
from benchmarks.arm.files import count_files, main
from benchmarks.arm.measurement import Rounds, bare_cost
from convert.command import run_command

ROUNDS = Rounds(warmup=2, calls=2)


def test_a_file_costs_what_the_lane_counts(pi5: EmulatedBoard, int8_model: Candidate) -> None:
    flatbuffer = int8_model.path.read_bytes()
    costs = count_files({"a": flatbuffer, "b": flatbuffer}, PI5, work=pi5.work, rounds=ROUNDS)
    expected = bare_cost(int8_model, pi5.emulator, ROUNDS, picture=pi5.picture)
    for cost in costs.values():
        assert cost.instructions == pytest.approx(expected.steady, rel=0.01)
        assert cost.modelled_ms is None


def test_what_it_wrote_is_gone(pi5: EmulatedBoard, int8_model: Candidate) -> None:
    count_files({"a": int8_model.path.read_bytes()}, PI5, work=pi5.work, rounds=ROUNDS)
    assert not list(pi5.work.glob("files-*"))


def test_files_of_one_name_are_refused(
    tmp_path: Path, int8_model: Candidate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(main, [str(int8_model.path), str(int8_model.path)]) == 2
    assert "different names" in capsys.readouterr().err
