"""A sustained run is cut into minutes by the clock, and each has its own figures."""

from __future__ import annotations

import pytest

from minivgg_edge.measure.sustained import sustain

SECOND = 1_000_000_000


class Clock:
    """A clock that only a call moves: 10 s in the first minute, 20 s after that."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def call(self) -> None:
        self.now += (10 if self.now < 60 * SECOND else 20) * SECOND


def test_minutes() -> None:
    clock = Clock()
    temperatures = iter([60.0, 71.5, None])
    minutes = list(
        sustain(
            clock.call,
            minutes=3,
            read_temperature=lambda: next(temperatures),
            clock_ns=clock,
        )
    )
    assert [minute.minute for minute in minutes] == [1, 2, 3]
    assert [minute.p50_ms for minute in minutes] == [10_000, 20_000, 20_000]
    assert [minute.images_per_second for minute in minutes] == [
        pytest.approx(6 / 60),
        pytest.approx(3 / 60),
        pytest.approx(3 / 60),
    ]
    assert [minute.temperature_c for minute in minutes] == [60.0, 71.5, None]
    assert clock.now == 180 * SECOND


def test_a_call_longer_than_minutes_counts_in_each() -> None:
    clock = Clock()

    def call() -> None:
        clock.now += 150 * SECOND

    minutes = list(sustain(call, minutes=2, read_temperature=lambda: None, clock_ns=clock))
    assert [minute.p50_ms for minute in minutes] == [150_000, 150_000]
