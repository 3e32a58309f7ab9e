"""Keeps the runtime's chatter out of the terminal, and lets its complaints through."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

_STANDARD_ERROR = 2
_CHATTER = b"INFO: "


@contextlib.contextmanager
def without_info_lines() -> Iterator[None]:
    """Drop lines that native code starts with "INFO: " from standard error; for loading a model.

    LiteRT says "INFO: Created TensorFlow Lite XNNPACK delegate for CPU." with every model, past
    Python's streams, and has no switch for it. Other lines appear at the end of the block. Only
    Linux has files in memory; elsewhere nothing is dropped.
    """
    with _standard_error(_repeat):
        yield


@contextlib.contextmanager
def without_native_lines() -> Iterator[None]:
    """Drop all that reaches standard error past Python's streams; for decoding a picture.

    libtiff says there what is wrong with a file, in lines that the file may have a say in; the
    exception says it too.
    """
    with _standard_error(os.close):
        yield


@contextlib.contextmanager
def _standard_error(take: Callable[[int], None]) -> Iterator[None]:
    """Send standard error into a file in memory, whose descriptor is given away at the end."""
    if sys.__stderr__ is None:  # closed before the start: its number may be another file's by now
        yield
        return
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # closed by the caller
        yield
        return
    try:
        # A pipe would block the runtime once it is full; a temporary file needs a writable disk.
        try:
            log = os.memfd_create("native-log") if hasattr(os, "memfd_create") else None
        except OSError:  # refused by the system's settings: more is said then, nothing fails
            log = None
        if log is None:
            yield
            return
        os.dup2(log, _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            take(log)
    finally:
        os.close(kept)


def _repeat(log: int) -> None:
    """Write all but the chatter to standard error, and close the log."""
    with os.fdopen(log, "rb") as file:
        file.seek(0)
        rest = b"".join(line for line in file if not line.startswith(_CHATTER))
    with contextlib.suppress(OSError):  # nobody reads standard error any more
        os.write(_STANDARD_ERROR, rest)
