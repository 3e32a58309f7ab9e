"""One run at a time in a folder: a lock that goes with the process that holds it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from convert.errors import FolderInUseError


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other runs out of a folder while the block runs.

    The lock is on the folder itself, so nothing is left in it, whatever ends the process. Where
    the file system or the operating system knows no such locks, nobody is kept out.

    Args:
        folder: of the run; it exists.
        wait: until another run that is at work there has ended.

    Raises:
        FolderInUseError: another run is at work there, and `wait` is false.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise FolderInUseError(
                f"{folder}: expected no other run at work there, got one: wait until it has ended, "
                "or name another --out"
            ) from error
        except OSError:
            pass  # some network file systems
        yield
    finally:
        os.close(descriptor)
