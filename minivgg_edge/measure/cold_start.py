"""From the start of Python to the first answer, in fresh processes, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from minivgg_edge.measure.fresh_process import PHASES, FreshRun, run_fresh


@dataclass(frozen=True, slots=True)
class ColdStart:
    """How long a program that classifies one array takes up to its answer.

    Files are in the system's cache, as after a restart of the program, not of the machine.

    Attributes:
        processes: Number of processes.
        phases_ms: Median of each phase, in the order of `fresh_process.PHASES`. Medians of parts
            need not sum to the median of the whole.
        p50_ms: Median of the whole.
        min_ms: Shortest.
        max_ms: Longest.
    """

    processes: int
    phases_ms: Mapping[str, float]
    p50_ms: float
    min_ms: float
    max_ms: float


def measure_cold_start(model: str, *, processes: int, num_threads: int = 1) -> ColdStart:
    """Start fresh processes one after the other; one more before them fills the file cache.

    Args:
        model: A path, or the name of an installed model.
        processes: How many count, at least 1.
        num_threads: Threads of the native kernels.

    Raises:
        MeasurementError: A process failed.
        RuntimeUnavailableError: There is no runtime.
        ValueError: `processes` is below 1.
    """
    run_fresh(model, num_threads=num_threads)
    return summarize_runs([run_fresh(model, num_threads=num_threads) for _ in range(processes)])


def summarize_runs(runs: Sequence[FreshRun]) -> ColdStart:
    """Return the medians of runs.

    Raises:
        ValueError: There are none.
    """
    if not runs:
        raise ValueError("expected at least one process, got none")
    totals = [run.total_ms for run in runs]
    return ColdStart(
        processes=len(runs),
        phases_ms={phase: median(run.phases_ms[phase] for run in runs) for phase in PHASES},
        p50_ms=median(totals),
        min_ms=min(totals),
        max_ms=max(totals),
    )
