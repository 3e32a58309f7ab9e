"""Picture files from outside: which names look like one, and opening only what can be read."""

from __future__ import annotations

import io
import os
import stat
from typing import IO

from minivgg_edge.errors import PictureError

# fmt: off
PICTURE_SUFFIXES = frozenset((
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm",
    ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
))
# fmt: on
"""Endings of files taken for pictures, in lower case; other files are counted and skipped."""


# A name may come to mean something else between asking and opening: a FIFO must not block, and a
# terminal must not become this process's own.
_OPEN_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def open_picture_file(path: str, *, max_bytes: int | None = None) -> IO[bytes]:
    """Open a picture file for reading.

    Its kind is asked before it is opened, since opening a device may act on it, and once more
    after, since the name may have come to mean something else.

    Args:
        path: Any name, even one that no file system accepts. Messages quote it as `repr` does,
            since it may contain line breaks.
        max_bytes: Largest file that is accepted; None accepts all.

    Returns:
        The file's bytes as a stream, to be closed by the caller. It ends where the file ended when
        it was opened, and does not give away its descriptor: decoders would map the file into
        memory, and a file that is cut off meanwhile would kill the process.

    Raises:
        PictureError: The file is missing, not readable, empty, too large, or no regular file.
    """
    try:
        # not through Path: it would take the empty name for the current directory
        _check_status(os.stat(path), path, max_bytes)  # noqa: PTH116
        file = io.FileIO(path, opener=_open)
    except OSError as error:
        raise PictureError(f"{path!r}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL character in the name
        raise PictureError(f"{path!r}: cannot be read: {error}") from error
    try:
        status = os.fstat(file.fileno())
        _check_status(status, path, max_bytes)
    except BaseException:
        file.close()
        raise
    return _PictureStream(file, status.st_size)


class _PictureStream(io.BufferedReader):
    """A file without a descriptor, that ends where it ended when it was opened."""

    def __init__(self, file: io.FileIO, size: int) -> None:
        super().__init__(file)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most `size` bytes; all up to the end for -1 and None."""
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))

    def fileno(self) -> int:
        """Refuse.

        Raises:
            io.UnsupportedOperation: Always.
        """
        raise io.UnsupportedOperation("a picture file has no descriptor for decoders")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _OPEN_FLAGS)


def _check_status(status: os.stat_result, path: str, max_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{path!r}: expected a picture file, got a {_kind(status.st_mode)}")
    if status.st_size == 0:
        raise PictureError(f"{path!r}: expected a picture, got an empty file (0 bytes)")
    if max_bytes is not None and status.st_size > max_bytes:
        raise PictureError(
            f"{path!r}: expected a picture file of at most {max_bytes:,} bytes, "
            f"got {status.st_size:,}"
        )


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISFIFO(mode):
        return "FIFO"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "device"
