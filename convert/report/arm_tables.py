"""Tables of what was counted on emulated boards."""

from __future__ import annotations

from convert.report.arm_results import Arm, ArmRun
from convert.report.candidates import engine_title
from convert.report.tables import Table, row_name
from convert.report.text import millions, percent, times


def counts_table(arm: Arm) -> Table:
    """Return what was counted on emulated boards, in millions of instructions."""
    rows = []
    for run in arm.runs:
        ratio = "-" if run.limit is None else f"{times(run.limit.ratio)} ({run.limit.instruction})"
        classify = "-" if run.classify is None else f"{run.classify / run.steady:.3f}×"
        pictures = [millions((run.preprocess or {}).get(name)) for name in ("array", "png")]
        start = (
            f"{run.cold_start / run.cold_start_bare:.3f}×"
            if run.cold_start is not None and run.cold_start_bare
            else "-"
        )
        cells = (millions(run.steady), classify, *pictures, millions(run.cold_start), start, ratio)
        rows.append((arm.board_title(run.board), row_name(run), *cells))
    columns = (
        "board",
        "model",
        "inference",
        "classify over it",
        "preprocess an array",
        "preprocess a PNG",
        "cold start",
        "over bare",
        "over the arithmetic limit",
    )
    note = (
        "Executed instructions are a cost, not a time. Cold start: Python to the first answer; "
        "bare: Python, numpy, the runtime and one inference without this project."
    )
    return Table("Millions of instructions", columns, tuple(rows), frozenset({0, 1}), note)


def agreement_table(arm: Arm) -> Table:
    """Return how the answers on emulated boards compare with those on x86-64."""
    rows = tuple(
        (
            arm.board_title(x.board),
            f"{engine_title(x.engine)} {x.engine_version}",
            f"{x.pictures:,}",
            f"{x.top1_identical:,}",
            str(x.ties),
            f"{x.max_step:g}",
            f"{x.differing_outputs:,}",
        )
        for x in arm.agreement
    )
    columns = (
        "board",
        "engine",
        "pictures",
        "same top-1",
        "ties",
        "largest difference, steps",
        "outputs that differ",
    )
    return Table(
        "The int8 model's answers on emulated boards against x86-64",
        columns,
        rows,
        frozenset({0, 1}),
        "A step is the scale of the output; a tie is a top-1 that differs within one step.",
    )


def missing_runs_table(arm: Arm) -> Table | None:
    """Return the engines that were not counted, with the reasons, if there are any."""
    rows = tuple((arm.board_title(x.board), engine_title(x.engine), x.reason) for x in arm.missing)
    columns = ("board", "engine", "why")
    return Table("Not counted", columns, rows, frozenset({0, 1, 2})) if rows else None


def ops_table(arm: Arm, run: ArmRun) -> Table | None:
    """Return where the instructions of one run go, operator by operator, if that is known."""
    if not run.ops:
        return None
    rows = [
        (
            op.name,
            op.kind,
            millions(op.macs),
            millions(op.instructions),
            percent(op.instructions / run.steady, 1),
            times(over_limit(run, op.macs, op.instructions)),
        )
        for op in run.ops
    ]
    counted = sum(op.instructions for op in run.ops)
    macs = sum(op.macs for op in run.ops)
    whole = times(over_limit(run, macs, run.steady))
    rows += [
        ("sum", "", millions(macs), millions(counted), percent(counted / run.steady, 1), ""),
        ("whole inference", "", millions(macs), millions(run.steady), percent(1.0, 1), whole),
    ]
    columns = ("operator", "kind", "M multiply-adds", "M instructions", "share", "over the limit")
    limit = run.limit
    note = (
        ""
        if limit is None
        else f"The limit: {limit.instruction}, {limit.macs_per_instruction:g} multiply-adds each, "
        f"and nothing else: {millions(limit.instructions)} M instructions."
    )
    caption = f"{arm.board_title(run.board)}: {row_name(run)}"
    return Table(caption, columns, tuple(rows), frozenset({0, 1}), note)


def over_limit(run: ArmRun, macs: int, instructions: float) -> float | None:
    """Return instructions over the fewest that these multiply-adds need; None without any."""
    if run.limit is None or macs == 0:
        return None
    return instructions / (macs / run.limit.macs_per_instruction)
