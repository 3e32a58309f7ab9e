"""Takes the wheel through one place, whatever kind it is."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from benchmarks.reliability.matrix import emulated, native, pip, resolution
from benchmarks.reliability.matrix.device_tests import (
    Installed,
    Selection,
    copy_tests,
    probe,
    run_tests,
)
from benchmarks.reliability.matrix.interpreters import Interpreter
from benchmarks.reliability.matrix.outcome import Outcome, Versions
from benchmarks.reliability.matrix.places import Emulated, Native, Place, Resolution, instead_of
from benchmarks.reliability.matrix.selection import (
    EMULATION,
    EMULATION_ENVIRONMENT,
    EMULATION_LEFT_OUT,
)
from benchmarks.reliability.matrix.wheel import CHECKOUT, Wheel

PASSED = "passed"
FAILED = "failed"
REFUSED = "says what to do"
RESOLVED = "resolved only"

# Without a runtime, a picture must be refused with this sentence on one line and exit code 2.
_COMMAND = """
import subprocess, sys
run = subprocess.run([sys.executable, "-I", "-m", "minivgg_edge", "classify", *sys.argv[1:]],
                     capture_output=True, text=True)
print(run.returncode, run.stderr.strip())
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every examination uses.

    Attributes:
        wheel: under test.
        interpreters: the Pythons of this machine, by minor version.
        host: the one among them that resolves for other machines.
        work: folder of the matrix.
        arm_work: work folder of the emulated boards.
        installing: held while anything is installed or resolved: pip runs once at a time.
    """

    wheel: Wheel
    interpreters: Mapping[str, Interpreter]
    host: Interpreter
    work: Path
    arm_work: Path
    installing: threading.Lock = field(default_factory=threading.Lock)


def examine(place: Place, bench: Bench) -> Outcome:
    """Return what comes of the wheel in a place; what goes wrong there is in it, not raised."""
    start = time.monotonic()
    try:
        outcome = _examine(place, bench)
    except LaneError as error:
        versions = Versions(python=place.python)
        reason = " ".join(str(error).split())
        outcome = Outcome(place.name, place.title, versions, None, 0.0, FAILED, (reason,))
    return replace(outcome, duration_s=time.monotonic() - start)


def _examine(place: Place, bench: Bench) -> Outcome:
    if isinstance(place, Resolution):
        return _resolve(place, bench)
    if isinstance(place, Emulated):
        with bench.installing:
            python = emulated.prepare(
                place, bench.host, bench.wheel, work=bench.work, arm_work=bench.arm_work
            )
        expected, selection = place.board.system.runtime, EMULATION
        return _test(place, python, expected, selection, EMULATION_ENVIRONMENT, EMULATION_LEFT_OUT)
    interpreter = bench.interpreters.get(place.python)
    if interpreter is None:
        return _resolve_instead(place, bench)
    with bench.installing:
        python = native.prepare(place, interpreter, bench.wheel, work=bench.work)
    if place.runtime is None:
        return _refuse(place, python)
    return _test(place, python, place.runtime, Selection(), {}, "")


def _test(
    place: Native | Emulated,
    python: Path,
    runtime: str,
    selection: Selection,
    environment: Mapping[str, str],
    left_out: str,
) -> Outcome:
    installed = _probe(python)
    if installed.runtime != runtime:
        raise LaneError(f"expected {runtime}, got {installed.runtime}: {installed.refusal}")
    with tempfile.TemporaryDirectory(prefix="minivgg-matrix-") as folder:
        copy = copy_tests(CHECKOUT, Path(folder))
        found = run_tests(python, copy, selection, environment=environment)
    failures = found.failures
    if not found.counts.passed:
        failures += ("expected tests that pass, got none",)
    return Outcome(
        name=place.name,
        title=place.title,
        versions=installed.versions,
        counts=found.counts,
        duration_s=0.0,
        verdict=FAILED if failures else PASSED,
        failures=failures,
        remark=left_out,
    )


def _probe(python: Path) -> Installed:
    """Ask for the package, which must be the installed one."""
    installed = probe(python)
    home = python.parent.parent
    if not installed.file.resolve().is_relative_to(home.resolve()):
        raise LaneError(f"expected the package below {home}, got {installed.file}")
    return installed


def _refuse(place: Native, python: Path) -> Outcome:
    """Ask for an answer that cannot be had; the package must say so, and what to install."""
    installed = _probe(python)
    picture = CHECKOUT / "convert" / "sample" / "pictures" / "ship.png"
    words = [os.fspath(python), "-I", "-c", _COMMAND, os.fspath(picture)]
    said = run(words, environment=pip.CLEAN).strip()
    failures = []
    if "pip install" not in installed.refusal:
        failures.append(f"expected a command that installs a runtime, got {installed.refusal!r}")
    if said.splitlines() != [f"2 minivgg-edge: error: {installed.refusal}"]:
        failures.append(f"expected exit code 2 and {installed.refusal!r}, got {said!r}")
    return Outcome(
        name=place.name,
        title=place.title,
        versions=installed.versions,
        counts=None,
        duration_s=0.0,
        verdict=FAILED if failures else REFUSED,
        failures=tuple(failures),
        remark=f"{place.name} says: {installed.refusal}.",
    )


def _resolve(place: Resolution, bench: Bench) -> Outcome:
    host = bench.host.path
    with bench.installing:
        versions = resolution.resolve(place, bench.wheel, host=host)
    if place.runtime is not None:
        return Outcome(place.name, place.title, versions, None, 0.0, RESOLVED)
    said = resolution.refusal(place, bench.wheel, host=host)
    remark = f"{place.name} says: {said}."
    verdict = f"{RESOLVED}, {REFUSED}"
    return Outcome(place.name, place.title, versions, None, 0.0, verdict, (), remark)


def _resolve_instead(place: Native, bench: Bench) -> Outcome:
    """Resolve for a Python that is not here; where the metadata do not choose, say no more."""
    if place.by_metadata:
        outcome = _resolve(instead_of(place), bench)
        return replace(outcome, verdict=f"{RESOLVED}: no such Python here")
    versions = Versions(python=place.python)
    return Outcome(place.name, place.title, versions, None, 0.0, "not run: no such Python here")
