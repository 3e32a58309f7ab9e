"""What measuring on a machine leaves behind: the result files of kind "bench" and "peers"."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

from convert.report.decoding import check_positive, refuse


@dataclass(frozen=True, slots=True)
class MachineState:
    """A machine at one moment; None is what it does not tell."""

    governor: str | None
    frequency_mhz: tuple[float, ...] | None
    temperature_c: float | None
    throttled: str | None
    load_1min: float | None
    cpu_model: str | None
    cpu_features: tuple[str, ...]
    cores: int
    memory_bytes: int | None
    virtual: bool | None
    os: str
    kernel: str
    libc: str
    python: str
    numpy: str
    runtime: str | None


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run took place and whether the machine kept still."""

    before: MachineState
    after: MachineState
    valid: bool
    reasons: tuple[str, ...]
    not_available: tuple[str, ...]
    is_arm: bool
    note: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Calls by duration; the last bin also holds the slowest half percent."""

    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations per call of one case; `ratio` is of medians, to the reference in the same run."""

    case: str
    num_threads: int
    batch: int
    rounds: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    max_ms: float
    ratio: float | None
    histogram: Histogram | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """A start from nothing to the first answer, in milliseconds or in instructions.

    `package` is None for an inference without this project's package, `runtime` for an engine whose
    import was not measured apart from loading its model.
    """

    python: float
    numpy: float
    runtime: float | None = None
    package: float | None = None
    load: float
    first: float

    @property
    def values(self) -> tuple[float | None, ...]:
        """All phases, in order of time."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def total(self) -> float:
        """The sum of the phases."""
        return sum(value for value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of a duration over processes."""

    p50: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Fresh processes from their start to the first answer; phases are medians."""

    processes: int
    phases_ms: Phases
    total_ms: Spread


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident set sizes; the baseline is Python with numpy alone."""

    peak_rss_bytes: int
    steady_rss_bytes: int
    baseline_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Top-1 accuracy 0-1 with its 95 % Wilson interval."""

    dataset: str
    split: str
    count: int
    top1: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SustainedMinute:
    """One minute of running without a pause."""

    minute: int
    p50_ms: float
    p95_ms: float
    images_per_second: float
    temperature_c: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One model file on one engine on one machine."""

    model: str
    precision: str
    engine: str
    engine_version: str
    is_reference: bool
    sha256: str
    size_bytes: int
    latency: tuple[Latency, ...]
    first_inference_ms: float | None
    images_per_second: float | None
    cold_start: ColdStart | None
    memory: Memory | None
    accuracy: Accuracy | None
    sustained: tuple[SustainedMinute, ...] | None


@dataclass(frozen=True, slots=True)
class Bench:
    """A run on one machine."""

    date: str
    command: str
    board: str
    machine: Machine
    entries: tuple[Entry, ...]

    def check(self, where: str) -> None:
        """Raise `ResultError` where fields contradict each other."""
        _check_entries(self.entries, where)


@dataclass(frozen=True, slots=True)
class MissingPeer:
    """An engine or model that was not measured, and why."""

    engine: str
    reason: str


@dataclass(frozen=True, slots=True)
class Peers:
    """Our models beside what a user would have used instead, in one run."""

    date: str
    command: str
    machine_note: str
    entries: tuple[Entry, ...]
    missing: tuple[MissingPeer, ...]
    board: str | None = None
    machine: Machine | None = None

    def check(self, where: str) -> None:
        """Raise `ResultError` where fields contradict each other."""
        _check_entries(self.entries, where)


def _check_entries(entries: tuple[Entry, ...], where: str) -> None:
    for number, entry in enumerate(entries):
        check_positive(where, f"entries[{number}].size_bytes", entry.size_bytes)
        if entry.accuracy is not None:
            check_positive(where, f"entries[{number}].accuracy.count", entry.accuracy.count)
        for index, latency in enumerate(entry.latency):
            place = f"entries[{number}].latency[{index}]"
            for name in ("p50_ms", "min_ms", "ratio"):
                check_positive(where, f"{place}.{name}", getattr(latency, name))
            histogram = latency.histogram
            if histogram is None:
                continue
            place += ".histogram.edges_ms"
            edges, bins = histogram.edges_ms, len(histogram.counts)
            if len(edges) != bins + 1 or bins == 0:
                refuse(where, place, f"{bins + 1} edges of at least one bin", len(edges))
            if any(a >= b for a, b in pairwise(edges)):
                refuse(where, place, "rising edges", list(edges))
