"""Runs `probe.py` in a process of its own and reads what it measured."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minivgg_edge.child_answers import parse_answers
from minivgg_edge.child_process import isolated_python, search_path
from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.interpreter import runtime_info

PHASES = ("python", "numpy", "runtime", "package", "load", "first")
"""In their order: Python itself up, numpy imported, the runtime imported, the package imported,
the model loaded, the first array classified."""

_PROBE = Path(__file__).with_name("probe.py")
_TIMEOUT_S = 300


class MeasurementError(MinivggEdgeError):
    """A process that was to measure itself failed."""


@dataclass(frozen=True, slots=True)
class FreshRun:
    """What one process measured.

    Attributes:
        phases_ms: Milliseconds of each of `PHASES`.
        memory: Sizes in bytes as Linux names them (VmRSS, VmHWM), by moment: "baseline" after
            the import of numpy, "steady" at the end. None if it was not asked for.
    """

    phases_ms: Mapping[str, float]
    memory: Mapping[str, Mapping[str, int]] | None

    @property
    def total_ms(self) -> float:
        """From the start of the process to the first answer."""
        return sum(self.phases_ms.values())


def run_fresh(model: str, *, num_threads: int = 1, inferences: int = 0) -> FreshRun:
    """Start Python, load a model, classify an array.

    Args:
        model: A path, or the name of an installed model.
        num_threads: Threads of the native kernels.
        inferences: Further calls before the memory is read; 0 measures no memory, whose reading
            would take time of its own.

    Raises:
        MeasurementError: The process failed; the message has its last words.
        RuntimeUnavailableError: There is no runtime.
    """
    module = runtime_info().name.replace("-", "_") + ".interpreter"
    # Isolated: neither the caller's folder nor its environment decides what is imported, but the
    # runtime that this process has found, in the user's own folder perhaps, is the one to measure.
    command = [*isolated_python(), str(_PROBE), model, str(num_threads), module]
    started_ns = time.monotonic_ns()
    try:
        run = subprocess.run(  # noqa: S603
            [*command, str(inferences), *search_path()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(
            f"{model!r}: expected a fresh process to answer within {_TIMEOUT_S} s, got no answer"
        ) from error
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise MeasurementError(
            f"{model!r}: expected a fresh process to classify an array, "
            f"got exit code {run.returncode}: {last}"
        )
    answers = parse_answers(run.stdout)
    if not answers:
        raise MeasurementError(
            f"{model!r}: expected the answer of a fresh process, got {run.stdout[-80:]!r}"
        )
    return parse_run(answers[-1], started_ns=started_ns)


def parse_run(document: Mapping[str, Any], *, started_ns: int) -> FreshRun:
    """Turn the stamps of `probe.py` into phases.

    Args:
        document: What the probe printed.
        started_ns: The parent's stamp right before it started the process, on the same clock.
    """
    stamps = document["stamps_ns"]
    phases = {}
    before = started_ns
    for phase in PHASES:
        if phase == "runtime":
            before = document["read_ns"]  # the memory was read in between
        phases[phase] = (stamps[phase] - before) / 1e6
        before = stamps[phase]
    return FreshRun(phases, document["memory"])
