"""Outputs of the desk: written whole or not at all, and never over something else by accident."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Literal

from convert.errors import OutputExistsError
from convert.report.text import size
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
    if _holds(path, data, force=force):
        return "unchanged"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return "written"


def write_outputs(
    files: Mapping[Path, bytes], *, force: bool, ours: Collection[Path] = ()
) -> dict[Path, Written]:
    """Write files that belong together, as `write_output` does, in their order.

    All are looked at before the first is written: no mixture of old and new ones.

    Args:
        files: by path, what each is to hold.
        force: replace whatever is there.
        ours: those of `files` that are replaced without it.

    Raises:
        OutputExistsError: a file exists with other bytes and may not be replaced; none is written.
        OSError: a file cannot be written; those before it are.
    """
    for path, data in files.items():
        _holds(path, data, force=force or path in ours)
    return {
        path: write_output(path, data, force=force or path in ours) for path, data in files.items()
    }


def write_and_tell(
    files: Mapping[Path, bytes],
    *,
    force: bool,
    say: Callable[[str], None],
    ours: Collection[Path] = (),
) -> None:
    """Write files as `write_outputs` does, and say of each what became of it and its size."""
    for path, state in write_outputs(files, force=force, ours=ours).items():
        say(f"{path}: {state}, {size(len(files[path]))}")


def _holds(path: Path, data: bytes, *, force: bool) -> bool:
    """Whether the file has these bytes already; raises `OutputExistsError` for others."""
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder: name another output")
    if not path.is_file():
        return False
    if path.stat().st_size == len(data) and path.read_bytes() == data:
        return True
    if not force:
        raise OutputExistsError(
            f"{path} exists with other content: name another output or add --force"
        )
    return False
