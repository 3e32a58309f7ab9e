"""Commands of the desk that are ended while they write, and the attack that ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.reliability.kills import child
from benchmarks.reliability.kills.attempt import Interruption, attempt, judge
from benchmarks.reliability.kills.child import Ended
from benchmarks.reliability.kills.jobs import ReplacingJob
from benchmarks.reliability.kills.line_signal import LineSignal
from benchmarks.reliability.kills.plan import Amount
from benchmarks.reliability.kills.train_job import TrainJob
from benchmarks.result import read_result
from convert.atomic import write_output
from convert.command import run_command
from convert.errors import TrainingError
from convert.train import _refuse_mixed_runs

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
# Python 3.12 warns of a fork in a process with threads; the children here start none.
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

OLD, NEW = {"a": b"old" * 2000, "b": b"older"}, {"a": b"new" * 3000, "b": b"newer"}


def _write(arguments: Sequence[str] | None, files: dict[str, bytes] = NEW) -> int:
    """A command that replaces two files as the desk's commands do."""
    assert arguments is not None
    for name, data in files.items():
        write_output(Path(arguments[-1]) / name, data, force=True)
    return 0


def _write_carelessly(arguments: Sequence[str] | None) -> int:
    """A command as it must not be."""
    assert arguments is not None
    for name, data in NEW.items():
        with (Path(arguments[-1]) / name).open("wb", buffering=0) as file:
            for start in range(0, len(data), 1000):
                file.write(data[start : start + 1000])
    return 0


def _job(main: object = _write) -> ReplacingJob:
    return ReplacingJob("tests", main, (), "{folder}", OLD, NEW, 0)  # type: ignore[arg-type]


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("SIGTERM", 143, "ended by SIGTERM\n"),
        ("SIGHUP", 129, "ended by SIGHUP\n"),
        ("SIGINT", 130, "interrupted\n"),
    ],
)
def test_a_signal_is_one_line_and_an_exit_code(
    name: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unwound = []

    def main(_arguments: Sequence[str] | None) -> int:
        try:
            os.kill(os.getpid(), getattr(signal, name))
            pytest.fail("the signal did nothing")
        finally:
            unwound.append(name)

    number = getattr(signal, name)
    # As in the foreground: what a shell starts in the background ignores Ctrl-C.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    previous = signal.signal(number, usual)
    try:
        assert run_command(main, []) == code
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, previous)
    assert unwound
    assert capsys.readouterr().err == words


