"""Resident memory of a process that does nothing but classify."""

from __future__ import annotations

from dataclasses import dataclass

from minivgg_edge.measure.fresh_process import FreshRun, run_fresh

_INFERENCES = 100


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident set sizes in bytes, shared libraries included.

    Attributes:
        peak_rss_bytes: The most at any moment.
        steady_rss_bytes: After many inferences.
        baseline_rss_bytes: Of Python and numpy alone, before anything else was imported.
    """

    peak_rss_bytes: int
    steady_rss_bytes: int
    baseline_rss_bytes: int


def measure_memory(
    model: str, *, num_threads: int = 1, inferences: int = _INFERENCES
) -> Memory | None:
    """Measure a fresh process; None where the system does not tell (only Linux does).

    Args:
        model: A path, or the name of an installed model.
        num_threads: Threads of the native kernels.
        inferences: Calls of `classify` before the steady size is read, at least 1.

    Raises:
        MeasurementError: The process failed.
        RuntimeUnavailableError: There is no runtime.
    """
    return read_memory(run_fresh(model, num_threads=num_threads, inferences=max(1, inferences)))


def read_memory(run: FreshRun) -> Memory | None:
    """Return the memory of a run that measured it, else None."""
    if run.memory is None or not run.memory["steady"]:
        return None
    steady = run.memory["steady"]
    # VmHWM, not getrusage's ru_maxrss: that one starts with the size of the parent process.
    return Memory(steady["VmHWM"], steady["VmRSS"], run.memory["baseline"]["VmRSS"])
