"""Axes of charts: numbers to places, and the round numbers that are written at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Tick:
    """A round number at its place, in the chart's units."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers on a range of places.

    Attributes:
        low: the number at `start`.
        high: the number at `end`.
        start: place of `low`, in the chart's units.
        end: place of `high`.
        log: equal ratios take equal room; both numbers are above 0.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the place of a number."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int = 5, *, suffix: str = "") -> tuple[Tick, ...]:
        """Return about `count` round numbers in the range, with their places."""
        values = self._log_values() if self.log else _linear_values(self.low, self.high, count)
        step = min((b - a for a, b in pairwise(values)), default=1.0)
        return tuple(
            Tick(self.place(value), _tick_text(value, step, log=self.log) + suffix)
            for value in values
        )

    def _log_values(self) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ratio = self.high / self.low
        # Over more than two powers of ten, every 2 and 5 between would crowd the axis; over less
        # than one they would leave it nearly bare.
        multiples = (1, 1.5, 2, 3, 4, 5, 7) if ratio < 12 else (1, 2, 5) if ratio <= 300 else (1,)
        values = [multiple * 10.0**power for power in powers for multiple in multiples]
        return [value for value in values if self.low <= value <= self.high]


def padded_axis(values: Sequence[float], start: float, end: float, *, log: bool = False) -> Axis:
    """Return an axis with a margin around `values`, of which there is at least one."""
    low, high = min(values), max(values)
    if log:
        margin = max((high / low) ** 0.12, 1.15)
        return Axis(low / margin, high * margin, start, end, log=True)
    margin = max(0.12 * (high - low), 0.01 * abs(high), 1e-9)
    return Axis(low - margin, high + margin, start, end)


def _linear_values(low: float, high: float, count: int) -> list[float]:
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(low / step)
    return [index * step for index in range(first, math.floor(high / step) + 1)]


def _tick_text(value: float, step: float, *, log: bool) -> str:
    if log:
        return f"{value:,.10g}"  # without the digits that only rounding of powers makes
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}"
