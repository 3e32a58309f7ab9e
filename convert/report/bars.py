"""Bars: a start from nothing by phases, an inference by operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from convert.report.arm_results import Arm, ArmRun
from convert.report.arm_tables import ops_table
from convert.report.bench_results import Phases
from convert.report.candidates import Series
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME
from convert.report.tables import Table, row_name
from convert.report.text import significant

PHASES = (
    "Python starts",
    "import numpy",
    "import the runtime",
    "import minivgg_edge",
    "load the model",
    "first inference",
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One phase: where it begins and how long it is, in percent of the longest bar."""

    start: float
    width: float
    description: str


@dataclass(frozen=True, slots=True)
class StackedBar:
    """One start."""

    label: str
    total: str
    segments: tuple[Segment, ...]
    description: str


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Starts side by side, and the same as a table; `invalid` times do not count."""

    title: str
    bars: tuple[StackedBar, ...]
    table: Table
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class OpBars:
    """Where one inference's instructions go: bars in percent of the largest operator.

    `open` is for the figures to show at first: those of the first board.
    """

    table: Table
    widths: tuple[float, ...]
    series: Series
    open: bool


def cold_start_bars(results: Results) -> tuple[StackedBars, ...]:
    """Return the starts on each measured machine in ms, and on emulated boards in instructions."""
    charts = []
    for bench in results.benches:
        starts = [
            _Start(row_name(entry), entry.cold_start.phases_ms, entry.cold_start.total_ms.p50)
            for entry in bench.entries
            if entry.cold_start is not None
        ]
        label = "" if bench.machine.is_arm else f", {NOT_AN_ARM_TIME}"
        title = f"Milliseconds on {bench.board}{label}"
        if starts:
            made = _stacked(title, starts, 1.0, "ms")
            charts.append(replace(made, invalid=not bench.machine.valid))
    if results.arm is not None:
        counted = [
            _Start(
                f"{results.arm.board_title(run.board)}: {row_name(run)}{_bare(run.phases)}",
                run.phases,
                run.phases.total if run.cold_start is None else run.cold_start,
            )
            for run in results.arm.runs
            if run.phases is not None
        ]
        if counted:
            charts.append(_stacked("Millions of instructions, emulated", counted, 1e6, "M"))
    return tuple(charts)


@dataclass(frozen=True, slots=True)
class _Start:
    """One start; the median of the whole is not quite the sum of the phases' medians."""

    label: str
    phases: Phases
    whole: float


def _stacked(title: str, starts: Sequence[_Start], unit: float, unit_name: str) -> StackedBars:
    longest = max(start.phases.total for start in starts) or 1.0
    bars, rows = [], []
    for start in starts:
        texts = ["-" if x is None else significant(x / unit) for x in start.phases.values]
        whole = significant(start.whole / unit)
        segments, begin = [], 0.0
        for phase, value, text in zip(PHASES, start.phases.values, texts, strict=True):
            width = 100 * (value or 0.0) / longest
            segments.append(Segment(begin, width, f"{phase}: {text} {unit_name}"))
            begin += width
        total = f"{whole} {unit_name}"
        description = f"{start.label}, {total}: " + ", ".join(s.description for s in segments)
        bars.append(StackedBar(start.label, total, tuple(segments), description))
        rows.append((start.label, *texts, whole))
    return StackedBars(title, tuple(bars), Table(title, ("", *PHASES, "whole"), tuple(rows)))


def _bare(phases: Phases) -> str:
    """Say that a start did without the package, which would make it look cheaper than it is."""
    return ", without minivgg_edge" if phases.package is None else ""


def op_bars(arm: Arm) -> tuple[OpBars, ...]:
    """Return one figure per run whose operators were counted apart."""
    found = [(run, table) for run in arm.runs if (table := ops_table(arm, run)) is not None]
    shown = found[0][0].board if found else None
    return tuple(
        OpBars(
            table,
            _widths(run),
            "int8" if run.precision == "int8" else "float32",
            run.board == shown,
        )
        for run, table in found
    )


def _widths(run: ArmRun) -> tuple[float, ...]:
    ops = run.ops or ()
    largest = max((op.instructions for op in ops), default=0.0) or 1.0
    # A difference of two counts can come out a little below zero.
    return tuple(max(0.0, 100 * op.instructions / largest) for op in ops)
