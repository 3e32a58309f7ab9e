"""Files that are either written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path`` so that no reader ever sees a part of it.

    The bytes go to a temporary name in the same folder, are forced to the disk, and take the
    final name in one step. A power cut or a full disk leaves the old file, or none. An existing
    file is replaced (asking first is the caller's business) and its permissions stay; a symbolic
    link stays and the file it points to is replaced.

    Args:
        path: Final name; its folder must exist.
        data: The whole content.

    Raises:
        OSError: The file cannot be written. Its ``filename`` is ``path``, never the temporary
            name, and the temporary file is gone. Anything at ``path`` that is not a regular file
            (a folder, a device) is refused too: renaming over a device would destroy it.
    """
    name = os.fspath(path)
    # Not Path.resolve: it answers a loop of links with a RuntimeError before Python 3.13.
    final = Path(os.path.realpath(name))
    # The name is short and does not contain the final one, which may use all of NAME_MAX.
    temporary = final.with_name(f".minivgg-edge-{os.urandom(8).hex()}.tmp")
    try:
        _write_and_rename(temporary, final, data, permissions=_permissions(final))
    except OSError as error:
        code = errno.EIO if error.errno is None else error.errno
        raise OSError(code, error.strerror or str(error), name) from error


def _permissions(final: Path) -> int | None:
    """The permission bits of the file there; None without one. Refuses what is not a file."""
    try:
        mode = final.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file")
    return mode & 0o777


def _write_and_rename(
    temporary: Path, final: Path, data: bytes, *, permissions: int | None
) -> None:
    # Not tempfile.mkstemp: its mode 0600 would survive the rename, here the umask decides.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        # Inside: Ctrl-C may come between any two lines, and what exists by then has to go.
        descriptor = os.open(temporary, flags, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            if permissions is not None and hasattr(os, "fchmod"):
                # Before there is anything to read: the old file may have been private. A file
                # system without permissions may refuse.
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, permissions)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(final)
    finally:
        # Gone already after a success. A failure to remove must not hide the first error.
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the file system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    # The file is complete by now; some network file systems refuse to sync a folder.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
