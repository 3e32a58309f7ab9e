"""What waiting for data costs, by hand, and lines counted of a program that moves known ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.arm.boards import PI5
from benchmarks.arm.emulator import lines_file
from benchmarks.arm.memory import LINE_BYTES, MEMORIES, Cache, Memory, Traffic, term

THREE_LEVELS = Memory((Cache(32, 4), Cache(256, 8), Cache(1024, 16)), (10.0, 30.0), 1000.0)


def test_lines_of_each_level_cost_what_the_next_one_takes() -> None:
    # 100 lines came into the first level: 60 from the second, 30 from the third, 10 from memory.
    wait = term(Traffic((100, 40, 10), (5, 3, 2)), THREE_LEVELS, clock_ghz=2.0)
    assert wait.caches_ms == pytest.approx((60 * 10 + 30 * 30) / 2e6)
    # A copy at 1000 MB/s moves 2000 MB/s; 10 lines are read and 2 written.
    assert wait.memory_ms == pytest.approx(12 * LINE_BYTES / 2000e6 * 1e3)
    assert wait.ms == pytest.approx(wait.caches_ms + wait.memory_ms)


def test_a_level_that_fetched_more_than_it_supplied_costs_nothing_itself() -> None:
    wait = term(Traffic((10, 40, 40), (0, 0, 0)), THREE_LEVELS, clock_ghz=1.0)
    assert wait.caches_ms == 0


def test_the_memory_does_not_get_faster_with_the_clock() -> None:
    slow, fast = (term(Traffic((9, 6, 3), (0, 0, 0)), THREE_LEVELS, ghz) for ghz in (1.0, 2.0))
    assert fast.memory_ms == slow.memory_ms
    assert fast.caches_ms == pytest.approx(slow.caches_ms / 2)


def test_lines_of_another_board_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 3 levels, got 2"):
        term(Traffic((1, 1), (1, 1)), THREE_LEVELS, clock_ghz=1.0)


def test_lines_are_read() -> None:
    traffic = Traffic.parse("100 5\n40 3\n")
    assert traffic == Traffic((100, 40), (5, 3))
    assert traffic.memory_bytes == 43 * LINE_BYTES
    assert traffic.per_run(10) == Traffic((10, 4), (0.5, 0.3))


@pytest.mark.parametrize("text", ["", "1\n", "1 2 3\n", "one two\n"])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected two numbers|could not convert"):
        Traffic.parse(text)


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES.keys())
def test_further_levels_are_larger_and_slower(memory: Memory) -> None:
    sizes = [cache.kib for cache in memory.caches]
    assert sizes == sorted(set(sizes))
    assert len(memory.line_cycles) == len(sizes) - 1
    assert list(memory.line_cycles) == sorted(set(memory.line_cycles))


SUM = """
import os, sys
import numpy as np
values = np.ones(int(sys.argv[1]) << 10, np.uint8).view(np.uint64)
for _ in range(3):
    values.max()
os.getppid()
for _ in range(10):
    values.max()
os.getppid()
"""


@pytest.mark.parametrize(
    ("kib", "levels_it_leaves"),
    [(16, 0), (256, 1), (1024, 2), (8192, 3)],
    ids=["in the first", "in the second", "in the third", "in memory"],
)
def test_an_array_comes_from_where_it_fits(
    pi5, tmp_path: Path, kib: int, levels_it_leaves: int
) -> None:
    script = tmp_path / "sum.py"
    script.write_text(SUM)
    blocks = tmp_path / "blocks"
    pi5.emulator.count(script, str(kib), blocks=blocks)
    traffic = Traffic.parse(lines_file(blocks).read_text()).per_run(10)
    lines = (kib << 10) / LINE_BYTES
    assert len(traffic.filled) == len(MEMORIES[PI5.name].caches)
    for level, filled in enumerate(traffic.filled):
        if level < levels_it_leaves:
            # Python's own data pass through the first level besides.
            assert filled == pytest.approx(lines, rel=0.05, abs=300)
        else:
            assert filled < 0.1 * lines + 100
    assert traffic.written_back[-1] < 0.01 * lines + 100
