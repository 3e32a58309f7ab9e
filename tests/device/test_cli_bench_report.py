"""The card as text: every figure stands below its own head, in the unit that the head names."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from fake_board import FakeBoard

from minivgg_edge.cli.bench_report import (
    cold_start_table,
    latency_table,
    machine_lines,
    model_table,
    sustained_table,
)
from minivgg_edge.measure.accuracy import Accuracy
from minivgg_edge.measure.card import Card, Entry, Latency
from minivgg_edge.measure.cold_start import ColdStart
from minivgg_edge.measure.fresh_process import PHASES
from minivgg_edge.measure.latency import Histogram, LatencySummary
from minivgg_edge.measure.machine_state import read_state
from minivgg_edge.measure.memory import Memory
from minivgg_edge.measure.sustained import SustainedMinute
from minivgg_edge.measure.verdict import Verdict

MIB = 2**20
TIMES = LatencySummary(
    rounds=1000, p50_ms=1.5, p90_ms=2.5, p95_ms=3.5, p99_ms=4.5, mean_ms=8, min_ms=0.5, max_ms=9.5,
    histogram=Histogram((0.5, 9.5), (1000,)),
)  # fmt: skip
ENTRY = Entry(
    "m", "int8", "engine", "1.2", True, "ab", 123_456,
    latency=(Latency("classify-array", 2, 8, TIMES, 1.25),),
    cold_start=ColdStart(7, {p: float(n) for n, p in enumerate(PHASES, 1)}, 21.5, 20.5, 30.5),
    memory=Memory(
        peak_rss_bytes=30 * MIB, steady_rss_bytes=20 * MIB, baseline_rss_bytes=10 * MIB
    ),
    accuracy=Accuracy("D", "test", 10_000, 0.9, 0.875, 0.925),
    sustained=(SustainedMinute(1, 4.5, 5.5, 250.0, 61.5),),
)  # fmt: skip
NAME = "m int8, engine 1.2"


def by_head(lines: list[str]) -> dict[str, str]:
    """The one row of a table, by the heads of its columns."""
    head, row = (re.split(" {2,}", line.strip()) for line in lines)
    return dict(zip(head, row, strict=True))


def test_latency() -> None:
    assert by_head(latency_table([ENTRY])) == {
        "latency, ms": "classify-array", "model": NAME, "threads": "2", "batch": "8",
        "rounds": "1,000", "p50": "1.500", "p90": "2.500", "p95": "3.500", "p99": "4.500",
        "min": "0.500", "ratio": "1.25x",
    }  # fmt: skip


def test_cold_start() -> None:
    assert by_head(cold_start_table([ENTRY])) == {
        "cold start, ms": NAME, "processes": "7",
        **{phase: f"{number}.0" for number, phase in enumerate(PHASES, 1)},
        "total": "21.5", "min": "20.5", "max": "30.5",
    }  # fmt: skip


def test_model() -> None:
    assert by_head(model_table([ENTRY])) == {
        "model": NAME, "file, bytes": "123,456", "RSS steady": "20.0 MiB", "RSS peak": "30.0 MiB",
        "numpy alone": "10.0 MiB",
        "images/s": "125",  # 8 ms each in the mean, whatever the median
        "accuracy": "90.00 %", "95 % interval": "87.50 to 92.50 %", "pictures": "10,000 (D, test)",
    }  # fmt: skip


def test_sustained() -> None:
    assert by_head(sustained_table([ENTRY])) == {
        "sustained": NAME, "minute": "1", "p50, ms": "4.500", "p95, ms": "5.500",
        "images/s": "250", "temperature": "61.5 C",
    }  # fmt: skip


def test_models_of_one_name_are_told_apart_by_their_files() -> None:
    """Two versions of a model, or two precisions whose inputs and outputs are floats."""
    entries = [dataclasses.replace(ENTRY, sha256=letter * 64) for letter in "ab"]
    named = ["m int8, engine 1.2, aaaaaaaa", "m int8, engine 1.2, bbbbbbbb"]
    tables = (latency_table, cold_start_table, model_table, sustained_table)
    for lines in (table(entries) for table in tables):
        assert [re.search("m int8[a-z0-9., ]*?(?=  )", line)[0] for line in lines[1:]] == named


def test_state_before_and_after(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    board.set_temperature_c(50)
    before = read_state(tmp_path)
    board.set_temperature_c(70)
    board.set_frequency_mhz(1500)
    card = Card(
        "2026-01-02", "c", "b", True, before, read_state(tmp_path), Verdict(True, (), ()), ()
    )
    moving = {line.split()[0]: line for line in machine_lines(card)}
    assert "2400 to 2400 MHz, 50.0 C, " in moving["before"]
    assert "1500 to 1500 MHz, 70.0 C, " in moving["after"]
