"""Progress is a line for a person who watches, and nothing else."""

from __future__ import annotations

import io
import sys
import time

import pytest

from minivgg_edge.cli.progress import Progress


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the clock: its last entry is the time."""
    times = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: times[-1])
    return times


def test_line_and_remaining_time(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Progress(4000)
    seconds.append(100.25)
    shown.update(500)  # a quarter of a second later: too early to redraw
    assert terminal.getvalue() == ""
    seconds.append(110.0)
    shown.update(1000)  # 1,000 took 10 s, 3,000 are left
    assert terminal.getvalue() == "\r1,000 of 4,000 pictures, 30 s left\x1b[K"
    shown.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_silent_when_nobody_watches(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    shown = Progress(10)
    seconds.append(200.0)
    shown.update(5)
    shown.clear()
    assert file.getvalue() == ""
