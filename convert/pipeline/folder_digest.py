"""One hash for all pictures of a folder: the same as long as no name and no content changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from convert.data.folder_layout import find_pictures
from minivgg_edge.errors import PictureError
from minivgg_edge.picture_file import open_picture_file


def folder_digest(folder: Path, report: Callable[[int, int], None]) -> str:
    """Hash names and contents of the pictures of a folder; where it lies does not count.

    Args:
        folder: in either layout of `convert.data.folder_layout`.
        report: called with the pictures read so far and how many there are.

    Returns:
        SHA-256, hex. A file that cannot be read counts with its name alone.

    Raises:
        DataError: not a folder of pictures sorted by class.
    """
    pictures = find_pictures(folder).pictures
    entries = []
    for number, picture in enumerate(pictures, start=1):
        entries.append((picture.name, _sha256(picture.path)))
        report(number, len(pictures))
    text = json.dumps(sorted(entries))  # ASCII, also of names that are not valid UTF-8
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _sha256(path: Path) -> str:
    try:
        # Not `Path.read_bytes`: a picture's name may be that of a pipe, which would never end.
        with open_picture_file(str(path)) as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except (PictureError, OSError):
        return ""
