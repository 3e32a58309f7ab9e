"""A lock file that makes trainings wait between two steps, while somebody measures times."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from convert.errors import TrainingError
from minivgg_edge.atomic import write_atomically

DEFAULT_LOCK = Path("runs/pause")
_POLL_S = 0.25


class Pause:
    """Waits while the lock file exists; one check costs microseconds."""

    def __init__(self, lock: Path, say: Callable[[str], None]) -> None:
        self._lock, self._say = lock, say

    def wait(self) -> float:
        """Return when nobody holds the lock; the seconds that this took."""
        if not _is_held(self._lock):
            return 0.0
        started = time.perf_counter()
        self._say(f"Waiting while {self._lock} exists")
        while _is_held(self._lock):
            time.sleep(_POLL_S)
        waited = time.perf_counter() - started
        self._say(f"Going on after {waited:.0f} s")
        return waited


@contextmanager
def holding(lock: Path = DEFAULT_LOCK, *, settle_s: float = 5.0) -> Iterator[None]:
    """Keep trainings waiting inside the block.

    Args:
        lock: the file; the trainings look at the same one.
        settle_s: how long the block is put off, so that steps which are under way end first.

    Raises:
        OSError: the file cannot be written.
        TrainingError: another process holds it.
    """
    if _is_held(lock):
        raise TrainingError(f"{lock}: expected no lock, got one that is held")
    lock.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(lock, str(os.getpid()).encode())
    try:
        time.sleep(settle_s)
        yield
    finally:
        lock.unlink(missing_ok=True)


@contextmanager
def trainings_paused(lock: Path = DEFAULT_LOCK, *, settle_s: float = 5.0) -> Iterator[None]:
    """Keep trainings of this folder waiting while times are measured; without any, do nothing.

    Where the lock is held already, by a person or another measurement, they wait anyway.

    Args:
        lock: see `holding`; without its folder there is no training here.
        settle_s: see there.
    """
    if not lock.parent.is_dir() or _is_held(lock):
        yield
        return
    with holding(lock, settle_s=settle_s):
        yield


def _is_held(lock: Path) -> bool:
    """Is the file there, and the process whose number it holds? An empty file (`touch`) counts."""
    try:
        content = lock.read_bytes().strip()
    except FileNotFoundError:
        return False
    if not content.isdigit():
        return True
    try:
        os.kill(int(content), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # there, and somebody else's
        return True
    return True
