"""What this process holds of the system, from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path

_SELF = Path("/proc/self")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> tuple[int, int]:
    """Return the resident set size, and the part of it that is not of files.

    Files that are mapped, libraries above all, leave the first number when the system needs their
    memory and come back when they are used; what a program leaks is in the second one.
    """
    _, resident, of_files, *_ = (_SELF / "statm").read_bytes().split()
    return int(resident) * _PAGE_BYTES, (int(resident) - int(of_files)) * _PAGE_BYTES


def descriptor_count() -> int:
    """Return how many file descriptors are open, without the one that counts them."""
    return len(os.listdir(_SELF / "fd")) - 1  # noqa: PTH208 - names only


def thread_count() -> int:
    """Return how many threads there are, native ones included."""
    return len(os.listdir(_SELF / "task"))  # noqa: PTH208
