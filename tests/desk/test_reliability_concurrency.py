"""Many callers at once: what the attack counts, and a few of its cases."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from benchmarks.reliability.concurrency import files
from benchmarks.reliability.concurrency.__main__ import (
    CASES,
    Case,
    Tried,
    _failures,
    attempt,
    table,
)
from benchmarks.reliability.concurrency.outcome import BusyThreads, Outcome, run_threads
from benchmarks.reliability.concurrency.worker import CASES as WORKER_CASES
from benchmarks.reliability.known_answers import known_answers
from benchmarks.reliability.runtimes import Runtime
from benchmarks.reliability.sample_pictures import write_sample_pictures

THIS = Runtime("ai-edge-litert", Path(sys.executable))


def test_threads_are_added_up_and_what_they_raise_is_an_error() -> None:
    def work(number: int, outcome: Outcome) -> None:
        outcome.count(number != 1)
        if number == 2:
            raise RuntimeError("it broke")

    found = run_threads(4, work)
    assert (found.calls, found.different) == (4, 1)
    assert found.errors == ["thread 2: RuntimeError: it broke"]


def test_a_thread_that_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.reliability.concurrency.outcome.JOIN_TIMEOUT_S", 0.05)
    found = run_threads(1, lambda _number, _outcome: time.sleep(1))
    assert found.errors == ["thread 0: still running after 0.05 s"]


def test_busy_threads_end_with_the_block() -> None:
    with BusyThreads(2, lambda _number, turn, outcome: outcome.count(turn >= 0)) as busy:
        time.sleep(0.05)
    assert busy.outcome.calls >= 2
    assert busy.outcome.errors == []


def test_busy_threads_that_hang_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, a case whose other threads came to an end would pass."""
    monkeypatch.setattr("benchmarks.reliability.concurrency.outcome.JOIN_TIMEOUT_S", 0.1)
    called, hang = threading.Event(), threading.Event()

    def call(_number: int, _turn: int, _outcome: Outcome) -> None:
        called.set()
        hang.wait()

    with BusyThreads(4, call) as busy:
        assert called.wait(timeout=10.0)
    assert busy.outcome.errors == ["busy threads: still running after 0.1 s"]
    hang.set()


def test_what_counts_as_a_failure() -> None:
    assert _failures(Tried("r", "t", 5, 0, 1, (), 1.0)) == []
    assert _failures(Tried("r", "t", 5, 2, 0, ("it broke",), 1.0)) == [
        "r, t: it broke",
        "r, t: 2 of 5 answers differ",
    ]
    assert _failures(Tried("r", "t", 0, 0, 0, (), 1.0)) == ["r, t: nothing was classified"]


def test_every_case_of_the_worker_is_run() -> None:
    assert {case.name for case in CASES} == set(WORKER_CASES)


def test_a_file_that_is_never_taken_proves_nothing(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _known: object, _turn: int, outcome: Outcome) -> bool:
        outcome.refused += 1
        time.sleep(0.001)
        return False

    monkeypatch.setattr(files, "_load", refuse)
    found = files.replaced(known_answers(pictures, 3), 1)
    assert found.calls > 0
    assert found.errors == ["expected loads that succeed between the changes, got none"]


# What tests/device/test_concurrency.py does not do in the same way.
IN_THE_SUITE = {"shared, 4 native threads", "several", "fork storm", "process pools", "replaced"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.name, marks=() if case.name in IN_THE_SUITE else pytest.mark.slow
        )
        for case in CASES
    ],
)
def test_a_few_calls_of_a_case(case: Case, pictures: Path) -> None:
    tried = attempt(THIS, case, 0.04, pictures)
    assert _failures(tried) == []
    assert table([tried], ()).rows[0][1] == tried.title
