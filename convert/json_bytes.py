"""JSON files of the desk."""

from __future__ import annotations

import json
import re
from typing import Any

# A list of numbers alone as `json.dumps` breaks it. Inside a string a line break is an escape, so
# that nothing of a string looks like this.
_NUMBERS = re.compile(r"\[\n\s*(-?\d[^\s,\]]*(?:,\n\s*-?\d[^\s,\]]*)*)\n\s*\]")
_BREAK = re.compile(r",\n\s*")


def json_bytes(document: Any, *, indent: int = 2) -> bytes:
    """Return a document as a JSON file: UTF-8 as it reads, with a newline at the end.

    A list of numbers stands on one line: a matrix reads as one, and a confusion matrix of 1,000
    classes takes three bytes for a number instead of a line. A path that is not valid UTF-8,
    which Python holds as surrogates, is written in escapes, and with it all that is not ASCII:
    reading gives the same path again.
    """
    try:
        return _text(document, indent, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _text(document, indent, ensure_ascii=True).encode("ascii")


def _text(document: Any, indent: int, *, ensure_ascii: bool) -> str:
    text = json.dumps(document, indent=indent, ensure_ascii=ensure_ascii)
    return _NUMBERS.sub(lambda found: f"[{_BREAK.sub(', ', found[1])}]", text) + "\n"
