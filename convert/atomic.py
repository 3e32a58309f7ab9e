"""Outputs of the desk: written whole or not at all, and never over something else by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from convert.errors import OutputExistsError
from minivgg_edge.atomic import write_atomically

Written = Literal["written", "unchanged"]


def write_output(path: Path, data: bytes, *, force: bool) -> Written:
    """Write `data` to `path` unless the file already holds exactly that.

    Returns:
        "unchanged" when the file had these bytes already, else "written".

    Raises:
        OutputExistsError: the file exists with other bytes and `force` is false.
        OSError: the file cannot be written; what stood there before still stands.
    """
    if path.is_file():
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return "unchanged"
        if not force:
            raise OutputExistsError(
                f"{path} exists with other content: name another output or add --force"
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return "written"
