"""One interruption of a job: how it is brought about, and what came of it."""

from __future__ import annotations

import resource
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.reliability.kills import child
from benchmarks.reliability.kills.jobs import Job, strays
from benchmarks.reliability.kills.line_signal import LineSignal
from benchmarks.reliability.kills.train_job import TrainJob

SENTENCES = {signal.SIGTERM: "ended by SIGTERM", signal.SIGINT: "interrupted"}
"""What a command says when one of these ends it; its exit code is 128 + the signal's number."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """How a job is interrupted; at most one field is set, none lets it run.

    Attributes:
        line: before which line of the code that writes files, from 1, it signals itself.
        number: the signal, for `line` and `delay_s`.
        delay_s: seconds after which it is signalled from outside.
        limit_bytes: length beyond which no file grows: the write that crosses it is cut short
            there, and the next one is answered by SIGXFSZ, which kills.
        full_bytes: the same, but the next write fails, as on a full disk.
        disk_bytes: the size of the file system that it writes to; the caller has mounted it.
        read_only: its folder is on a read-only file system; the caller has mounted it.
    """

    line: int | None = None
    number: int = signal.SIGKILL
    delay_s: float | None = None
    limit_bytes: int | None = None
    full_bytes: int | None = None
    disk_bytes: int | None = None
    read_only: bool = False

    def arm(self) -> None:
        """Prepare this process, which will run the job."""
        if self.line is not None:
            LineSignal(self.line, self.number).watch()
        limit = self.full_bytes if self.limit_bytes is None else self.limit_bytes
        if limit is not None:
            action = signal.SIG_IGN if self.limit_bytes is None else signal.SIG_DFL
            signal.signal(signal.SIGXFSZ, action)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    @property
    def always_meets(self) -> bool:
        """Whether no job can end before it, so that one that does was not put to the test."""
        by_luck = self.delay_s is not None or self.disk_bytes is not None
        return not by_luck and self != Interruption()

    def may_end_with(self, job: Job) -> dict[int, str]:
        """Return the codes that are right for a job that it meets, each with words it must say."""
        if self.read_only or self.full_bytes is not None or self.disk_bytes is not None:
            return {2: "error: "}
        if self.limit_bytes is not None:
            return {-signal.SIGXFSZ: ""}
        if self.number in SENTENCES:
            # From outside it may come after the command is done and before the process is.
            codes = {128 + self.number: SENTENCES[signal.Signals(self.number)]}
            return codes if self.line is not None else {**codes, -self.number: ""}
        return {-self.number: ""}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an interruption.

    Attributes:
        finished: the job ended before it was met.
        problems: sentences, one for everything that is not as it must be.
        strays: temporary files left.
    """

    finished: bool
    problems: tuple[str, ...]
    strays: int


def attempt(job: Job, interruption: Interruption, folder: Path, log: Path) -> Attempt:
    """Run the job in a child of this process and interrupt it."""
    job.prepare(folder)

    def action() -> int:
        interruption.arm()
        return job.run(folder)

    pid = child.start(action, log)
    if interruption.delay_s is not None:
        child.kill_after(pid, interruption.delay_s, interruption.number)
    return judge(job, interruption, folder, child.finish(pid, log))


def judge(job: Job, interruption: Interruption, folder: Path, ended: child.Ended) -> Attempt:
    """Look at what an interrupted job has left and said."""
    problems = job.problems(folder)
    finished = ended.code == job.ending
    right = interruption.may_end_with(job)
    if finished and interruption.always_meets:
        problems.append("the command was not interrupted")
    if not finished:
        if ended.code not in right:
            problems.append(f"ended with {ended.code}, expected {sorted(right)}: {ended.output}")
        elif right[ended.code] not in ended.output or "Traceback" in ended.output:
            problems.append(
                f"expected {right[ended.code]!r} and no traceback, got: {ended.output[-300:]}"
            )
    left = len(strays(folder))
    # Only what cannot run any more may leave its temporary file.
    if left > 1 or (left and ended.code > 0):
        problems.append(f"{left} temporary files are left, ended with {ended.code}")
    where = _words(interruption)
    return Attempt(finished, tuple(f"{where}: {problem}" for problem in problems), left)


def _words(interruption: Interruption) -> str:
    name = signal.Signals(interruption.number).name
    if interruption.line is not None:
        return f"{name} before line {interruption.line}"
    if interruption.delay_s is not None:
        return f"{name} after {interruption.delay_s * 1000:.1f} ms"
    if interruption.limit_bytes is not None:
        return f"killed at byte {interruption.limit_bytes}"
    if interruption.full_bytes is not None:
        return f"no file longer than {interruption.full_bytes} bytes"
    if interruption.disk_bytes is not None:
        return f"a disk of {interruption.disk_bytes} bytes"
    return "read-only"


def resumed(job: TrainJob, tried: Attempt, folder: Path, log: Path) -> Attempt:
    """Go on with a run that was interrupted; what it ends with must be what it always ends with."""
    problems = []
    if not job.is_finished(folder):
        ended = child.run(lambda: job.resume(folder), log)
        if ended.code != job.ending:
            problems.append(f"--resume ended with {ended.code}: {ended.output[-500:]}")
    if not problems:
        problems = job.final_problems(folder)
    return replace(tried, problems=(*tried.problems, *problems))
