"""The soak: what it calls growth, what it calls a failure, and a short one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reliability.runtimes import Runtime, WorkerError, run_worker
from benchmarks.reliability.sample_pictures import write_sample_pictures
from benchmarks.reliability.soak.__main__ import main, tables
from benchmarks.reliability.soak.growth import Growth, growth
from benchmarks.reliability.soak.measured import PARTS, Measured, Part, measure

THIS = Runtime("this runtime", Path(sys.executable))
CASES = range(100, 20_001, 100)
PAGE_BYTES = 4096


def _resident(leak_bytes: float) -> list[int]:
    """A process that keeps `leak_bytes` of every case, in pages as the system counts them."""
    return [50_000_000 + int(leak_bytes * n // PAGE_BYTES) * PAGE_BYTES for n in CASES]


def test_the_slope_and_its_interval() -> None:
    random = np.random.default_rng(1)
    true = 40.0
    noisy = [int(50e6 + true * n + random.normal(0, 30_000)) for n in CASES]
    found = growth(CASES, noisy)
    assert found.low_bytes < true < found.high_bytes
    assert found.high_bytes - found.low_bytes < 10
    assert found.start_bytes == noisy[20]  # behind a tenth of the samples
    assert found.total_bytes == noisy[-1] - noisy[20]


def test_a_constant_size_is_no_growth() -> None:
    assert growth(CASES, _resident(0)) == Growth(50_000_000, 0, 0.0, 0.0, 0.0)
    assert not growth(CASES, _resident(0)).exceeds(0.0)


def test_one_object_left_behind_by_each_inference_is_found() -> None:
    (inferences,) = (part for part in PARTS if part.name == "inferences")
    assert inferences.bound_bytes is not None
    assert growth(CASES, _resident(16)).exceeds(inferences.bound_bytes)
    # A few pages of an allocator are none.
    assert not growth(CASES, _resident(2)).exceeds(inferences.bound_bytes)


def test_too_few_samples() -> None:
    with pytest.raises(ValueError, match="expected at least 3 samples behind the warm-up, got 2"):
        growth([1, 2, 3], [1, 1, 1])


@pytest.mark.parametrize("option", ["--instances", "--forks", "--inferences"])
def test_too_few_for_a_growth_are_refused_at_the_beginning(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    growth([1, 2, 3, 4], [1, 1, 1, 1])
    with pytest.raises(SystemExit):
        main([option, "3"])
    assert f"argument {option}: expected at least 4, got '3'" in capsys.readouterr().err


def test_what_counts_as_a_failure() -> None:
    part = Part("inferences", "inferences", 1.0)
    still, rising = growth(CASES, _resident(0)), growth(CASES, _resident(64))
    assert Measured("r", part, 9, 0, (), 1, still, (3, 3), (2, 2)).failures() == []
    bad = Measured("r", part, 9, 2, ("case 4: it broke",), 1, rising, (3, 5), (2, 3)).failures()
    assert bad[:2] == ["r, inferences: case 4: it broke", "r, inferences: 2 of 9 answers changed"]
    assert "expected at most 1 bytes of growth per case, got 64" in bad[2]
    assert bad[3:] == [
        "r, inferences: expected a constant number of file descriptors, got 3-5",
        "r, inferences: expected a constant number of threads, got 2-3",
    ]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os; os.kill(os.getpid(), 11)", "was ended by signal 11"),
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("print('no JSON')", "expected a JSON object, got 'no JSON'"),
        ("import time; time.sleep(60)", "gave no answer within 0.5 s"),
    ],
)
def test_a_worker_that_fails_is_a_sentence(
    code: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worker.py").write_text(code)
    monkeypatch.setattr("benchmarks.reliability.runtimes.ROOT", tmp_path)
    timeout_s = 0.5 if "sleep" in code else 60
    with pytest.raises(WorkerError, match=problem):
        run_worker(THIS, "worker", {}, timeout_s=timeout_s)


def test_a_short_soak(tmp_path: Path) -> None:
    pictures = write_sample_pictures(tmp_path)
    counts = {
        "inferences": 20_000,
        "decodes": 600,
        "loads": 240,
        "refused loads": 240,
        "forks": 20,
        "instances": 5,
    }
    measured = [measure(THIS, part, counts[part.name], pictures) for part in PARTS]
    assert [failure for one in measured for failure in one.failures()] == []
    repeated, memory = tables(measured, ())
    assert len(repeated.rows) == len(PARTS) - 1
    assert repeated.rows[0][2] == "20,000"
    # A classifier holds at least the bytes of its model.
    assert float(memory.rows[0][2]) > 2
