"""Modelled cycles: executed basic blocks through LLVM's scheduling model of a core.

Every block is scheduled on its own by llvm-mca as if it repeated without end, with all its data in
the first-level cache and every branch predicted. That is right for the loops in which a network
spends its time; caches and memory are `benchmarks.arm.memory`'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arm import scheduler
from benchmarks.arm.scheduler import Scheduler

# Share of the executed instructions to schedule; the long tail of cold blocks is extrapolated.
COVERAGE = 0.99


@dataclass(frozen=True, slots=True)
class Block:
    """One translated block of guest code.

    Attributes:
        count: Executions.
        address: Where it starts in the guest.
        words: Its instructions, 32 bits each.
    """

    count: int
    address: int
    words: tuple[int, ...]

    @property
    def instructions(self) -> int:
        """Executed instructions."""
        return self.count * len(self.words)


@dataclass(frozen=True, slots=True)
class Core:
    """How a core is scheduled.

    Attributes:
        simulated: `-mcpu` of the simulation.
        bounds: `-mcpu`s whose reciprocal throughput (issue width and pipes alone, without
            latencies) no block may undercut.
    """

    simulated: str
    bounds: tuple[str, ...] = ()


# llvm-mca lets an in-order core write back in order too, unless the model marks an instruction as
# free to overtake. The model of Cortex-A53 marks none, so a load behind an FMLA waits for its ten
# cycles; a real A53 does not wait (LLVM pull request 213238, measured on a Raspberry Pi 3). The
# model of Cortex-A55, the same two-wide in-order design, marks them, but lets two 128-bit vector
# operations start in a cycle. So: latencies and order of the A55, pipes of the A53.
CORES: Mapping[str, Core] = {
    "cortex-a53": Core("cortex-a55", bounds=("cortex-a53",)),
    "cortex-a72": Core("cortex-a72"),
    "neoverse-n1": Core("neoverse-n1"),
}


@dataclass(frozen=True, slots=True)
class Modelled:
    """Cycles of a run of blocks.

    Attributes:
        cycles: Of all executed instructions; what was not scheduled is taken to cost as much per
            instruction as what was.
        instructions: Executed instructions.
        covered: Share of them that was scheduled.
        unknown: Share of them that LLVM cannot decode or has no scheduling data for.
        llvm: Version of LLVM.
    """

    cycles: float
    instructions: int
    covered: float
    unknown: float
    llvm: str

    def milliseconds(self, clock_ghz: float) -> float:
        """Time of the cycles alone at `clock_ghz`."""
        return self.cycles / (clock_ghz * 1e6)


def parse(text: str) -> tuple[Block, ...]:
    """Read the counter's lines `EXECUTIONS ADDRESS WORD...`, all but the first in hex.

    Raises:
        ValueError: A line has another form.
    """
    blocks = []
    for line in text.splitlines():
        count, address, *words = line.split()
        blocks.append(Block(int(count), int(address, 16), tuple(int(word, 16) for word in words)))
    return tuple(block for block in blocks if block.words)


def join(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Join blocks that the emulator cut although no branch stands between them.

    QEMU ends a block at the end of a page. Where a block starts at the address at which another
    ends, both ran equally often and the first does not end in a branch, they are one loop body.
    Counts of the same code at the same address (it was translated more than once) are added up.
    """
    counts: Counter[tuple[int, tuple[int, ...]]] = Counter()
    for block in blocks:
        counts[block.address, block.words] += block.count
    starts = {address: Block(count, address, words) for (address, words), count in counts.items()}
    if len(starts) != len(counts):  # code that was replaced at run time: nothing to join safely
        return tuple(Block(count, *key) for key, count in counts.items())
    joined = []
    followers: set[int] = set()
    for block in sorted(starts.values(), key=lambda block: block.address):
        if block.address in followers:
            continue
        words = block.words
        while not scheduler.is_branch(words[-1]):
            end = block.address + 4 * len(words)
            follower = starts.get(end)
            if follower is None or follower.count != block.count:
                break
            followers.add(end)
            words += follower.words
        joined.append(Block(block.count, block.address, words))
    return tuple(joined)


def model(
    blocks: Iterable[Block],
    core: str,
    *,
    runs: int = 1,
    cache: Path | None = None,
    schedule: Scheduler | None = None,
) -> Modelled:
    """Model the cycles of one run.

    Args:
        blocks: What was executed in `runs` runs.
        core: A key of `CORES`.
        runs: How often the same work was done; cycles and instructions are divided by it.
        cache: File that keeps scheduled blocks between calls; kernels recur.
        schedule: Another scheduler than the installed LLVM.

    Raises:
        ValueError: There is no block, or no such core.
        LaneError: llvm-mc or llvm-mca is missing or fails.
    """
    if core not in CORES:
        raise ValueError(f"expected one of {', '.join(CORES)}, got {core!r}")
    ordered = sorted(join(blocks), key=lambda block: -block.instructions)
    total = sum(block.instructions for block in ordered)
    if total == 0:
        raise ValueError("expected at least one executed block, got none")
    hot = _hottest(ordered, COVERAGE * total)
    schedule = schedule or scheduler.installed(cache)
    costs = _cycles_per_block(hot, CORES[core], schedule)
    cycles = covered = unknown = 0.0
    for block, (per_execution, known) in zip(hot, costs, strict=True):
        cycles += block.count * per_execution
        covered += block.count * known
        unknown += block.count * (len(block.words) - known)
    if covered == 0:
        raise ValueError("LLVM knows none of the executed instructions")
    return Modelled(
        cycles=cycles * total / covered / runs,
        instructions=round(total / runs),
        covered=covered / total,
        unknown=unknown / total,
        llvm=schedule.version,
    )


def _hottest(ordered: Sequence[Block], wanted: float) -> list[Block]:
    hot = []
    executed = 0
    for block in ordered:
        if executed >= wanted:
            break
        hot.append(block)
        executed += block.instructions
    return hot


def _cycles_per_block(
    blocks: Sequence[Block], core: Core, schedule: Scheduler
) -> list[tuple[float, int]]:
    """Cycles per execution and scheduled instructions of each block."""
    codes = [block.words for block in blocks]
    simulated = schedule(codes, core.simulated)
    bounds = [schedule(codes, name) for name in core.bounds]
    costs = []
    for region, *limits in zip(simulated, *bounds, strict=True):
        cycles = max([region.cycles, *(limit.throughput_limit for limit in limits)])
        costs.append((cycles, region.known))
    return costs
