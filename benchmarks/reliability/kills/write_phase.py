"""Interruptions of the moment in which a command writes, again and again from the same state.

A child runs the command up to where it writes. From there it forks one grandchild for each
interruption, which does the writing and ends as the command would: what comes before, seconds of
conversion, is done once and not hundreds of times.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reliability.kills import child
from benchmarks.reliability.kills.attempt import Attempt, Interruption, judge
from benchmarks.reliability.kills.jobs import ReplacingJob
from benchmarks.reliability.kills.line_signal import LineSignal

_WRITE = "write_and_tell"  # the function of convert.atomic that every job calls by this name


class WritePhaseError(Exception):
    """A command did not come to its writing, or what it did there cannot be counted."""


def disk_folder(work: Path) -> Path:
    """Return the folder on which small and read-only file systems are mounted."""
    return work / "disk"


def job_folder(work: Path) -> Path:
    """Return the folder that a job writes into."""
    return disk_folder(work) / "job"


@dataclass(frozen=True, slots=True)
class Extent:
    """The writing of an undisturbed run: how many lines, how many seconds."""

    lines: int
    duration_s: float


def measure(job: ReplacingJob, work: Path) -> Extent:
    """Let the command write once."""
    note, folder = work / "extent.json", job_folder(work)

    def writing(write: Callable[[], None]) -> None:
        job.prepare(folder)
        counter = LineSignal()
        counter.watch()
        started = time.perf_counter()
        write()
        duration_s = time.perf_counter() - started
        note.write_text(json.dumps([counter.lines, duration_s]))

    _run(job, writing, work, expected=job.ending)
    lines, duration_s = json.loads(note.read_text())
    return Extent(lines, duration_s)


def interrupt(
    job: ReplacingJob, interruptions: Sequence[Interruption], work: Path
) -> list[Attempt]:
    """Interrupt the writing once for each of `interruptions`."""
    if not interruptions:
        return []
    return in_write_phase(job, lambda forked: [forked(one) for one in interruptions], work)


Forked = Callable[[Interruption], Attempt]


def in_write_phase(
    job: ReplacingJob, body: Callable[[Forked], list[Attempt]], work: Path
) -> list[Attempt]:
    """Call `body` in a process that is about to write.

    Args:
        job: the command.
        body: may call what it is given as often as it wants: each call prepares the folder, writes
            in a child, interrupts that and judges what is left.
        work: folder for the job's folder, logs and the answer.

    Returns:
        What `body` returns.

    Raises:
        WritePhaseError: the command does not come that far, or `body` fails.
    """
    note, folder = work / "attempts.json", job_folder(work)
    note.unlink(missing_ok=True)
    log = work / "grandchild.log"

    def writing(write: Callable[[], None]) -> None:
        # In a process of one thread, which may get mounts of its own.
        between = os.fork()
        if between:
            os._exit(abs(os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])))
        between = os.getpid()

        def forked(interruption: Interruption) -> Attempt:
            job.prepare(folder)
            pid = _fork_into_log(log)
            if pid == 0:
                interruption.arm()
                raise _WriteNowError
            if interruption.delay_s is not None:
                child.kill_after(pid, interruption.delay_s, interruption.number)
            return judge(job, interruption, folder, child.finish(pid, log))

        try:
            attempts = body(forked)
        except _WriteNowError:
            write()  # the grandchild: it goes on as the command, out of here and to its end
            return
        if os.getpid() == between:
            note.write_text(json.dumps([dataclasses.asdict(one) for one in attempts]))
            os._exit(0)

    _run(job, writing, work, expected=0)
    if not note.exists():
        raise WritePhaseError(f"{job.name}: no attempt was made")
    return read_attempts(note)


def read_attempts(note: Path) -> list[Attempt]:
    """Read what a child noted."""
    return [
        Attempt(one["finished"], tuple(one["problems"]), one["strays"])
        for one in json.loads(note.read_text())
    ]


class _WriteNowError(BaseException):
    """Takes a grandchild out of the loop of attempts; nothing on the way may swallow it."""


def _run(
    job: ReplacingJob,
    writing: Callable[[Callable[[], None]], None],
    work: Path,
    *,
    expected: int,
) -> None:
    folder = job_folder(work)
    module: Any = importlib.import_module(job.name)

    def action() -> int:
        original = getattr(module, _WRITE)
        setattr(module, _WRITE, lambda *a, **k: writing(lambda: original(*a, **k)))
        return job.run(folder)

    job.prepare(folder)
    ended = child.run(action, work / "log")
    if ended.code != expected:
        raise WritePhaseError(f"{job.name}: ended with {ended.code}: {ended.output[-1000:]}")


def _fork_into_log(log: Path) -> int:
    pid = os.fork()
    if pid == 0:
        child.write_into(log)
    return pid
