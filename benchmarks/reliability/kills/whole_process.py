"""The command as a user starts it, Python's own start included, ended at some moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reliability.kills import child
from benchmarks.reliability.kills.attempt import Attempt, Interruption, judge
from benchmarks.reliability.kills.jobs import ReplacingJob
from benchmarks.reliability.runtimes import ROOT


def duration_s(job: ReplacingJob, folder: Path) -> float:
    """Run it undisturbed and return how long it takes."""
    job.prepare(folder)
    started = time.perf_counter()
    subprocess.run(_command(job, folder), cwd=ROOT, check=False, capture_output=True)  # noqa: S603
    return time.perf_counter() - started


def end(job: ReplacingJob, interruption: Interruption, folder: Path, log: Path) -> Attempt:
    """Send the signal after the time that the interruption states."""
    job.prepare(folder)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the command of the job
            _command(job, folder), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        process.wait(timeout=interruption.delay_s)
    except subprocess.TimeoutExpired:
        process.send_signal(interruption.number)
    code = process.wait()
    said = log.read_text(errors="replace")
    if code == -signal.SIGINT and "in run_command" not in said:
        said = ""  # Python's own traceback of an import: the command had not begun
    return judge(job, interruption, folder, child.Ended(code, said))


def _command(job: ReplacingJob, folder: Path) -> list[str]:
    return [os.fspath(sys.executable), "-m", job.name, *job.arguments(folder)]
