"""A signal that a process sends to itself before the n-th line of the code that writes files.

Every system call of that code stands on a line of its own, so "before every line" is also "between
every two system calls"; a signal from outside would meet those moments by luck only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent.parent.parent
_WRITING_FILES = frozenset(
    str(_ROOT / name)
    for name in (
        "minivgg_edge/atomic.py",
        "convert/atomic.py",
        "convert/training/checkpoint.py",
        "convert/training/results.py",
    )
)


class LineSignal:
    """Counts the lines of writing code as they run; see the module's docstring.

    Attributes:
        lines: run so far.
    """

    def __init__(self, at: int | None = None, number: int = 0) -> None:
        """Prepare.

        Args:
            at: before which line, from 1, the signal is sent; None only counts.
            number: the signal.
        """
        self._at = at
        self._number = number
        self.lines = 0

    def watch(self) -> None:
        """Begin; for this thread, until the process ends."""
        sys.settrace(self._call)

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in _WRITING_FILES else None

    def _line(self, _frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self._at:
                os.kill(os.getpid(), self._number)
        return self._line
