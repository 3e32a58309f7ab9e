"""What is tried on each command, and how often."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.kills import child, disks, whole_process, write_phase
from benchmarks.reliability.kills.attempt import Attempt, Interruption, attempt, resumed
from benchmarks.reliability.kills.jobs import Job, ReplacingJob
from benchmarks.reliability.kills.line_signal import LineSignal
from benchmarks.reliability.kills.train_job import TrainJob
from benchmarks.reliability.kills.write_phase import job_folder

_WHOLE_PROCESSES = 8
_SHORTEST_BYTES = 256  # the limit holds for the log too, and what the command says must fit
_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of interruption of one command.

    Attributes:
        command: of the job.
        title: how it is interrupted.
        run: makes the attempts.
    """

    command: str
    title: str
    run: Callable[[], list[Attempt]]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is tried: of every count `share`, rounded; random moments from `seed`."""

    share: float
    seed: int

    def of(self, count: int) -> int:
        """Return the share of a count."""
        return round(self.share * count)

    def lines(self, count: int, most: int | None = None) -> list[int]:
        """Return numbers of lines from 1 to `count`, evenly spread: the share, or `most`."""
        wanted = min(self.of(count if most is None else most), count)
        if wanted == 1:
            return [1 + count // 2]
        return sorted({1 + round(n * (count - 1) / (wanted - 1)) for n in range(wanted)})

    def moments(self, count: int, upper_s: float) -> list[float]:
        """Return moments from 0 to `upper_s`, all equally likely."""
        source = random.Random(self.seed)  # noqa: S311 - for repetition, not for secrets
        return [source.uniform(0.0, upper_s) for _ in range(self.of(count))]

    def lengths(self, count: int, upper: int) -> list[int]:
        """Return lengths from 256 to below `upper` bytes, all equally likely."""
        source = random.Random(self.seed)  # noqa: S311
        return [source.randrange(_SHORTEST_BYTES, upper) for _ in range(self.of(count))]


def replacing_steps(
    job: ReplacingJob, amount: Amount, work: Path, *, disk: bool, random_runs: int
) -> Iterator[Step]:
    """Yield what is tried on a command that replaces files.

    Args:
        job: the command.
        amount: how much of everything.
        work: folder for all files.
        disk: whether file systems can be mounted.
        random_runs: runs that are killed at a random moment of all their time.
    """
    extent = write_phase.measure(job, work)
    longest = max(map(len, job.new.values()))

    def step(title: str, interruptions: list[Interruption]) -> Step:
        return Step(job.name, title, lambda: write_phase.interrupt(job, interruptions, work))

    for number in _SIGNALS:
        lines = [Interruption(line=n, number=number) for n in amount.lines(extent.lines)]
        yield step(f"{number.name} before a line of the code that writes", lines)
    moments = amount.moments(200, extent.duration_s)
    yield step("SIGKILL at a random moment of writing", [Interruption(delay_s=t) for t in moments])
    lengths = amount.lengths(100, longest)
    yield step("killed in the middle of a write", [Interruption(limit_bytes=n) for n in lengths])
    yield step("a write that fails half-way", [Interruption(full_bytes=n) for n in lengths])
    if disk:
        sizes = disks.full_disk_sizes(job, amount.of(30))
        yield Step(
            job.name, "a full disk", lambda: disks.replacing_on_small_disks(job, sizes, work)
        )
        yield Step(job.name, "a read-only disk", lambda: disks.on_read_only(job, work))
    for number in _SIGNALS:
        yield Step(
            job.name,
            f"{number.name} at a random moment of the run",
            lambda number=number: _random_runs(job, amount, random_runs, number, work),
        )
    for number in _SIGNALS:
        yield Step(
            job.name,
            f"{number.name} at a random moment of the whole process",
            lambda number=number: _whole_processes(job, amount, number, work),
        )


def training_steps(job: TrainJob, amount: Amount, work: Path, *, disk: bool) -> Iterator[Step]:
    """Yield what is tried on training; after each, --resume must end with the same weights."""
    lines, duration_s = _training_extent(job, work)

    def step(title: str, interruptions: list[Interruption]) -> Step:
        return Step(job.name, title, lambda: [_trained(job, one, work) for one in interruptions])

    for number, most in zip(_SIGNALS, (24, 8, 8), strict=True):
        chosen = [Interruption(line=n, number=number) for n in amount.lines(lines, most)]
        yield step(f"{number.name} before a line of the code that writes", chosen)
    for number, count in zip(_SIGNALS, (24, 12, 12), strict=True):
        moments = amount.moments(count, duration_s)
        chosen = [Interruption(delay_s=moment, number=number) for moment in moments]
        yield step(f"{number.name} at a random moment of the run", chosen)
    if disk:
        sizes = [int(length) for length in amount.lengths(6, 200_000)]
        yield Step(job.name, "a full disk", lambda: disks.training_on_small_disks(job, sizes, work))
        yield Step(job.name, "a read-only disk", lambda: disks.on_read_only(job, work))


def _trained(job: TrainJob, interruption: Interruption, work: Path) -> Attempt:
    tried = attempt(job, interruption, job_folder(work), work / "log")
    return resumed(job, tried, job_folder(work), work / "log")


def _training_extent(job: TrainJob, work: Path) -> tuple[int, float]:
    """Return the lines of writing code in an undisturbed run, and its seconds."""
    note = work / "lines"

    def action() -> int:
        counter = LineSignal()
        counter.watch()
        code = job.run(job_folder(work))
        note.write_text(str(counter.lines))
        return code

    duration_s = 0.0
    # The second time without counting, which makes Python slower.
    for act in (action, lambda: job.run(job_folder(work))):
        job.prepare(job_folder(work))
        started = time.perf_counter()
        ended = child.run(act, work / "log")
        duration_s = time.perf_counter() - started
        if ended.code != job.ending:
            raise write_phase.WritePhaseError(f"{job.name}: {ended.code}: {ended.output[-1000:]}")
    return int(note.read_text()), duration_s


def _random_runs(
    job: Job, amount: Amount, count: int, number: signal.Signals, work: Path
) -> list[Attempt]:
    folder, log = job_folder(work), work / "log"
    if not amount.of(count):
        return []
    started = time.perf_counter()
    attempt(job, Interruption(), folder, log)
    duration_s = time.perf_counter() - started
    return [
        attempt(job, Interruption(delay_s=moment, number=number), folder, log)
        for moment in amount.moments(count, duration_s)
    ]


def _whole_processes(
    job: ReplacingJob, amount: Amount, number: signal.Signals, work: Path
) -> list[Attempt]:
    folder, log = job_folder(work), work / "log"
    if not amount.of(_WHOLE_PROCESSES):
        return []
    duration_s = whole_process.duration_s(job, folder)
    return [
        whole_process.end(job, Interruption(delay_s=moment, number=number), folder, log)
        for moment in amount.moments(_WHOLE_PROCESSES, duration_s)
    ]
