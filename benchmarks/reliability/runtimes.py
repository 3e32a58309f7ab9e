"""The runtimes that an attack is run on, and programs of this project in their Pythons."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import ensure_environment
from benchmarks.peers.errors import PeerUnavailableError
from minivgg_edge.child_process import how_it_ended

ROOT = Path(__file__).resolve().parent.parent.parent
_ENVIRONMENTS = Path("out") / "reliability"
_REQUIREMENTS = Path(__file__).resolve().parent


class WorkerError(Exception):
    """A worker program crashed, hung or did not answer; the message says which."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python in which exactly one runtime answers.

    Attributes:
        title: of the runtime, with its version.
        python: the interpreter.
    """

    title: str
    python: Path


@dataclass(frozen=True, slots=True)
class Runtimes:
    """Those that can be had here, and a sentence for each that cannot."""

    found: tuple[Runtime, ...]
    missing: tuple[str, ...] = ()


def available_runtimes(environments: Path = _ENVIRONMENTS) -> Runtimes:
    """Return LiteRT in this Python and tflite-runtime in a virtual environment of its own.

    Args:
        environments: folder in which the virtual environment is made unless it is there.
    """
    litert = f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"
    found = [Runtime(litert, Path(sys.executable))]
    try:
        python = ensure_environment(
            "tflite-runtime", environments.resolve(), requirements_folder=_REQUIREMENTS
        )
    except PeerUnavailableError as error:
        return Runtimes(tuple(found), (f"tflite-runtime: {error}",))
    return Runtimes((*found, Runtime("tflite-runtime 2.14.0", python)))


def run_worker(
    runtime: Runtime, module: str, options: Mapping[str, Any], *, timeout_s: float
) -> dict[str, Any]:
    """Run a module of this project in a runtime's Python and return what it answers.

    Args:
        runtime: whose Python.
        module: a program that takes one JSON object as its argument and prints one as its last
            line; it imports nothing but the standard library, numpy and the device package. What
            it writes to stderr is shown.
        options: that argument.
        timeout_s: seconds after which it counts as hung and is ended.

    Raises:
        WorkerError: it was ended by a signal, failed, hung, or printed no JSON object.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [os.fspath(runtime.python), "-s", "-m", module, json.dumps(options)]
    try:
        run = subprocess.run(  # noqa: S603 - the command above
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.fspath(ROOT)},
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkerError(
            f"{runtime.title}: {module} gave no answer within {timeout_s:g} s"
        ) from error
    if run.returncode != 0:
        raise WorkerError(f"{runtime.title}: {module} {how_it_ended(run.returncode)}")
    answer = (run.stdout.splitlines() or [""])[-1]
    try:
        document: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise WorkerError(
            f"{runtime.title}: {module}: expected a JSON object, got {answer[:200]!r}"
        ) from error
    return document
