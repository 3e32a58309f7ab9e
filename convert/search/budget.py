"""`Budget`: how long a candidate will take, by those before it, and whether that still fits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# A machine that does other things beside is not equally fast in every minute.
_MARGIN = 1.3


@dataclass(frozen=True, slots=True)
class Work:
    """What a candidate needs.

    Attributes:
        observed: pictures through the float graph, to keep statistics.
        corrected: pictures through the quantized graphs of a bias correction, all layers together.
        evaluated: pictures through the candidate itself.
        quantized: quantizations of a bias correction, one for each layer; that of the candidate
            itself comes on top. They take the same time however few the pictures are.
    """

    observed: int
    corrected: int
    evaluated: int
    quantized: int = 0


class Budget:
    """Seconds to spend; learns what pictures and quantizations cost from the work that was done."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock.

        Args:
            seconds: to spend, from now on.
            clock: a monotonic time in seconds.
        """
        self.seconds = seconds
        self._clock = clock
        self._started = clock()
        self._observe_s = 0.0
        self._correct_s: float | None = None
        self._evaluate_s = 0.0
        self._quantize_s = 0.0

    @property
    def left_s(self) -> float:
        """Seconds that are left; below zero when it is overspent."""
        return self.seconds - (self._clock() - self._started)

    def expected_s(self, work: Work) -> float:
        """Return the seconds that `work` should take at the slowest pace so far."""
        correct_s = self._observe_s if self._correct_s is None else self._correct_s
        return (
            work.observed * self._observe_s
            + work.corrected * correct_s
            + work.evaluated * self._evaluate_s
            + (work.quantized + 1) * self._quantize_s
        )

    def fits(self, work: Work) -> bool:
        """Whether `work` should end in time, with a margin."""
        return _MARGIN * self.expected_s(work) <= self.left_s

    def learn(
        self, work: Work, *, prepared_s: float, quantized_s: float, evaluated_s: float
    ) -> None:
        """Note how long work took.

        Args:
            work: that was done.
            prepared_s: seconds of observation and bias correction, its quantizations included.
            quantized_s: seconds of the quantization of the candidate itself.
            evaluated_s: seconds of its evaluation.
        """
        self._evaluate_s = max(self._evaluate_s, evaluated_s / work.evaluated)
        self._quantize_s = max(self._quantize_s, quantized_s)
        if work.corrected:
            known_s = work.observed * self._observe_s + work.quantized * self._quantize_s
            rest_s = max(prepared_s - known_s, 0.0)
            self._correct_s = max(self._correct_s or 0.0, rest_s / work.corrected)
        elif work.observed:
            self._observe_s = max(self._observe_s, prepared_s / work.observed)

    def now_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started
