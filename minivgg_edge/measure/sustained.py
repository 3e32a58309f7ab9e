"""Minutes of inferences without a pause: does the machine keep its speed when it gets warm?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minivgg_edge.measure.latency import summarize

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SustainedMinute:
    """One minute of a sustained run.

    Attributes:
        minute: From 1.
        p50_ms: Median time of a call.
        p95_ms: 95 of 100 calls took at most this long.
        images_per_second: Calls by the time they took together.
        temperature_c: At the minute's end; None if the machine does not tell.
    """

    minute: int
    p50_ms: float
    p95_ms: float
    images_per_second: float
    temperature_c: float | None


def sustain(
    call: Callable[[], object],
    *,
    minutes: int,
    read_temperature: Callable[[], float | None],
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> Iterator[SustainedMinute]:
    """Repeat a call and yield the figures of each minute when it is over.

    Args:
        call: Classifies one picture.
        minutes: How many, at least 1.
        read_temperature: Returns the processor's temperature in degrees Celsius.
        clock_ns: Returns nanoseconds since some moment.
    """
    start = clock_ns()
    for minute in range(1, minutes + 1):
        end = start + minute * 60 * _NS_PER_S
        times: list[int] = []
        begun = clock_ns()
        # At least once: a call may take longer than a minute.
        while not times or begun < end:
            call()
            finished = clock_ns()
            times.append(finished - begun)
            begun = finished
        summary = summarize(times)
        yield SustainedMinute(
            minute,
            summary.p50_ms,
            summary.p95_ms,
            len(times) * _NS_PER_S / sum(times),
            read_temperature(),
        )
