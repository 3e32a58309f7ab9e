"""Tables of what was timed on real machines."""

from __future__ import annotations

from convert.report.bench_results import Bench, Entry, MachineState
from convert.report.candidates import latency
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME
from convert.report.tables import Table, row_name
from convert.report.text import milliseconds, significant, size, times


def latency_table(bench: Bench) -> Table:
    """Return the percentiles of every timed case on one machine."""
    rows = [
        (
            x.case,
            row_name(entry),
            str(x.num_threads),
            str(x.batch),
            f"{x.rounds:,}",
            *(significant(value) for value in (x.p50_ms, x.p90_ms, x.p95_ms, x.p99_ms)),
            times(x.ratio),
        )
        for entry in bench.entries
        for x in entry.latency
    ]
    cases = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: (cases.index(row[0]), int(row[2]), int(row[3])))
    label = "" if bench.machine.is_arm else f", {NOT_AN_ARM_TIME}"
    columns = ("case", "model", "threads", "batch", "rounds", "p50", "p90", "p95", "p99", "ratio")
    return Table(
        f"Milliseconds per call on {bench.board}{label}",
        columns,
        tuple(rows),
        frozenset({0, 1}),
        "Ratio: median over that of the reference, this project's int8 model, in the same case.",
    )


def memory_table(bench: Bench) -> Table:
    """Return file size, memory, first inference and throughput of every model on one machine."""
    rows = []
    for entry in bench.entries:
        memory = entry.memory
        resident = (
            (size(memory.peak_rss_bytes), size(memory.steady_rss_bytes))
            if memory is not None
            else ("-", "-")
        )
        baseline = size(memory.baseline_rss_bytes) if memory is not None else "-"
        rate = "-" if entry.images_per_second is None else significant(entry.images_per_second)
        first = milliseconds(entry.first_inference_ms)
        start = milliseconds(entry.cold_start.total_ms.p50 if entry.cold_start else None)
        cells = (size(entry.size_bytes), *resident, baseline, start, first, rate)
        rows.append((row_name(entry), *cells))
    columns = (
        "model",
        "file",
        "peak RSS",
        "steady RSS",
        "Python + numpy alone",
        "cold start",
        "first inference",
        "pictures/s",
    )
    return Table(f"Memory and start on {bench.board}", columns, tuple(rows))


def sustained_table(bench: Bench, entry: Entry) -> Table | None:
    """Return the figures per minute of a run without a pause, if there was one."""
    if not entry.sustained:
        return None
    rows = tuple(
        (
            str(x.minute),
            significant(x.p50_ms),
            significant(x.p95_ms),
            significant(x.images_per_second),
            "-" if x.temperature_c is None else f"{x.temperature_c:.1f}",
        )
        for x in entry.sustained
    )
    columns = ("minute", "p50, ms", "p95, ms", "pictures/s", "°C")
    return Table(f"Without a pause on {bench.board}: {row_name(entry)}", columns, rows, frozenset())


def boards_table(results: Results) -> Table | None:
    """Return the machines side by side, where more than one was measured."""
    if len(results.benches) < 2:
        return None
    rows = []
    for bench in results.benches:
        for entry in bench.entries:
            cases = [latency(entry, case, 1, 1) for case in ("invoke", "classify-array")]
            medians = [milliseconds(x.p50_ms if x else None) for x in cases]
            tail = milliseconds(cases[0].p99_ms if cases[0] else None)
            start = milliseconds(entry.cold_start.total_ms.p50 if entry.cold_start else None)
            peak = size(entry.memory.peak_rss_bytes) if entry.memory else "-"
            name = bench.board if bench.machine.is_arm else f"{bench.board} ({NOT_AN_ARM_TIME})"
            verdict = "yes" if bench.machine.valid else "no"
            cells = (medians[0], tail, medians[1], start, peak, verdict)
            rows.append((name, row_name(entry), *cells))
    columns = (
        "machine",
        "model",
        "inference p50",
        "inference p99",
        "classify p50",
        "cold start",
        "peak RSS",
        "valid",
    )
    return Table("Machines side by side, one thread", columns, tuple(rows), frozenset({0, 1, 7}))


def state_table(bench: Bench) -> Table:
    """Return a machine before and after its run."""
    before, after = (_state_cells(x) for x in (bench.machine.before, bench.machine.after))
    rows = tuple(
        (name, value, after[name] if after[name] != value else "the same")
        for name, value in before.items()
    )
    verdict = "Valid: it kept still." if bench.machine.valid else "INVALID: "
    reasons = "" if bench.machine.valid else "; ".join(bench.machine.reasons) + "."
    hidden = ", ".join(bench.machine.not_available)
    note = f"{verdict}{reasons}" + (f" Not available here: {hidden}." if hidden else "")
    if bench.machine.note:
        note += f" {bench.machine.note}."
    return Table(bench.board, ("", "before", "after"), rows, frozenset({0, 1, 2}), note)


def _state_cells(state: MachineState) -> dict[str, str]:
    frequencies = state.frequency_mhz
    values: dict[str, str | None] = {
        "governor": state.governor,
        "frequency": None
        if frequencies is None
        else ", ".join(f"{mhz:.0f}" for mhz in frequencies) + " MHz",
        "temperature": None if state.temperature_c is None else f"{state.temperature_c:.1f} °C",
        "throttle bits": state.throttled,
        "load, 1 minute": None if state.load_1min is None else f"{state.load_1min:.2f}",
        "processor": state.cpu_model,
        "features": ", ".join(state.cpu_features) or None,
        "cores": str(state.cores),
        "memory": None if state.memory_bytes is None else size(state.memory_bytes),
        "virtual machine": None if state.virtual is None else "yes" if state.virtual else "no",
        "system": f"{state.os}, {state.kernel}, {state.libc}",
        "Python and numpy": f"{state.python}, {state.numpy}",
        "runtime": state.runtime,
    }
    return {name: "not available" if value is None else value for name, value in values.items()}
