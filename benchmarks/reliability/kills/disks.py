"""Commands on disks that are too small, and on read-only ones."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.reliability.kills import child, write_phase
from benchmarks.reliability.kills.attempt import Attempt, Interruption, attempt, resumed
from benchmarks.reliability.kills.jobs import Job, ReplacingJob
from benchmarks.reliability.kills.small_disk import (
    NamespaceUnavailableError,
    enter_namespace,
    make_read_only,
    mount_small,
    resize,
    unmount,
)
from benchmarks.reliability.kills.train_job import TrainJob
from benchmarks.reliability.kills.write_phase import Forked, disk_folder, job_folder

_PAGE_BYTES = 4096
_UNAVAILABLE = 77
_LARGE_BYTES = 64 * 2**20


def check_namespace(work: Path) -> None:
    """Try whether a file system can be mounted.

    Raises:
        NamespaceUnavailableError: it cannot; the message says why.
    """
    disk_folder(work).mkdir(parents=True, exist_ok=True)

    def action() -> int:
        try:
            enter_namespace()
            mount_small(disk_folder(work), _PAGE_BYTES)
            make_read_only(disk_folder(work))
        except NamespaceUnavailableError as error:
            print(error)
            return _UNAVAILABLE
        return 0

    ended = child.run(action, work / "log")
    if ended.code != 0:
        raise NamespaceUnavailableError(ended.output.strip())


def full_disk_sizes(job: ReplacingJob, count: int) -> list[int]:
    """Return sizes of a disk: from one that just holds the old files to one that holds both.

    Args:
        job: whose files.
        count: sizes at most, at even distances; page by page where that are fewer.
    """
    old, new = (sum(map(_pages, files.values())) for files in (job.old, job.new))
    step = max(1, new // max(1, count))
    return [pages * _PAGE_BYTES for pages in range(old, old + new, step)]


def replacing_on_small_disks(job: ReplacingJob, sizes: Sequence[int], work: Path) -> list[Attempt]:
    """Let the command replace files on disks of these sizes."""

    def body(forked: Forked) -> list[Attempt]:
        enter_namespace()
        attempts = []
        for size in sizes:
            mount_small(disk_folder(work), size)
            attempts.append(forked(Interruption(disk_bytes=size)))
            unmount(disk_folder(work))
        return attempts

    return write_phase.in_write_phase(job, body, work)


def on_read_only(job: Job, work: Path) -> list[Attempt]:
    """Let the command write where it may not."""

    def action() -> list[Attempt]:
        job.prepare(job_folder(work))
        make_read_only(disk_folder(work))
        where = (job_folder(work), work / "inner.log")
        return [attempt(job.untouched(), Interruption(read_only=True), *where)]

    return _in_namespace(action, work)


def training_on_small_disks(job: TrainJob, sizes: Sequence[int], work: Path) -> list[Attempt]:
    """Let a run fill the disk, make the disk larger and go on with --resume."""

    def action() -> list[Attempt]:
        attempts = []
        for size in sizes:
            mount_small(disk_folder(work), size)
            full = Interruption(disk_bytes=size)
            tried = attempt(job, full, job_folder(work), work / "inner.log")
            resize(disk_folder(work), _LARGE_BYTES)
            attempts.append(resumed(job, tried, job_folder(work), work / "inner.log"))
            unmount(disk_folder(work))
        return attempts

    return _in_namespace(action, work)


def _in_namespace(action: Callable[[], list[Attempt]], work: Path) -> list[Attempt]:
    note = work / "attempts.json"
    note.unlink(missing_ok=True)
    disk_folder(work).mkdir(parents=True, exist_ok=True)

    def run() -> int:
        enter_namespace()
        note.write_text(json.dumps([dataclasses.asdict(one) for one in action()]))
        return 0

    ended = child.run(run, work / "log")
    if ended.code != 0:
        raise write_phase.WritePhaseError(f"ended with {ended.code}: {ended.output[-1000:]}")
    return write_phase.read_attempts(note)


def _pages(data: bytes) -> int:
    return -(-len(data) // _PAGE_BYTES)
