"""One line on standard error that says how far a long loop is."""

from __future__ import annotations

import sys
import time

from minivgg_edge.cli.terminal import show_status

_INTERVAL_S = 0.5


class Progress:
    """Shows "done of total" and the remaining time, if a person watches; else nothing."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._start = time.perf_counter()
        self._shown = self._start
        self._visible = sys.stderr is not None and sys.stderr.isatty()

    def update(self, done: int) -> None:
        """Show that ``done`` of the total are finished, at most twice a second."""
        now = time.perf_counter()
        if not self._visible or now - self._shown < _INTERVAL_S:
            return
        self._shown = now
        left = (now - self._start) / done * (self._total - done)
        show_status(f"{done:,} of {self._total:,} pictures, {left:.0f} s left")

    def clear(self) -> None:
        """Remove the line, so that another can be printed."""
        if self._visible:
            show_status("")
