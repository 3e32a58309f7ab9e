"""Picture files from outside: which names look like one, and opening only what can be read."""

from __future__ import annotations

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


def open_picture_file(path: str) -> IO[bytes]:
    """Open a picture file for reading.

    Its kind is asked before it is opened: opening a FIFO would block, and a device may act on it.

    Args:
        path: Any name, even one that no file system accepts. Messages quote it as `repr` does,
            since it may contain line breaks.

    Returns:
        The file's bytes as a stream, to be closed by the caller.

    Raises:
        PictureError: The file is missing, not readable, empty, or no regular file.
    """
    try:
        # not through Path: it would take the empty name for the current directory
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):
            raise PictureError(f"{path!r}: expected a picture file, got a {_kind(status.st_mode)}")
        if status.st_size == 0:
            raise PictureError(f"{path!r}: expected a picture, got an empty file (0 bytes)")
        return open(path, "rb")  # noqa: PTH123
    except OSError as error:
        raise PictureError(f"{path!r}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL character in the name
        raise PictureError(f"{path!r}: cannot be read: {error}") from error


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISFIFO(mode):
        return "FIFO"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "device"
