"""What a folder was made of, so that it is made anew when that changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from minivgg_edge.atomic import write_atomically

_NAME = "made-of.json"


def is_stamped(folder: Path, wanted: Mapping[str, object], name: str = _NAME) -> bool:
    """Return whether the folder was made of what is wanted, completely."""
    file = folder / name
    return file.is_file() and json.loads(file.read_text(encoding="utf-8")) == wanted


def stamp(folder: Path, wanted: Mapping[str, object], name: str = _NAME) -> None:
    """Say what the folder was made of; to be called when it is complete."""
    text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / name, text.encode("utf-8"))


def unstamp(folder: Path, name: str = _NAME) -> None:
    """Forget it; to be called before a part of the folder changes."""
    (folder / name).unlink(missing_ok=True)
