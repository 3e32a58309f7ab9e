"""Modelled time of an inference: cycles of its blocks, and what it waits for its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.arm import cycles, memory
from benchmarks.arm.boards import Board
from benchmarks.arm.cycles import Modelled
from benchmarks.arm.emulator import lines_file
from benchmarks.arm.memory import MEMORIES, Traffic, Wait


@dataclass(frozen=True, slots=True)
class InferenceTime:
    """One inference on a board.

    Attributes:
        modelled: Its cycles with all data in the first-level cache.
        wait: What further caches and the memory add.
        clock_ghz: Of the core.
    """

    modelled: Modelled
    wait: Wait
    clock_ghz: float

    @property
    def compute_ms(self) -> float:
        """Time of the cycles alone."""
        return self.modelled.milliseconds(self.clock_ghz)

    @property
    def ms(self) -> float:
        """Computing and waiting, one after the other."""
        return self.compute_ms + self.wait.ms


def inference_time(
    board: Board,
    blocks: Path,
    *,
    runs: int,
    cache: Path | None = None,
    clock_ghz: float | None = None,
) -> InferenceTime:
    """Model the time of one inference from what the emulator wrote about several.

    Args:
        board: A board with a scheduling model and known caches.
        blocks: Executed blocks; the cache lines that moved are in the file `lines_file` of it.
        runs: How many inferences they are of.
        cache: See `cycles.model`.
        clock_ghz: Of the core; None is the board's.

    Raises:
        ValueError: The board has no model, or a file has another form.
        LaneError: llvm-mc or llvm-mca is missing or fails.
    """
    if board.mca_cpu is None or board.name not in MEMORIES:
        raise ValueError(f"there is no model of {board.title}")
    text = blocks.read_text(encoding="ascii")
    traffic = Traffic.parse(lines_file(blocks).read_text(encoding="ascii")).per_run(runs)
    clock = board.clock_ghz if clock_ghz is None else clock_ghz
    return InferenceTime(
        modelled=cycles.model(cycles.parse(text), board.mca_cpu, runs=runs, cache=cache),
        wait=memory.term(traffic, MEMORIES[board.name], clock),
        clock_ghz=clock,
    )
