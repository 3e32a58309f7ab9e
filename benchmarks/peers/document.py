"""The result of a run as JSON values and as a text table."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.peers.contenders import Missing
from benchmarks.peers.measurement import Measured
from convert.report.text import percent, size, table
from minivgg_edge.measure.card import BOARD_NOTE, X86_NOTE
from minivgg_edge.measure.machine_state import ROOT, MachineState
from minivgg_edge.measure.processor import board_title, is_arm
from minivgg_edge.measure.verdict import Verdict

SCHEMA = 1
CASE = "invoke"


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that a run took place on.

    Attributes:
        before: its state before the first worker was started.
        after: its state after the last one had ended.
        verdict: whether it stayed the same.
    """

    before: MachineState
    after: MachineState
    verdict: Verdict

    @property
    def board(self) -> str:
        """What to call it."""
        return board_title(ROOT, cores=self.before.cores)

    @property
    def note(self) -> str:
        """What its times do not stand for."""
        return machine_note(platform.machine())


def machine_note(machine: str) -> str:
    """What the times of this architecture do not stand for."""
    return BOARD_NOTE if is_arm(machine) else X86_NOTE


def to_document(
    measured: Sequence[Measured],
    missing: Sequence[Missing],
    *,
    date: str,
    command: str,
    machine: Machine,
) -> dict[str, Any]:
    """Return the result file of kind "peers".

    Args:
        measured: the contenders that ran through; the reference is one of them.
        missing: the others.
        date: ISO date of the run.
        command: that repeats the run.
        machine: that it took place on.
    """
    return {
        "schema": SCHEMA,
        "kind": "peers",
        "date": date,
        "command": command,
        "board": machine.board,
        "machine_note": machine.note,
        "machine": {
            "before": asdict(machine.before),
            "after": asdict(machine.after),
            "valid": machine.verdict.valid,
            "reasons": list(machine.verdict.reasons),
            "not_available": list(machine.verdict.not_available),
            "is_arm": is_arm(platform.machine()),
            "note": machine.note,
        },
        "entries": [_entry(found, reference(measured)) for found in measured],
        "missing": [asdict(peer) for peer in missing],
    }


def reference(measured: Sequence[Measured]) -> Measured:
    """Return the one that all ratios are to.

    Raises:
        ValueError: it is not among them.
    """
    for found in measured:
        if found.contender.is_reference:
            return found
    raise ValueError("expected the reference among the measured models")


def _entry(found: Measured, base: Measured) -> dict[str, Any]:
    contender = found.contender
    return {
        "model": contender.model,
        "precision": contender.precision,
        "engine": contender.engine,
        "engine_version": found.engine_version,
        "is_reference": contender.is_reference,
        "sha256": contender.sha256,
        "size_bytes": contender.size_bytes,
        "latency": [
            {
                "case": CASE,
                "num_threads": num_threads,
                "batch": 1,
                **asdict(summary),
                "ratio": ratio(found, base, num_threads),
            }
            for num_threads, summary in found.latency.items()
        ],
        "first_inference_ms": found.first_inference_ms,
        "images_per_second": None,  # of whole classifications, which are not timed here
        "cold_start": None,
        "memory": None if found.memory is None else asdict(found.memory),
        "accuracy": asdict(found.accuracy),
        "sustained": None,
    }


def ratio(found: Measured, base: Measured, num_threads: int) -> float | None:
    """Return the ratio of medians; None if one of the two was not timed so."""
    if num_threads not in found.latency or num_threads not in base.latency:
        return None
    return found.latency[num_threads].p50_ms / base.latency[num_threads].p50_ms


def to_text(measured: Sequence[Measured], missing: Sequence[Missing], machine: Machine) -> str:
    """Return the table for a terminal: one line per contender, one per missing peer below."""
    base = reference(measured)
    threads = list(base.latency)
    header = ["model, engine", "top-1", "p50 ms", "p95 ms"]
    header += [f"ratio, {number} thr." for number in threads]
    header += ["first ms", "RSS", "file"]
    rows = [_row(found, base, threads) for found in measured]
    count, name = base.accuracy.count, base.accuracy.dataset
    lines = [
        f"{machine.board}; {machine.note}",
        f"p50, p95: set input, invoke, get output, {threads[0]} thread(s); ratio of medians to "
        f"the first line; top-1 on {count} pictures of {name}",
        "",
        table(header, rows),
    ]
    lines += [f"invalid: {reason}" for reason in machine.verdict.reasons]
    lines += [f"missing: {peer.engine}: {peer.reason}" for peer in missing]
    return "\n".join(lines)


def _row(found: Measured, base: Measured, threads: Sequence[int]) -> list[str]:
    first = found.latency[threads[0]]
    ratios = [ratio(found, base, number) for number in threads]
    return [
        f"{found.contender.title} {found.engine_version}",
        percent(found.accuracy.top1),
        f"{first.p50_ms:.3f}",
        f"{first.p95_ms:.3f}",
        *("-" if value is None else f"{value:.2f}" for value in ratios),
        f"{found.first_inference_ms:.1f}",
        "-" if found.memory is None else size(found.memory.steady_rss_bytes),
        size(found.contender.size_bytes),
    ]
