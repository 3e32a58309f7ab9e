"""May a file be written where the command line wants it?"""

from __future__ import annotations

import errno
import os
from pathlib import Path


def check_place(path: Path, kind: str, *, writes: bool) -> None:
    """Fail before minutes of work, not after them.

    Args:
        path: The file.
        kind: What it is, as after "the": "CSV"; its option is `--csv`.
        writes: Whether it will be written for certain.

    Raises:
        OSError: Its folder is missing or, if it will be written, cannot be written; or the path is
            something else than a file.
    """
    if not path.parent.is_dir():
        reason = f"the {kind} file's folder does not exist"
        raise FileNotFoundError(errno.ENOENT, reason, str(path))
    if path.exists() and not path.is_file():
        reason = f"expected a regular file for --{kind.lower()}, or a new name"
        raise OSError(errno.EINVAL, reason, str(path))
    folder = Path(os.path.realpath(path)).parent  # a link's target is what is written
    if writes and not os.access(folder, os.W_OK | os.X_OK):
        reason = f"the {kind} file's folder cannot be written"
        raise PermissionError(errno.EACCES, reason, str(path))
