"""JSON files of the desk."""

from __future__ import annotations

import json
from typing import Any


def json_bytes(document: Any, *, indent: int = 2) -> bytes:
    """Return a document as a JSON file: UTF-8 as it reads, with a newline at the end.

    A path that is not valid UTF-8, which Python holds as surrogates, is written in escapes, and
    with it all that is not ASCII: reading gives the same path again.
    """
    try:
        text = json.dumps(document, indent=indent, ensure_ascii=False)
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(document, indent=indent).encode("ascii") + b"\n"
