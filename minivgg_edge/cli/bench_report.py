"""A measured card as text for a terminal; the benchmarks' summary shows the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from minivgg_edge.cli.terminal import percent, printable, table
from minivgg_edge.measure.accuracy import Accuracy
from minivgg_edge.measure.card import Card, Entry, Latency
from minivgg_edge.measure.fresh_process import PHASES
from minivgg_edge.measure.machine_state import MachineState
from minivgg_edge.measure.memory import Memory

_MIB = 2**20
_PERCENTILES = ("p50", "p90", "p95", "p99", "min")
_NOT_MEASURED = ("-", "-", "-")
_HASH_LETTERS = 8  # enough to tell a few files apart; `info` has all of them


def to_lines(card: Card) -> Iterator[str]:
    """Yield the card for a person."""
    label = "" if card.is_arm else " (not ARM)"
    yield f"{printable(card.board)}: {card.note}"
    yield from machine_lines(card)
    sections = (
        latency_table(card.entries, label),
        cold_start_table(card.entries, label),
        model_table(card.entries),
        sustained_table(card.entries),
    )
    for section in sections:
        if section:
            yield ""
            yield from section


def machine_lines(card: Card) -> list[str]:
    """Return the verdict, the state before and after, and what is not known."""
    state, verdict = card.before, card.verdict
    virtual = {
        True: "virtual machine",
        False: "no virtual machine",
        None: "virtual or not: unknown",
    }
    memory = "unknown" if state.memory_bytes is None else f"{state.memory_bytes / _MIB:,.0f} MiB"
    rows = [
        ("run", "valid: the machine stayed as it was" if verdict.valid else "NOT VALID"),
        *(("", f"because {printable(reason)}") for reason in verdict.reasons),
        ("before", _moving(card.before)),
        ("after", _moving(card.after)),
        ("not available", ", ".join(verdict.not_available) or "nothing"),
        (
            "processor",
            f"{printable(state.cpu_model or 'unknown')}, {state.cores} cores, {memory} memory, "
            f"{virtual[state.virtual]}",
        ),
        ("instructions", " ".join(state.cpu_features) or "unknown"),
        ("system", printable(f"{state.os}, kernel {state.kernel}, {state.libc}")),
        (
            "versions",
            f"Python {state.python}, numpy {state.numpy}, {state.runtime or 'no runtime'}",
        ),
    ]
    return table(rows, "ll")


def latency_table(entries: Sequence[Entry], label: str = "") -> list[str]:
    """Return the times of all cases, those of one case together; empty without any.

    Args:
        entries: What was measured.
        label: Goes into the head, behind the unit.
    """
    keys = list(dict.fromkeys(row.key for entry in entries for row in entry.latency))
    rows: list[tuple[str, ...]] = [
        (f"latency, ms{label}", "model", "threads", "batch", "rounds", *_PERCENTILES, "ratio")
    ]
    for key in keys:
        for entry, title in _titled(entries):
            rows += [_latency_row(title, row) for row in entry.latency if row.key == key]
    return table(rows, "ll" + "r" * (len(rows[0]) - 2)) if keys else []


def _latency_row(title: str, row: Latency) -> tuple[str, ...]:
    times = row.summary
    shown = (times.p50_ms, times.p90_ms, times.p95_ms, times.p99_ms, times.min_ms)
    return (
        row.case,
        title,
        str(row.num_threads),
        str(row.batch),
        f"{times.rounds:,}",
        *(f"{value:.3f}" for value in shown),
        "-" if row.ratio is None else f"{row.ratio:.2f}x",
    )


def cold_start_table(entries: Sequence[Entry], label: str = "") -> list[str]:
    """Return the medians of the phases in fresh processes; empty without any.

    Args:
        entries: What was measured.
        label: Goes into the head, behind the unit.
    """
    rows: list[tuple[str, ...]] = [
        (f"cold start, ms{label}", "processes", *PHASES, "total", "min", "max")
    ]
    for entry, title in _titled(entries):
        cold = entry.cold_start
        if cold is not None:
            times = [cold.phases_ms[phase] for phase in PHASES]
            times += [cold.p50_ms, cold.min_ms, cold.max_ms]
            rows.append((title, str(cold.processes), *(f"{value:.1f}" for value in times)))
    return table(rows, "lr" + "r" * (len(PHASES) + 3)) if len(rows) > 1 else []


def model_table(entries: Sequence[Entry]) -> list[str]:
    """Return size, memory, accuracy and speed of each model."""
    rows: list[tuple[str, ...]] = [
        (
            *("model", "file, bytes", "RSS steady", "RSS peak", "numpy alone", "images/s"),
            *("accuracy", "95 % interval", "pictures"),
        )
    ]
    for entry, title in _titled(entries):
        speed = "-" if entry.images_per_second is None else f"{entry.images_per_second:,.0f}"
        rows.append(
            (
                title,
                f"{entry.size_bytes:,}",
                *_memory_cells(entry.memory),
                speed,
                *_accuracy_cells(entry.accuracy),
            )
        )
    return table(rows, "lrrrrrrrl")


def _memory_cells(memory: Memory | None) -> tuple[str, ...]:
    if memory is None:
        return _NOT_MEASURED
    sizes = (memory.steady_rss_bytes, memory.peak_rss_bytes, memory.baseline_rss_bytes)
    return tuple(f"{size / _MIB:.1f} MiB" for size in sizes)


def _accuracy_cells(accuracy: Accuracy | None) -> tuple[str, ...]:
    if accuracy is None:
        return _NOT_MEASURED
    return (
        percent(accuracy.top1, 2),
        f"{100 * accuracy.low:.2f} to {percent(accuracy.high, 2)}",
        f"{accuracy.count:,} ({printable(accuracy.dataset)}, {accuracy.split})",
    )


def sustained_table(entries: Sequence[Entry]) -> list[str]:
    """Return the figures of each minute; empty without any."""
    rows = [("sustained", "minute", "p50, ms", "p95, ms", "images/s", "temperature")]
    for entry, title in _titled(entries):
        for minute in entry.sustained or ():
            warmth = minute.temperature_c
            rows.append(
                (
                    title,
                    str(minute.minute),
                    f"{minute.p50_ms:.3f}",
                    f"{minute.p95_ms:.3f}",
                    f"{minute.images_per_second:,.0f}",
                    "-" if warmth is None else f"{warmth:.1f} C",
                )
            )
    return table(rows, "lrrrrr") if len(rows) > 1 else []


def _titled(entries: Sequence[Entry]) -> list[tuple[Entry, str]]:
    """Return each entry with what the tables call it, by which it can be told from the others."""
    titles = [
        f"{printable(entry.model)} {entry.precision}, {entry.engine} {entry.engine_version}"
        for entry in entries
    ]
    return [
        (entry, title if titles.count(title) == 1 else f"{title}, {entry.sha256[:_HASH_LETTERS]}")
        for entry, title in zip(entries, titles, strict=True)
    ]


def _moving(state: MachineState) -> str:
    clock = "clock unknown"
    if state.frequency_mhz is not None:
        clock = f"{min(state.frequency_mhz):.0f} to {max(state.frequency_mhz):.0f} MHz"
    parts = (
        f"governor {state.governor or 'unknown'}",
        clock,
        "temperature unknown" if state.temperature_c is None else f"{state.temperature_c:.1f} C",
        f"throttle bits {state.throttled or 'unknown'}",
        "load unknown" if state.load_1min is None else f"load {state.load_1min:.2f}",
    )
    return ", ".join(parts)
