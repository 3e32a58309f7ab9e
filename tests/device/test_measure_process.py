"""Fresh processes: phases that add up, memory that is the process's own, errors with a reason."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from minivgg_edge.interpreter import runtime_info
from minivgg_edge.measure import fresh_process, probe
from minivgg_edge.measure.cases import make_pictures
from minivgg_edge.measure.cold_start import measure_cold_start, summarize_runs
from minivgg_edge.measure.fresh_process import (
    PHASES,
    FreshRun,
    MeasurementError,
    parse_run,
    run_fresh,
)
from minivgg_edge.measure.memory import Memory, measure_memory, read_memory
from minivgg_edge.measure.suite import Surroundings, warm_up

MS = 1_000_000


def test_phases_are_the_differences_of_stamps() -> None:
    stamps = {"python": 12, "numpy": 40, "runtime": 55, "package": 60, "load": 75, "first": 76}
    document = {
        "stamps_ns": {name: stamp * MS for name, stamp in stamps.items()},
        "read_ns": 45 * MS,  # 5 ms were spent on reading the memory, which belong to no phase
        "memory": None,
    }
    run = parse_run(document, started_ns=2 * MS)
    assert dict(run.phases_ms) == {
        "python": 10,
        "numpy": 28,
        "runtime": 10,
        "package": 5,
        "load": 15,
        "first": 1,
    }
    assert run.total_ms == 76 - 2 - 5


def test_medians_of_runs() -> None:
    def run(factor: int) -> FreshRun:
        return FreshRun({phase: float(factor * n) for n, phase in enumerate(PHASES, 1)}, None)

    # The phases of run(1) are 1 to 6 ms, 21 ms together.
    cold_start = summarize_runs([run(3), run(1), run(10)])
    assert dict(cold_start.phases_ms) == {phase: 3.0 * n for n, phase in enumerate(PHASES, 1)}
    assert (cold_start.p50_ms, cold_start.min_ms, cold_start.max_ms) == (63, 21, 210)
    assert cold_start.processes == 3
    with pytest.raises(ValueError, match="expected at least one process, got none"):
        summarize_runs([])


def test_memory_is_read_where_the_system_tells() -> None:
    memory = {
        "baseline": {"VmRSS": 100, "VmHWM": 120},
        "steady": {"VmRSS": 300, "VmHWM": 400},
    }
    assert read_memory(FreshRun({}, memory)) == Memory(
        peak_rss_bytes=400, steady_rss_bytes=300, baseline_rss_bytes=100
    )
    assert read_memory(FreshRun({}, None)) is None
    assert read_memory(FreshRun({}, {"baseline": {}, "steady": {}})) is None


def test_real_processes() -> None:
    runs = [run_fresh("minivgg") for _ in range(3)]
    for run in runs:
        assert tuple(run.phases_ms) == PHASES
        assert all(time > 0 for time in run.phases_ms.values())
        assert run.memory is None
    # What else runs here only adds to a phase: the shortest of each is compared.
    shortest = {phase: min(run.phases_ms[phase] for run in runs) for phase in PHASES}
    # Ten times as much is imported: else phases are mixed up. Nothing is said of the first
    # inference: where it is emulated, it takes longer than any import.
    assert shortest["numpy"] > shortest["package"]


def test_cold_start_runs_one_process_more_than_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def fake(model: str, *, num_threads: int) -> FreshRun:
        runs.append((model, num_threads))
        return FreshRun(dict.fromkeys(PHASES, 100.0 if len(runs) == 1 else 1.0), None)

    monkeypatch.setattr("minivgg_edge.measure.cold_start.run_fresh", fake)
    cold_start = measure_cold_start("m", processes=2, num_threads=3)
    assert runs == [("m", 3)] * 3
    assert cold_start.max_ms == len(PHASES)  # the first one, with cold files, counts nowhere


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_real_memory() -> None:
    memory = measure_memory("minivgg", inferences=3)
    assert memory is not None
    assert memory.peak_rss_bytes >= memory.steady_rss_bytes > memory.baseline_rss_bytes
    size = (Path(fresh_process.__file__).parents[1] / "models/minivgg.tflite").stat().st_size
    assert memory.steady_rss_bytes - memory.baseline_rss_bytes > size  # the model is in memory


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_memory_is_in_bytes() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])  # proc(5): size in pages
    expected = pages * os.sysconf("SC_PAGE_SIZE")
    assert probe._status()["VmSize"] == pytest.approx(expected, rel=0.01)


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    path = tmp_path / "none.tflite"
    with pytest.raises(MeasurementError, match=r"got exit code 1: .*none\.tflite"):
        run_fresh(str(path))


def test_what_others_print_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `sitecustomize` may greet."""
    real = subprocess.run

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        done = real(command, **options)
        return subprocess.CompletedProcess(command, 0, stdout=f"hello{done.stdout}bye\n", stderr="")

    monkeypatch.setattr(fresh_process.subprocess, "run", run)
    assert set(run_fresh("minivgg").phases_ms) == set(PHASES)
    silent = subprocess.CompletedProcess([], 0, stdout="hello\n", stderr="")
    monkeypatch.setattr(fresh_process.subprocess, "run", lambda *_args, **_options: silent)
    with pytest.raises(MeasurementError, match="expected the answer of a fresh process, got"):
        run_fresh("minivgg")


def test_it_finds_the_runtime_that_this_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in the user's own folder, which an isolated process leaves out.
    for name in ("ai_edge_litert", "tflite_runtime"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the one of this process')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MeasurementError, match="got exit code 1: the one of this process"):
        run_fresh("minivgg")


def test_it_gets_the_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / runtime_info().name.replace("-", "_")
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '9.8.7'\n")
    (package / "interpreter.py").write_text(
        "class Interpreter:\n"
        "    def __init__(self, *, num_threads, **_):\n"
        "        raise ValueError(f'asked for {num_threads} threads')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MeasurementError, match="got: asked for 3 threads"):
        run_fresh("minivgg", num_threads=3)


def test_a_process_that_fails_does_so_before_the_rounds(tmp_path: Path) -> None:
    pictures = make_pictures(32, 32)
    said: list[str] = []
    with pytest.raises(MeasurementError, match=r"none\.tflite"):
        warm_up([str(tmp_path / "none.tflite")], pictures, Surroundings(say=said.append))
    assert said == []


def test_a_process_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "hang.py"
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(fresh_process, "_PROBE", program)
    monkeypatch.setattr(fresh_process, "_TIMEOUT_S", 0.5)
    with pytest.raises(MeasurementError, match=r"within 0\.5 s, got no answer"):
        run_fresh("minivgg")


def test_a_process_that_dies_silently(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "die.py"
    program.write_text("import sys\nsys.exit(3)\n")
    monkeypatch.setattr(fresh_process, "_PROBE", program)
    with pytest.raises(MeasurementError, match="got exit code 3: no message"):
        run_fresh("minivgg")
