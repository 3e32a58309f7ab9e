"""Modelled cycles, on blocks whose cost a hand can work out from the cores' optimization guides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.arm import cycles, scheduler
from benchmarks.arm.cycles import Block
from benchmarks.arm.errors import LaneError
from benchmarks.arm.scheduler import Region

NOP = 0xD503201F
ADD = 0x91000421  # add x1, x1, #1
BRANCH_BACK = 0x54FFFF61  # b.ne #-20
RETURN = 0xD65F03C0
MARK = 0xD4000001  # svc #0
UNDEFINED = 0xFFFFFFFF
UNSCHEDULED = 0x00000001  # udf #1: LLVM decodes it and has no cost for it
LOAD = 0x3DC00034  # ldr q20, [x1]


def sdot(register: int) -> int:
    """`sdot vN.4s, v28.16b, v29.16b`: reads and writes its own accumulator."""
    return 0x4E9D9780 | register


def fmla(register: int) -> int:
    """`fmla vN.4s, v28.4s, v29.4s`: reads and writes its own accumulator."""
    return 0x4E3DCF80 | register


class Fixed:
    """A scheduler that charges each instruction a fixed number of cycles."""

    version = "fixed"

    def __init__(self, **each: float) -> None:
        """Cycles per instruction by core; `_limit` behind a name is its throughput alone."""
        self._each = each

    def __call__(self, codes: Sequence[tuple[int, ...]], mca_cpu: str) -> list[Region]:
        """Charge; a word `UNDEFINED` is unknown."""
        core = mca_cpu.replace("-", "_")
        regions = []
        for words in codes:
            known = sum(word != UNDEFINED for word in words)
            cost, limit = self._each.get(core, 0.0), self._each.get(f"{core}_limit", 0.0)
            regions.append(Region(cost * known, limit * known, known))
        return regions


@pytest.fixture(scope="module")
def llvm() -> scheduler.LlvmScheduler:
    """The installed LLVM; skips where there is none."""
    try:
        return scheduler.installed()
    except LaneError as error:
        pytest.skip(str(error))


def test_parse_reads_count_address_and_words() -> None:
    assert cycles.parse("7 400a0 d503201f 91000421\n") == (Block(7, 0x400A0, (NOP, ADD)),)


def test_parse_leaves_out_a_block_without_words() -> None:
    assert cycles.parse("7 400a0\n") == ()


@pytest.mark.parametrize("text", ["x 400a0 d503201f", "7 zz d503201f", "7"])
def test_parse_refuses_another_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|not enough values"):
        cycles.parse(text)


@pytest.mark.parametrize("word", [BRANCH_BACK, RETURN, MARK])
def test_branches_end_a_block(word: int) -> None:
    assert scheduler.is_branch(word)


@pytest.mark.parametrize("word", [NOP, ADD, LOAD, sdot(1), 0xD53BD041])  # the last is an mrs
def test_other_instructions_do_not(word: int) -> None:
    assert not scheduler.is_branch(word)


def test_a_loop_cut_at_the_end_of_a_page_is_joined() -> None:
    first, second = Block(9, 0x1FF8, (ADD, ADD)), Block(9, 0x2000, (ADD, BRANCH_BACK))
    assert cycles.join([second, first]) == (Block(9, 0x1FF8, (ADD, ADD, ADD, BRANCH_BACK)),)


def test_blocks_with_other_counts_or_a_branch_between_stay_apart() -> None:
    more = [Block(9, 0x1FF8, (ADD, ADD)), Block(10, 0x2000, (ADD, BRANCH_BACK))]
    branch = [Block(9, 0x1FF8, (ADD, BRANCH_BACK)), Block(9, 0x2000, (ADD, RETURN))]
    assert cycles.join(more) == tuple(more)
    assert cycles.join(branch) == tuple(branch)


def test_a_block_translated_twice_is_one() -> None:
    twice = [Block(3, 0x1000, (ADD, RETURN)), Block(4, 0x1000, (ADD, RETURN))]
    assert cycles.join(twice) == (Block(7, 0x1000, (ADD, RETURN)),)


def test_other_code_at_the_same_address_is_kept() -> None:
    replaced = (Block(3, 0x1000, (ADD, RETURN)), Block(4, 0x1000, (NOP, RETURN)))
    assert cycles.join(replaced) == replaced


def test_model_adds_up_executions_and_divides_by_the_runs() -> None:
    blocks = [Block(100, 0, (ADD, BRANCH_BACK)), Block(10, 64, (RETURN,))]
    found = cycles.model(blocks, "cortex-a72", runs=10, schedule=Fixed(cortex_a72=0.5))
    assert found.instructions == (100 * 2 + 10) / 10
    assert found.cycles == pytest.approx(0.5 * (100 * 2 + 10) / 10)
    assert (found.covered, found.unknown, found.llvm) == (1.0, 0.0, "fixed")


def test_what_is_unknown_is_reported_and_extrapolated() -> None:
    blocks = [Block(10, 0, (ADD, ADD, ADD, UNDEFINED))]
    found = cycles.model(blocks, "cortex-a72", schedule=Fixed(cortex_a72=2.0))
    assert found.unknown == pytest.approx(1 / 4)
    assert found.covered == pytest.approx(3 / 4)
    assert found.cycles == pytest.approx(10 * 4 * 2.0)


def test_the_cold_tail_is_not_scheduled_but_counted() -> None:
    hot, cold = Block(995, 0, (ADD,)), Block(5, 64, (RETURN,))
    found = cycles.model([cold, hot], "cortex-a72", schedule=Fixed(cortex_a72=1.0))
    assert found.covered == pytest.approx(0.995)
    assert found.cycles == pytest.approx(1000)


def test_cortex_a53_is_bounded_by_its_own_pipes() -> None:
    blocks = [Block(10, 0, (ADD, RETURN))]
    latencies = Fixed(cortex_a55=3.0, cortex_a53=99.0, cortex_a53_limit=1.0)
    pipes = Fixed(cortex_a55=0.5, cortex_a53=99.0, cortex_a53_limit=1.0)
    assert cycles.model(blocks, "cortex-a53", schedule=latencies).cycles == pytest.approx(60)
    assert cycles.model(blocks, "cortex-a53", schedule=pipes).cycles == pytest.approx(20)


def test_milliseconds_are_cycles_over_the_clock() -> None:
    found = cycles.model([Block(3_600_000, 0, (ADD,))], "cortex-a72", schedule=Fixed(cortex_a72=1))
    assert found.milliseconds(1.8) == pytest.approx(2.0)


def test_model_refuses_nothing_and_unknown_cores() -> None:
    with pytest.raises(ValueError, match="at least one executed block"):
        cycles.model([], "cortex-a72", schedule=Fixed())
    with pytest.raises(ValueError, match="got 'cortex-m0'"):
        cycles.model([Block(1, 0, (ADD,))], "cortex-m0", schedule=Fixed())
    with pytest.raises(ValueError, match="knows none"):
        cycles.model([Block(1, 0, (UNDEFINED,))], "cortex-a72", schedule=Fixed(cortex_a72=1.0))


def test_independent_dot_products_start_two_a_cycle_on_cortex_a76(
    llvm: scheduler.LlvmScheduler,
) -> None:
    loop = (*(sdot(register) for register in range(16)), BRANCH_BACK)
    (region,) = llvm([loop], "neoverse-n1")
    assert region.known == 17
    # Sixteen over two pipes. Filling the pipeline takes a few cycles of a hundred iterations.
    assert region.throughput_limit == 8
    assert region.cycles == pytest.approx(8, rel=0.05)


def test_a_chain_of_float_products_waits_for_each_on_cortex_a76(
    llvm: scheduler.LlvmScheduler,
) -> None:
    chain, independent = llvm([(fmla(0),) * 8, tuple(map(fmla, range(8)))], "neoverse-n1")
    # Arm's Neoverse N1 guide: 4 cycles. LLVM knows nothing of the short way into an accumulator
    # (2 cycles), which kernels with enough accumulators do not need.
    assert chain.cycles == pytest.approx(8 * 4, rel=0.05)
    assert independent.cycles == pytest.approx(8 / 2, rel=0.05)


def test_cortex_a72_and_a53_start_one_whole_vector_product_a_cycle(
    llvm: scheduler.LlvmScheduler,
) -> None:
    loop = tuple(fmla(register) for register in range(16))
    blocks = [Block(1000, 0, loop)]
    for core in ("cortex-a72", "cortex-a53"):
        found = cycles.model(blocks, core, schedule=llvm)
        assert found.cycles == pytest.approx(1000 * 16, rel=0.05), core


def test_what_cannot_be_scheduled_is_left_out(llvm: scheduler.LlvmScheduler) -> None:
    blocks = [(UNDEFINED,), (UNSCHEDULED,), (ADD, UNDEFINED, ADD, UNSCHEDULED), (ADD,)]
    undecoded, unscheduled, some, one = llvm(blocks, "cortex-a72")
    assert undecoded == unscheduled == Region(0.0, 0.0, 0)
    assert (some.known, one.known) == (2, 1)


def test_blocks_of_which_nothing_can_be_decoded_cost_nothing(
    llvm: scheduler.LlvmScheduler,
) -> None:
    assert llvm([(UNDEFINED,)], "cortex-a72") == [Region(0.0, 0.0, 0)]


def test_scheduled_blocks_are_kept_and_used(
    llvm: scheduler.LlvmScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "scheduled.json"
    codes = [(ADD, RETURN), (LOAD, RETURN)]
    first = scheduler.installed(cache)(codes, "cortex-a72")
    again = scheduler.installed(cache)

    def refuse(*_: object) -> str:
        raise AssertionError("a program was started for blocks that are kept")

    monkeypatch.setattr(again, "_run", refuse)
    assert again(codes, "cortex-a72") == first == llvm(codes, "cortex-a72")
    with pytest.raises(AssertionError, match="was started"):
        again(codes, "cortex-a53")


def test_a_missing_llvm_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaneError, match="llvm-19"):
        scheduler.installed()