@pytest.mark.parametrize("failure", [ValueError("of a library"), TrainingError("of ours")])
def test_a_signal_that_native_code_has_swallowed_is_still_the_reason(
    failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(_arguments: Sequence[str] | None) -> int:
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
        raise failure

    assert run_command(main, []) == 143
    assert capsys.readouterr().err == "ended by SIGTERM\n"


def test_other_failures_stay_what_they_are() -> None:
    def main(_arguments: Sequence[str] | None) -> int:
        raise ValueError("a fault of the program")

    with pytest.raises(ValueError, match="a fault of the program"):
        run_command(main, [])


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    def main(_arguments: Sequence[str] | None) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert run_command(main, []) == 0
    finally:
        signal.signal(signal.SIGHUP, previous)


# --- every line -----------------------------------------------------------------------------------


def _lines(job: ReplacingJob, work: Path) -> int:
    def action() -> int:
        counter = LineSignal()
        counter.watch()
        job.run(work / "job")
        return counter.lines

    job.prepare(work / "job")
    return child.run(action, work / "log").code


@ignores_fork_warning
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_any_line_of_the_writing(number: signal.Signals, tmp_path: Path) -> None:
    job = _job()
    lines = _lines(job, tmp_path)
    assert lines > 40
    for line in range(1, lines + 1):
        interruption = Interruption(line=line, number=number)
        tried = attempt(job, interruption, tmp_path / "job", tmp_path / "log")
        assert tried.problems == ()
        assert not tried.finished


@ignores_fork_warning
@pytest.mark.parametrize("limit_bytes", [256, 1000, 4096, 8999])
def test_a_write_that_is_cut_short(limit_bytes: int, tmp_path: Path) -> None:
    job = _job()
    where = tmp_path / "job", tmp_path / "log"
    killed = attempt(job, Interruption(limit_bytes=limit_bytes), *where)
    assert (killed.finished, killed.problems, killed.strays) == (False, (), 1)
    failed = attempt(job, Interruption(full_bytes=limit_bytes), *where)
    assert (failed.finished, failed.problems, failed.strays) == (False, (), 0)


@ignores_fork_warning
def test_careless_writing_is_found(tmp_path: Path) -> None:
    job = _job(_write_carelessly)
    tried = attempt(job, Interruption(limit_bytes=4000), tmp_path / "job", tmp_path / "log")
    assert any(
        "a: expected the old file or the new one, it has 4000" in one for one in tried.problems
    )


# --- judging --------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    job = _job()
    job.prepare(tmp_path / "job")
    folder = tmp_path / "job"
    assert job.problems(folder) == []
    (folder / "b").write_bytes(NEW["b"])
    assert job.problems(folder) == [
        "expected the files to change in their order, got ['old', 'new']"
    ]
    (folder / "a").write_bytes(NEW["a"])
    (folder / ".minivgg-edge-0123.tmp").touch()
    assert job.problems(folder) == []
    (folder / "a").unlink()
    (folder / "c").touch()
    found = job.problems(folder)
    assert "a: expected the old file or the new one, it is gone" in found
    assert "c: expected no such file" in found


@pytest.mark.parametrize(
    ("interruption", "ended", "strays", "problem"),
    [
        (Interruption(line=3), Ended(-9, ""), 1, None),
        (Interruption(line=3), Ended(0, ""), 0, "the command was not interrupted"),
        (Interruption(full_bytes=300), Ended(0, ""), 0, "the command was not interrupted"),
        (Interruption(delay_s=1.0), Ended(0, ""), 0, None),
        (Interruption(disk_bytes=1), Ended(0, ""), 0, None),
        (Interruption(), Ended(0, ""), 0, None),
        (Interruption(line=3), Ended(-9, ""), 2, "2 temporary files are left"),
        (Interruption(line=3), Ended(-11, ""), 0, "ended with -11, expected [-9]"),
        (Interruption(line=3, number=15), Ended(143, "ended by SIGTERM"), 0, None),
        (
            Interruption(line=3, number=15),
            Ended(143, "ended by SIGTERM"),
            1,
            "1 temporary files are left",
        ),
        (Interruption(line=3, number=15), Ended(143, ""), 0, "expected 'ended by SIGTERM'"),
        (Interruption(line=3, number=15), Ended(-15, ""), 0, "ended with -15, expected [143]"),
        (Interruption(delay_s=1.0, number=15), Ended(-15, ""), 0, None),
        (Interruption(disk_bytes=1), Ended(2, "error: a: No space left"), 0, None),
        (Interruption(disk_bytes=1), Ended(2, "error: x\nTraceback"), 0, "no traceback"),
        (Interruption(read_only=True), Ended(1, "error: "), 0, "ended with 1, expected [2]"),
    ],
)
def test_judging(
    interruption: Interruption, ended: Ended, strays: int, problem: str | None, tmp_path: Path
) -> None:
    job, folder = _job(), tmp_path / "job"
    job.prepare(folder)
    for number in range(strays):
        (folder / f".minivgg-edge-{number}.tmp").touch()
    tried = judge(job, interruption, folder, ended)
    assert tried.finished is (ended.code == 0)
    assert tried.strays == strays
    if problem is None:
        assert tried.problems == ()
    else:
        assert len(tried.problems) == 1
        assert problem in tried.problems[0]


def test_a_half_written_file_of_a_training_run_is_found(tmp_path: Path) -> None:
    job = TrainJob(_write, ())
    for name in ("checkpoint.npz", "curves.svg", "log.csv", "model.keras", "training.json"):
        (tmp_path / name).write_bytes(b'{"cut": ')
    (tmp_path / "other").touch()
    found = "\n".join(job.problems(tmp_path))
    for name in ("checkpoint.npz", "curves.svg", "log.csv", "model.keras", "training.json"):
        assert f"{name}: expected a whole file" in found
    assert "other: expected no such file" in found


def test_moments_and_lines_are_spread() -> None:
    assert Amount(1.0, 1).lines(5) == [1, 2, 3, 4, 5]
    assert Amount(0.5, 1).lines(9, 6) == [1, 5, 9]
    assert Amount(0.01, 1).lines(100) == [51]
    assert Amount(0.01, 1).moments(10, 1.0) == []
    moments = Amount(1.0, 1).moments(50, 2.0)
    assert moments == Amount(1.0, 1).moments(50, 2.0) != Amount(1.0, 2).moments(50, 2.0)
    assert all(0 <= moment <= 2 for moment in moments)


# --- the real commands ----------------------------------------------------------------------------


def test_a_run_that_was_killed_before_it_removed_its_checkpoint_resumes(tmp_path: Path) -> None:
    (tmp_path / "model.keras").touch()
    with pytest.raises(TrainingError, match="holds a finished run"):
        _refuse_mixed_runs(tmp_path, resume=True, force=False)
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(TrainingError, match="holds a finished run"):
        _refuse_mixed_runs(tmp_path, resume=False, force=False)
    _refuse_mixed_runs(tmp_path, resume=True, force=False)
    assert (tmp_path / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("command", "share", "least"),
    [
        ("convert.package", "0.03", 15),
        pytest.param("convert.quantize", "0.1", 80, marks=pytest.mark.slow),
        pytest.param("convert.train", "0.1", 5, marks=pytest.mark.slow),
    ],
)
def test_a_handful_of_kills(command: str, share: str, least: int, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "benchmarks.reliability.kills", "--out", str(tmp_path)]
    arguments = ["--share", share, "--only", command]
    run = subprocess.run([*program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    result = read_result(tmp_path / "kills.json")
    assert result.failures == ()
    (table,) = result.tables
    assert {row[0] for row in table.rows} == {command}
    assert sum(int(row[2]) for row in table.rows) >= least
    assert not [*tmp_path.glob("work/kills")]
