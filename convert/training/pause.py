"""A lock file that makes trainings wait between two steps, while somebody measures times."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from convert.errors import TrainingError

DEFAULT_LOCK = Path("runs/pause")
LOCK_VARIABLE = "MINIVGG_PAUSE"
_POLL_S = 0.25
_BY_HAND = 0  # no process has this number


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
        TrainingError: it is held already.
    """
    if not _take(lock):
        raise TrainingError(f"{lock}: expected no lock, got one that is held")
    try:
        time.sleep(settle_s)
        yield
    finally:
        lock.unlink(missing_ok=True)


@contextmanager
def trainings_paused(lock: Path | None = None, *, settle_s: float = 5.0) -> Iterator[None]:
    """Keep trainings of this folder waiting while times are measured; without any, do nothing.

    Where a person made the lock, they wait already. Where another measurement holds it, this one
    waits for its end: two at once would measure each other.

    Args:
        lock: see `holding`; without its folder there is no training here. None: what the
            environment variable MINIVGG_PAUSE names, else the default.
        settle_s: see there.
    """
    lock = Path(os.environ.get(LOCK_VARIABLE, DEFAULT_LOCK)) if lock is None else lock
    if not lock.parent.is_dir() or _owner(lock) in (_BY_HAND, os.getpid()):
        yield
        return
    while not _take(lock):
        time.sleep(_POLL_S)
    try:
        time.sleep(settle_s)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    """Make the file, unless somebody holds it."""
    if _is_held(lock):
        return False
    lock.unlink(missing_ok=True)  # of a process that has ended
    lock.parent.mkdir(parents=True, exist_ok=True)
    # Written first: an empty lock would count as made by hand.
    written = lock.with_name(f"{lock.name}.{os.getpid()}")
    written.write_text(str(os.getpid()))
    try:
        os.link(written, lock)  # fails where another was faster
    except FileExistsError:
        return False
    finally:
        written.unlink()
    return True


def _owner(lock: Path) -> int | None:
    """The living process that holds the lock, `_BY_HAND`, or None where it is not held."""
    try:
        content = lock.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not content.isdigit():
        return _BY_HAND
    try:
        os.kill(int(content), 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # there, and somebody else's
        pass
    return int(content)


def _is_held(lock: Path) -> bool:
    return _owner(lock) is not None
