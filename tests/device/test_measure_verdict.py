"""A run during which the machine moved is not valid, and says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_board import CPUFREQ, THROTTLED, FakeBoard

from minivgg_edge.measure.machine_state import CpuTimes, Snapshot, take_snapshot
from minivgg_edge.measure.verdict import Limits, judge


@pytest.fixture
def board(tmp_path: Path) -> FakeBoard:
    return FakeBoard(tmp_path)


def snapshot(board: FakeBoard, cpu: CpuTimes | None = None) -> Snapshot:
    found = take_snapshot(board.root, models=(("m.tflite", "ab"),))
    state = dataclasses.replace(found.state, cores=4)
    return dataclasses.replace(found, state=state, cpu=cpu or CpuTimes(0, 0, 0, 0))


def test_a_machine_that_stays_is_valid(board: FakeBoard) -> None:
    before = snapshot(board)
    board.set_frequency_mhz(2200)  # by 8 %
    board.set_temperature_c(79.9)
    # 4 cores for 10 s; this process used 20 s of them, others 3.6 s, the hypervisor took 3.6 s.
    verdict = judge(before, snapshot(board, CpuTimes(10, 20 + 3.6, 3.6, 20)))
    assert verdict.reasons == ()
    assert verdict.valid
    assert verdict.not_available == ()


def set_governor(board: FakeBoard) -> None:
    board.write(CPUFREQ.format(core=1, name="scaling_governor"), "powersave\n")


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (set_governor, "governor changed from ondemand to ondemand, powersave"),
        (
            lambda board: board.set_frequency_mhz(1500),
            "frequency fell from 2400 to 1500 MHz, by more than 10%",
        ),
        (
            lambda board: board.set_frequency_mhz(2140),  # by 10.8 %
            "frequency fell from 2400 to 2140 MHz, by more than 10%",
        ),
        (
            lambda board: board.set_temperature_c(80.1),
            "temperature after the run was 80.1 C, over 80 C",
        ),
        (
            lambda board: board.write(THROTTLED, "4\n"),
            "throttle bits: throttled during the run (0x0 before, 0x4 after)",
        ),
        (
            lambda board: board.write(THROTTLED, "10000\n"),
            "throttle bits: under-voltage during the run (0x0 before, 0x10000 after)",
        ),
        (
            lambda board: board.write(THROTTLED, "80008\n"),
            "throttle bits: soft temperature limit during the run (0x0 before, 0x80008 after)",
        ),
        (
            lambda board: board.remove(THROTTLED),
            "throttle bits: read before the run, could not be read after it",
        ),
    ],
)
def test_what_moves_is_a_reason(
    board: FakeBoard, move: Callable[[FakeBoard], None], reason: str
) -> None:
    before = snapshot(board)
    move(board)
    verdict = judge(before, snapshot(board))
    assert verdict.reasons == (reason,)
    assert not verdict.valid


def test_a_board_that_was_throttled_once_is_valid(board: FakeBoard) -> None:
    board.write(THROTTLED, "50000\n")
    before = snapshot(board)
    verdict = judge(before, snapshot(board))
    assert verdict.valid
    # Its bits would be the same if it had happened again between the two looks.
    (spells,) = verdict.not_available
    assert spells.startswith("short spells of under-voltage and throttled (")
    # ... but not if it still is when the run begins, whatever comes then.
    board.write(THROTTLED, "50001\n")
    verdict = judge(snapshot(board), before)
    assert verdict.reasons == (
        "throttle bits: under-voltage when the run began (0x50001 before, 0x50000 after)",
    )


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        # 4 cores for 10 s are 40 s: others worked for 25 - 20 = 5 s of them.
        (CpuTimes(10, 25, 0, 20), "other programs took 12% of the cores' time, more than 10%"),
        (
            CpuTimes(10, 20, 8, 20),
            "other machines of the hypervisor took 20% of the cores' time, more than 10%",
        ),
    ],
)
def test_load_of_others(board: FakeBoard, after: CpuTimes, reason: str) -> None:
    verdict = judge(snapshot(board), snapshot(board, after))
    assert verdict.reasons == (reason,)
    assert judge(snapshot(board), snapshot(board, after), Limits(others_share=0.25)).valid


def test_counters_begin_long_before_the_run(board: FakeBoard) -> None:
    # As above, on a machine that has worked for a day: 4 cores for 10 s, this process took 20 s.
    before = snapshot(board, CpuTimes(86_400, 50_000, 3_000, 200))
    calm = CpuTimes(86_410, 50_020 + 3.6, 3_003.6, 220)
    assert judge(before, snapshot(board, calm)).valid
    busy = CpuTimes(86_410, 50_020 + 5, 3_008, 220)
    assert judge(before, snapshot(board, busy)).reasons == (
        "other programs took 12% of the cores' time, more than 10%",
        "other machines of the hypervisor took 20% of the cores' time, more than 10%",
    )


def test_model_file_that_changed(board: FakeBoard) -> None:
    before = snapshot(board)
    after = dataclasses.replace(snapshot(board), models=(("m.tflite", "cd"),))
    assert judge(before, after).reasons == ("model file m.tflite changed during the run",)


def test_what_a_virtual_machine_cannot_tell_is_no_reason(tmp_path: Path) -> None:
    empty = take_snapshot(tmp_path)
    verdict = judge(empty, take_snapshot(tmp_path))
    assert verdict.valid
    assert verdict.not_available == (
        "governor",
        "frequency",
        "temperature",
        "throttle bits",
        "load of other programs",
    )
