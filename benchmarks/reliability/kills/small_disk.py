"""Small and read-only file systems, in a mount namespace of a child: nobody else sees them."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

_CLONE_NEWNS = 0x00020000  # linux/sched.h
_CLONE_NEWUSER = 0x10000000


class NamespaceUnavailableError(Exception):
    """This system lets nobody mount anything here; the message says what was refused."""


def enter_namespace() -> None:
    """Give this process, which must have one thread, mounts of its own; as root in it.

    Raises:
        NamespaceUnavailableError: the system refuses.
    """
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NamespaceUnavailableError(f"unshare: {reason}")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("--make-rprivate", "/")


def mount_small(folder: Path, size_bytes: int) -> None:
    """Mount an empty file system of this size (whole pages) on `folder`."""
    # The inodes are limited too, far above what a command needs: their memory is not counted.
    _mount("-t", "tmpfs", "-o", f"size={size_bytes},nr_inodes=1000", "tmpfs", str(folder))


def resize(folder: Path, size_bytes: int) -> None:
    """Give a file system that `mount_small` mounted another size."""
    _mount("-o", f"remount,size={size_bytes}", str(folder))


def make_read_only(folder: Path) -> None:
    """Let nobody write below `folder`; what is mounted deeper stays as it is."""
    _mount("--bind", str(folder), str(folder))
    _mount("-o", "remount,bind,ro", str(folder))


def unmount(folder: Path) -> None:
    """Take the topmost file system off `folder`."""
    _run(["umount", str(folder)])


def _mount(*words: str) -> None:
    _run(["mount", *words])


def _run(command: list[str]) -> None:
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise NamespaceUnavailableError(f"{command[0]}: there is no such program") from error
    if run.returncode != 0:
        raise NamespaceUnavailableError(f"{' '.join(command)}: {run.stderr.strip()}")
