"""The result of a measuring run, and its JSON form: the kind "bench" that the report reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from minivgg_edge.measure.accuracy import Accuracy
from minivgg_edge.measure.cold_start import ColdStart
from minivgg_edge.measure.latency import LatencySummary
from minivgg_edge.measure.machine_state import MachineState
from minivgg_edge.measure.memory import Memory
from minivgg_edge.measure.sustained import SustainedMinute
from minivgg_edge.measure.verdict import Verdict

SCHEMA = 1
_MS_DIGITS = 6  # nanoseconds
X86_NOTE = "x86-64 times are not ARM times"
BOARD_NOTE = "times of this machine, not of another one"


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of one case.

    Attributes:
        case: What was called, see `cases.CASE_TEXT`.
        num_threads: Threads of the native kernels.
        batch: Pictures per call.
        summary: Times per call.
        ratio: Median over that of the reference in the same case and run; None without one.
    """

    case: str
    num_threads: int
    batch: int
    summary: LatencySummary
    ratio: float | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """What has to be equal for a ratio."""
        return self.case, self.num_threads, self.batch


@dataclass(frozen=True, slots=True)
class Entry:
    """All that was measured of one model in one engine; None is what was not measured.

    Attributes:
        model: Its name.
        precision: Of what goes in and out: "int8" of any 8-bit type, "float32" also where weights
            are stored as float16 or int8.
        engine: What runs it.
        engine_version: Its version.
        is_reference: Whether ratios are relative to this entry.
        sha256: Of the model file, in lower-case hex.
        size_bytes: Of the model file.
        latency: One per case.
        cold_start: In fresh processes, from an array.
        memory: Of a fresh process.
        accuracy: On labeled pictures.
        sustained: One per minute.
    """

    model: str
    precision: Literal["int8", "float32"]
    engine: str
    engine_version: str
    is_reference: bool
    sha256: str
    size_bytes: int
    latency: tuple[Latency, ...] = ()
    cold_start: ColdStart | None = None
    memory: Memory | None = None
    accuracy: Accuracy | None = None
    sustained: tuple[SustainedMinute, ...] | None = None

    @property
    def first_inference_ms(self) -> float | None:
        """Median time of a fresh process's first call; None without a cold start."""
        return None if self.cold_start is None else self.cold_start.phases_ms["first"]

    @property
    def images_per_second(self) -> float | None:
        """Arrays classified per second by one caller, with the fastest number of threads."""
        means = [row.summary.mean_ms for row in self.latency if row.case == "classify-array"]
        return 1000 / min(means) if means else None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        cold = self.cold_start
        return {
            "model": self.model,
            "precision": self.precision,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "is_reference": self.is_reference,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "latency": [_latency_json(row) for row in self.latency],
            "first_inference_ms": _rounded(self.first_inference_ms),
            "images_per_second": _rounded(self.images_per_second),
            "cold_start": None if cold is None else _cold_start_json(cold),
            "memory": None if self.memory is None else dataclasses.asdict(self.memory),
            "accuracy": None if self.accuracy is None else dataclasses.asdict(self.accuracy),
            "sustained": None
            if self.sustained is None
            else [_rounded_fields(dataclasses.asdict(minute)) for minute in self.sustained],
        }


@dataclass(frozen=True, slots=True)
class Card:
    """One run on one machine.

    Attributes:
        date: Day of the run, ISO 8601.
        command: What was called.
        board: What the machine is called.
        is_arm: Whether it is an ARM.
        before: Its state before the first timed call.
        after: Its state after the last one.
        verdict: Whether it stayed the same.
        entries: One per model and engine, the reference first.
    """

    date: str
    command: str
    board: str
    is_arm: bool
    before: MachineState
    after: MachineState
    verdict: Verdict
    entries: tuple[Entry, ...]

    @property
    def note(self) -> str:
        """What the times do not stand for."""
        return BOARD_NOTE if self.is_arm else X86_NOTE

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            "schema": SCHEMA,
            "kind": "bench",
            "date": self.date,
            "command": self.command,
            "board": self.board,
            "machine": {
                "before": dataclasses.asdict(self.before),
                "after": dataclasses.asdict(self.after),
                "valid": self.verdict.valid,
                "reasons": list(self.verdict.reasons),
                "not_available": list(self.verdict.not_available),
                "is_arm": self.is_arm,
                "note": self.note,
            },
            "entries": [entry.to_json() for entry in self.entries],
        }


def with_ratios(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries with the ratio of each case's median to the reference's.

    A case that the reference has not been timed in gets none.
    """
    medians = {
        row.key: row.summary.p50_ms
        for entry in entries
        if entry.is_reference
        for row in entry.latency
    }
    return tuple(
        dataclasses.replace(
            entry,
            latency=tuple(
                dataclasses.replace(row, ratio=row.summary.p50_ms / medians[row.key])
                if row.key in medians
                else row
                for row in entry.latency
            ),
        )
        for entry in entries
    )


def _latency_json(row: Latency) -> dict[str, Any]:
    summary = dataclasses.asdict(row.summary)
    histogram = summary.pop("histogram")
    return {
        "case": row.case,
        "num_threads": row.num_threads,
        "batch": row.batch,
        **_rounded_fields(summary),
        "ratio": _rounded(row.ratio),
        "histogram": {
            "edges_ms": [_rounded(edge) for edge in histogram["edges_ms"]],
            "counts": list(histogram["counts"]),
        },
    }


def _cold_start_json(cold: ColdStart) -> dict[str, Any]:
    return {
        "processes": cold.processes,
        "phases_ms": _rounded_fields(dict(cold.phases_ms)),
        "total_ms": _rounded_fields({"p50": cold.p50_ms, "min": cold.min_ms, "max": cold.max_ms}),
    }


def _rounded_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value) if isinstance(value, float) else value
        for name, value in fields.items()
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _MS_DIGITS)
