"""The device tests, run from a copy in a place of their own.

The copy lies outside the checkout and has what the tests need of it: pytest's settings and the
fixtures. Neither the package nor the desk is in it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from benchmarks.reliability.matrix.outcome import Counts, Versions
from benchmarks.reliability.matrix.pip import CLEAN

TOOLS = ("pytest>=8", "hypothesis>=6.100", "pytest-timeout>=2.3")
"""What the tests need beside the package: of any version that fits the Python."""

_COPIED = ("pyproject.toml", "tests/conftest.py", "tests/device")
# Slow and busy machines are no fault of a test; QUICK_PROFILE is for the slowest.
QUICK_PROFILE = "quick"
_PROFILE = "matrix"
_CONFTEST = f"""
from hypothesis import settings
settings.register_profile("{_PROFILE}", deadline=None)
settings.register_profile("{QUICK_PROFILE}", deadline=None, max_examples=5)
"""
_TAIL = 2000  # characters of what a crashed run said
_MESSAGE = 300  # characters of a failed test's message

_PROBE = """
import json, platform
import minivgg_edge, numpy
try:
    import PIL
    pillow = PIL.__version__
except ModuleNotFoundError:
    pillow = "-"
from minivgg_edge import RuntimeUnavailableError
from minivgg_edge.interpreter import runtime_info
try:
    info = runtime_info()
    runtime, name, refusal = f"{info.name} {info.version}", info.name, ""
except RuntimeUnavailableError as error:
    runtime, name, refusal = "-", None, str(error)
versions = {
    "python": platform.python_version(), "numpy": numpy.__version__, "runtime": runtime,
    "pillow": pillow,
}
found = {"file": minivgg_edge.__file__, "runtime": name, "refusal": refusal, "versions": versions}
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a Python answers about the package that it finds.

    Attributes:
        file: where the package lies.
        versions: of the package's company.
        runtime: distribution name of the runtime that answers; None if there is none.
        refusal: what the package says where there is none.
    """

    file: Path
    versions: Versions
    runtime: str | None
    refusal: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the device tests run.

    Attributes:
        chosen: node ids below `tests/device`; empty means all.
        left_out: beginnings of node ids.
        expression: pytest's `-m`.
        profile: of hypothesis: how many examples it tries.
        timeout_s: of the whole run.
    """

    chosen: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    expression: str = "not slow"
    profile: str = _PROFILE
    timeout_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class TestRun:
    """What came of it.

    Attributes:
        counts: of the tests.
        failures: a sentence for each test that failed, and for a run that broke off.
    """

    counts: Counts
    failures: tuple[str, ...]


def copy_tests(checkout: Path, folder: Path) -> Path:
    """Copy the device tests with what they need into `folder` and return the copy."""
    copy = folder / "copy"
    for name in _COPIED:
        source, target = checkout / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    (copy / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    return copy


def probe(python: Path) -> Installed:
    """Ask a Python for the package that it finds.

    Raises:
        LaneError: it finds none, or crashed.
    """
    printed = run([os.fspath(python), "-I", "-c", _PROBE], environment=CLEAN)
    found = json.loads(printed.splitlines()[-1])
    return Installed(
        file=Path(found["file"]),
        versions=Versions(**found["versions"]),
        runtime=found["runtime"],
        refusal=found["refusal"],
    )


def run_tests(
    python: Path,
    copy: Path,
    selection: Selection = Selection(),
    *,
    environment: Mapping[str, str] | None = None,
) -> TestRun:
    """Run the device tests of a copy with a Python.

    Args:
        python: of the place.
        copy: of `copy_tests`; what the tests write goes beside it.
        selection: which tests.
        environment: added to that of the run.

    Raises:
        LaneError: pytest itself failed, crashed or did not end; its last words are in the message.
    """
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    paths = [f"tests/device/{name}" for name in selection.chosen] or ["tests/device"]
    words = [f"--deselect=tests/device/{name}" for name in selection.left_out]
    words += ["-q", "-m", selection.expression, f"--hypothesis-profile={selection.profile}"]
    words += [f"--junitxml={report}", f"--basetemp={copy.parent / 'written'}"]
    command = [os.fspath(python), "-m", "pytest", *words, *paths]
    said = _run(command, copy, selection.timeout_s, environment or {})
    if not report.is_file():
        raise LaneError(f"pytest left no report: {said[-_TAIL:].strip()}")
    return read_report(report.read_bytes())


def _run(
    command: Sequence[str], folder: Path, timeout_s: float, environment: Mapping[str, str]
) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **CLEAN, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LaneError(f"the tests did not end within {timeout_s:g} s") from None
    if done.returncode not in (0, 1):  # 1: some failed; more: interrupted, bad usage, a crash
        raise LaneError(f"pytest ended with {done.returncode}: {done.stdout[-_TAIL:].strip()}")
    return done.stdout


def read_report(report: bytes) -> TestRun:
    """Read a report in JUnit's format, as pytest writes it."""
    suites = list(ET.fromstring(report).iter("testsuite"))  # noqa: S314 - our own pytest wrote it
    total = {
        name: sum(int(suite.get(name, "0")) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    # A test that passed and whose fixture failed afterwards is there twice: as a case, as an error.
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    failures = [
        f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}: {_first_line(found)}"
        for suite in suites
        for case in suite.iter("testcase")
        for found in (*case.findall("failure"), *case.findall("error"))
    ]
    return TestRun(Counts(passed, total["skipped"], failed), tuple(failures))


def _first_line(failure: ET.Element) -> str:
    return " ".join((failure.get("message") or "").split())[:_MESSAGE]
