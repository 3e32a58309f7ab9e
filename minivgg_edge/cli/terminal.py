"""Lines and aligned tables for a person at a terminal."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO


class OutputError(OSError):
    """Standard output cannot be written, for another reason than that its reader went away."""


def say(line: str = "") -> None:
    """Print one line to standard output at once, whatever its encoding can show.

    Raises:
        OutputError: The operating system refuses it.
        BrokenPipeError: Nobody reads it any more.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _write_output(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def flush() -> None:
    """Hand everything said to the operating system.

    Raises:
        OutputError: It refuses.
        BrokenPipeError: Nobody reads it any more.
    """
    _write_output("")


def flush_or_discard() -> None:
    """Flush both streams, and let vanish what nobody can take.

    The interpreter would fail on it once more at its exit, with a message and a code of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            _write(stream, "")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def complain(message: str) -> None:
    """Print one error line to standard error, whatever the message quotes."""
    with contextlib.suppress(OSError):  # nobody reads standard error any more
        _write(sys.stderr, f"minivgg-edge: error: {printable(message)}\n")


def show_status(text: str) -> None:
    """Replace the last line of standard error; "" removes it."""
    with contextlib.suppress(OSError):
        _write(sys.stderr, f"\r{text}\x1b[K")


def _write_output(text: str) -> None:
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror or str(error)) from error


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # None: closed by the caller of the program, nobody is to be told
        stream.write(text)
        stream.flush()


def printable(text: str) -> str:
    """Escape what a terminal would obey or could not show.

    File names and labels come from anywhere: a line end would fake a line, an escape sequence
    would move the cursor.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def display_width(text: str) -> int:
    """Return how many columns a terminal gives to ``text``: two for wide East Asian letters."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def pad(text: str, width: int, align: str = "l") -> str:
    """Fill ``text`` with spaces to ``width`` columns; ``align`` is "l" or "r"."""
    space = " " * (width - display_width(text))
    return space + text if align == "r" else text + space


def table(rows: Sequence[Sequence[str]], align: str, *, indent: int = 0) -> list[str]:
    """Lay rows out in columns with two spaces between them.

    Args:
        rows: Cells, the same number in every row; the header is a row like the others.
        align: One letter per column, "l" or "r".
        indent: Spaces before each line.
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [" " * indent + "  ".join(map(pad, row, widths, align)).rstrip() for row in rows]


def percent(fraction: float, digits: int = 1) -> str:
    """Render a fraction as percent; "-" for NaN, a figure that does not exist."""
    return "-" if math.isnan(fraction) else f"{100 * fraction:.{digits}f} %"
