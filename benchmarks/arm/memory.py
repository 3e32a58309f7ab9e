"""What waiting for the caches and the memory adds to modelled cycles.

`benchmarks.arm.cycles` takes all data to be in the first-level cache. Here the lines that were not
there (counted by `cache.c`, which simulates the caches) cost what sbc-bench measured on the board:

* from a further cache level: the time per line of eight independent chains of random reads that
  fit into that level (`ramlat`, column 8xPTR, over 8), in cycles of the core's clock;
* from or to memory: 64 bytes at the rate at which the board copies large blocks (tinymembench's
  memcpy, times two since a copy reads and writes).

Both are costs with as many requests under way as the core keeps, so prefetching is in them. What is
not: the first order here is that waiting adds to computing and does not hide behind it. That is an
upper bound of the wait on a core that runs out of order.

Source: sbc-bench, results 4hOp (Raspberry Pi 3 B, 1.19 GHz), 4pzj (Raspberry Pi 4 B, 1.5 GHz) and
1ULtUe (Raspberry Pi 5, 2.4 GHz), https://github.com/ThomasKaiser/sbc-bench/tree/master/results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LINE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Cache:
    """One level: size and ways."""

    kib: int
    ways: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Caches and memory of a board, as one core sees them.

    Attributes:
        caches: The levels, the first one first.
        line_cycles: What a line costs from the second level, the third and so on.
        copied_mb_s: What memcpy copies of a block larger than the caches, in 10^6 bytes a second.
    """

    caches: tuple[Cache, ...]
    line_cycles: tuple[float, ...]
    copied_mb_s: float


def _cycles(chains_ns: float, clock_ghz: float) -> float:
    """Cycles per line, from the time of eight reads."""
    return chains_ns / 8 * clock_ghz


# Sizes and ways: Arm's manuals of the cores; Broadcom's choices by Raspberry Pi's documentation of
# the processors (BCM2837, BCM2711, BCM2712).
MEMORIES: Mapping[str, Memory] = {
    "pi3": Memory((Cache(32, 4), Cache(512, 16)), (_cycles(73.81, 1.187),), 1110.5),
    "pi4": Memory((Cache(32, 2), Cache(1024, 16)), (_cycles(46.27, 1.499),), 2639.2),
    "pi5": Memory(
        (Cache(64, 4), Cache(512, 8), Cache(2048, 16)),
        (_cycles(12.64, 2.4), _cycles(32.01, 2.4)),
        6066.2,
    ),
}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lines that moved in one run.

    Attributes:
        filled: Brought into each level, the first one first.
        written_back: Put out of each level because they had been changed.
    """

    filled: tuple[float, ...]
    written_back: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> Traffic:
        """Read what cache.c writes, one line a level: lines brought in and lines written back.

        Raises:
            ValueError: A line has another form.
        """
        levels = [tuple(map(float, line.split())) for line in text.splitlines()]
        if not levels or any(len(level) != 2 for level in levels):
            raise ValueError("expected two numbers for each cache level")
        filled, written_back = zip(*levels, strict=True)
        return cls(filled, written_back)

    def per_run(self, runs: int) -> Traffic:
        """The same for one of `runs` equal runs."""
        return Traffic(
            tuple(lines / runs for lines in self.filled),
            tuple(lines / runs for lines in self.written_back),
        )

    @property
    def memory_bytes(self) -> float:
        """Moved between the last cache and the memory."""
        return LINE_BYTES * (self.filled[-1] + self.written_back[-1])


@dataclass(frozen=True, slots=True)
class Wait:
    """Milliseconds of one run.

    Attributes:
        caches_ms: For lines from the second and further levels.
        memory_ms: For lines from and to the memory.
    """

    caches_ms: float
    memory_ms: float

    @property
    def ms(self) -> float:
        """Both."""
        return self.caches_ms + self.memory_ms


def term(traffic: Traffic, memory: Memory, clock_ghz: float) -> Wait:
    """Return how long a run waits for its data.

    Args:
        traffic: Of one run.
        memory: Of the board.
        clock_ghz: Of the core, with which the caches run.

    Raises:
        ValueError: The traffic is of other levels than the board has.
    """
    levels = len(memory.caches)
    if len(traffic.filled) != levels or len(traffic.written_back) != levels:
        raise ValueError(f"expected {levels} levels, got {len(traffic.filled)}")
    cycles = 0.0
    for index, cost in enumerate(memory.line_cycles):
        # What this level had to fetch itself is paid for where it came from.
        supplied = max(0.0, traffic.filled[index] - traffic.filled[index + 1])
        cycles += cost * supplied
    return Wait(
        caches_ms=cycles / (clock_ghz * 1e6),
        memory_ms=traffic.memory_bytes / (2 * memory.copied_mb_s * 1e3),
    )
