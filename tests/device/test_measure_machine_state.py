"""The machine's state is what the files of the system say, and None where there is no file."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import pytest
from fake_board import CPUFREQ, THERMAL, THROTTLED, FakeBoard

from minivgg_edge.interpreter import runtime_info
from minivgg_edge.measure import machine_state
from minivgg_edge.measure.machine_state import parse_throttled, read_state, take_snapshot


def test_board(tmp_path: Path) -> None:
    state = read_state(FakeBoard(tmp_path).root)
    assert state.governor == "ondemand"
    assert state.frequency_mhz == (2400.0,) * 4
    assert state.temperature_c == 51.25  # not the hotter sensor, which is another's
    assert state.throttled == "0x0"
    assert state.load_1min == 0.25
    assert state.cpu_model == "Cortex-A76"
    assert state.memory_bytes == 8_000_000 * 1024
    assert state.virtual is False
    assert state.os == "Debian GNU/Linux 13 (trixie)"
    assert state.python == platform.python_version()
    assert state.numpy == np.__version__
    assert state.runtime == f"{runtime_info().name} {runtime_info().version}"


def test_the_hottest_of_the_processor_s_sensors_counts(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    for zone, millidegrees in ((2, 71_500), (3, 40_000)):
        board.write(THERMAL.format(zone=zone, name="type"), "soc-thermal\n")
        board.write(THERMAL.format(zone=zone, name="temp"), f"{millidegrees}\n")
    assert read_state(tmp_path).temperature_c == 71.5


def test_cores_with_different_governors(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    board.write(CPUFREQ.format(core=2, name="scaling_governor"), "performance\n")
    board.write(CPUFREQ.format(core=10, name="scaling_cur_freq"), "1000000\n")
    state = read_state(tmp_path)
    assert state.governor == "ondemand, performance"
    assert state.frequency_mhz == (2400.0,) * 4 + (1000.0,)  # by number, not by name


def test_what_the_system_does_not_tell_is_none(tmp_path: Path) -> None:
    state = read_state(tmp_path)
    for field in ("governor", "frequency_mhz", "temperature_c", "throttled", "load_1min"):
        assert getattr(state, field) is None
    assert state.memory_bytes is None
    assert state.os == platform.system()
    assert take_snapshot(tmp_path).cpu is None


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("throttled=0x50005", "0x50005"),  # vcgencmd
        ("50005", "0x50005"),  # the kernel's file
        ("0", "0x0"),
        ("error=1 error_msg=x", None),
        ("", None),
    ],
)
def test_throttle_bits(text: str, bits: str | None) -> None:
    assert parse_throttled(text) == bits


@pytest.mark.parametrize(("code", "bits"), [(0, "0x50000"), (1, None)])
def test_vcgencmd_is_asked_where_the_kernel_has_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, bits: str | None
) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f'#!/bin/sh\necho "throttled=0x50000"\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    board = FakeBoard(tmp_path / "board")
    board.remove(THROTTLED)
    monkeypatch.setattr(machine_state, "ROOT", board.root)
    assert read_state(board.root).throttled == bits


@pytest.mark.parametrize("content", ["#!/bin/sh\nexec sleep 60\n", "#!/no/such/shell\n"])
def test_a_vcgencmd_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(content)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(machine_state, "_VCGENCMD_TIMEOUT_S", 0.5)
    board = FakeBoard(tmp_path / "board")
    board.remove(THROTTLED)
    monkeypatch.setattr(machine_state, "ROOT", board.root)
    assert read_state(board.root).throttled is None


def test_counters(tmp_path: Path) -> None:
    ticks = 100
    board = FakeBoard(tmp_path)
    #                       user nice system idle iowait irq softirq steal guest
    board.write(
        "proc/stat", f"cpu  {5 * ticks} {ticks} {2 * ticks} 9999 88 {ticks} {ticks} 300 5 0\n"
    )
    cpu = take_snapshot(tmp_path).cpu
    assert cpu is not None
    assert cpu.busy_s == 5 + 1 + 2 + 1 + 1  # waiting for a disk is not work
    assert cpu.stolen_s == 3
    assert cpu.own_s > 0


def test_the_own_time_includes_child_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fresh processes of a cold start are no other program's load.
    board = FakeBoard(tmp_path)
    board.write("proc/stat", "cpu  1 1 1 1 1 1 1 1 0 0\n")
    monkeypatch.setattr(os, "times", lambda: os.times_result((1.0, 2.0, 4.0, 8.0, 16.0)))
    cpu = take_snapshot(board.root).cpu
    assert cpu is not None
    assert cpu.own_s == 1 + 2 + 4 + 8


def test_model_files_are_part_of_it(tmp_path: Path) -> None:
    assert take_snapshot(tmp_path, models=(("a.tflite", "00"),)).models == (("a.tflite", "00"),)
