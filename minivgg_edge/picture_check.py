"""Known pictures through this machine's resampling and decoding.

The resampler's bytes are part of a model's accuracy: they have to be the same as at the desk, with
Pillow and without it. Decoders of JPEG may differ by rounding, but not by more.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from minivgg_edge.child_answers import answer_line
from minivgg_edge.decode import decode
from minivgg_edge.errors import PictureError
from minivgg_edge.preprocess import Engine, preprocess

if TYPE_CHECKING:
    import numpy.typing as npt

# (height, width) of a picture and of what it is resized to: smaller, larger, and one of each.
_SIZES = (((61, 97), (32, 32)), ((17, 23), (48, 40)), ((50, 20), (24, 64)))
_RESAMPLED_SHA256 = "1e29000b4082bbf80617b69985d1647aed8e2e9ba7697b71966e1865b1ec3135"
"""Of the resized pictures, one behind the other, as Pillow 12 gives them."""

# `_pattern(6, 8)` and `_gradients(16, 24)` as Pillow writes them, the JPEG without subsampling.
_PNG_SIZE, _JPEG_SIZE = (6, 8), (16, 24)
_PNG = """
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAmElEQVR42gXBwQqDIAAA0DWUoNCKMpREKItaGJFQJtQhAg+D
QZcd9ou77Bf3nnd7fyGEURQxxqSUwzAYY47juPu+HwQBQiiO4zRN8zxnjHHOASEkDENCiBCiLB91Xbd72/c9kFJijCmlVaWU
UnrR8zw/1xVM05QkSVGYpmnGfbTWnufp3Mv7gU+WZUKIruu01tu2Oeeu6/oDe+AV3t0a5nwAAAAASUVORK5CYII=
"""
_JPEG = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQ
ERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU
FBQUFBQUFBQUFBQUFBT/wAARCAAQABgDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EAB4QAAAGAwEBAAAAAAAA
AAAAAAAGEiNBUQEHEwMi/8QAFwEBAQEBAAAAAAAAAAAAAAAABwYECf/EAB8RAAEDBQADAAAAAAAAAAAAAAAFBhECAwQTIiEx
Qf/aAAwDAQACEQMRAD8ADBBJyubdQI7Lv7JKJWbMTyJEgEhXNuoEZl2dgMKzb98iRIJCVnybqBG5aXsnwDCs3YnkKGuycrl8
VAQ6L+w6/rDZieRP66JCuTdQNlNnYByw24nkT+uyErPk3UDbQl7PgGrDeieT/9k=
"""
_JPEG_ROUNDING = 8
"""In values of 0-255: the compressed picture is up to 4 off, and decoders differ by 1 or 2."""


def main() -> None:
    """Print an answer per check, before the next one starts: name, problems, and a sentence."""
    engines: tuple[Engine, ...] = ("numpy", "pillow") if _has_pillow() else ("numpy",)
    problems = [problem for engine in engines for problem in resampling_problems(engine)]
    _say("resampling", problems, f"{' and '.join(engines)}: the same bytes as at the desk")
    if _has_pillow():
        _say("decoding", decoding_problems(), "PNG and JPEG: the known pixels")
    else:
        _say("decoding", (), "not tried: without Pillow only arrays can be classified")


def resampling_problems(engine: Engine) -> list[str]:
    """Resize synthetic pictures and return what is wrong with the result, as sentences."""
    digest = hashlib.sha256()
    for (rows, columns), (height, width) in _SIZES:
        picture = _pattern(rows, columns)
        digest.update(preprocess(picture, height=height, width=width, engine=engine).tobytes())
    if digest.hexdigest() == _RESAMPLED_SHA256:
        return []
    return [f"{engine}: expected pixels with SHA-256 {_RESAMPLED_SHA256}, got {digest.hexdigest()}"]


def decoding_problems() -> list[str]:
    """Decode a PNG and a JPEG and return what is wrong with the pixels, as sentences."""
    known = (
        ("PNG", _PNG, _pattern(*_PNG_SIZE), 0),
        ("JPEG", _JPEG, _gradients(*_JPEG_SIZE), _JPEG_ROUNDING),
    )
    problems = []
    for name, encoded, expected, tolerance in known:
        try:
            pixels = decode(base64.b64decode(encoded))
        except PictureError as error:
            problems.append(f"{name}: {error}")
            continue
        if pixels.shape != expected.shape:
            problems.append(f"{name}: expected shape {expected.shape}, got {pixels.shape}")
            continue
        difference = int(np.abs(pixels.astype(np.int16) - expected).max())
        if difference > tolerance:
            problems.append(f"{name}: expected pixels at most {tolerance} off, got {difference}")
    return problems


def _pattern(rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Draw a fine pattern, uint8 (rows, columns, 3), of integer arithmetic alone."""
    row, column, channel = np.ogrid[:rows, :columns, :3]
    values = row * row * 7 + column * column * 5 + row * column * 3 + channel * 85
    pattern: npt.NDArray[np.uint8] = (values % 256).astype(np.uint8)
    return pattern


def _gradients(rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Draw smooth colors, which JPEG hardly changes: uint8 (rows, columns, 3)."""
    row, column = np.mgrid[:rows, :columns]
    red, green = row * 255 // (rows - 1), column * 255 // (columns - 1)
    blue = row * column * 255 // ((rows - 1) * (columns - 1))
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def _has_pillow() -> bool:
    return importlib.util.find_spec("PIL") is not None


def _say(name: str, problems: Iterable[str], sentence: str) -> None:
    line = answer_line(name=name, problems=list(problems), sentence=sentence)
    print(line, end="", flush=True)  # noqa: T201 - the parent process reads it
