"""Reads all facts of this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from minivgg_edge import __file__ as package_file
from minivgg_edge import __version__
from minivgg_edge.doctor.distributions import read_distributions
from minivgg_edge.doctor.facts import Camera, Distribution, Facts, Inference, Python, System, Trial
from minivgg_edge.doctor.system import read_camera, read_python, read_system
from minivgg_edge.doctor.trials import try_import, try_inference

ROOT = Path("/")
RUNTIME_MODULES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
"""The module of each runtime's distribution that loads its native code."""

_NOTHING_KNOWN = System("", "", 64, "", "", (), None, None, None, (), None, None, ())
_T = TypeVar("_T")


def read_facts(root: Path = ROOT) -> Facts:
    """Read this machine; system files below `root`."""
    unreadable: list[str] = []

    def read(what: str, reader: Callable[[], _T], otherwise: _T) -> _T:
        # The one place that takes any exception: on a broken installation anything can be broken,
        # and what this does not survive is what it is for. Nothing is lost, it becomes a finding.
        try:
            return reader()
        except Exception as error:
            unreadable.append(f"{what}: {type(error).__name__}: {error}")
            return otherwise

    no_packages: tuple[Distribution, ...] = ()
    no_trials: tuple[Trial, ...] = ()
    version = sys.version_info
    unknown_python = Python(
        version=(version.major, version.minor, version.micro),
        implementation=sys.implementation.name.replace("cpython", "CPython"),
        free_threaded=False,
        executable=sys.executable or "",
        base_executable=sys.executable or "",
        prefix=sys.prefix,
        in_environment=sys.prefix != sys.base_prefix,
        sees_system=False,
        externally_managed=False,
        has_pip=True,
        has_ensurepip=True,
        writable=True,
    )
    system = read("the machine", lambda: read_system(root), _NOTHING_KNOWN)
    python = read("Python", read_python, unknown_python)
    # Before the imports, which write .pyc files where they may.
    packages = read("the packages", lambda: read_distributions(sys.path), no_packages)
    camera = read("the camera", lambda: read_camera(root), Camera(False, False, False))
    trials = read("the imports", lambda: _try_imports(packages), no_trials)
    no_inference: Inference | None = None
    inference = read("the inference", lambda: _try_inference(trials), no_inference)
    return Facts(
        package_version=__version__,
        package_folder=str(Path(package_file).parent),
        system=system,
        python=python,
        distributions=packages,
        trials=trials,
        inference=inference,
        camera=camera,
        unreadable=tuple(unreadable),
    )


def _try_imports(packages: tuple[Distribution, ...]) -> tuple[Trial, ...]:
    modules = ["numpy", *RUNTIME_MODULES.values(), "PIL.Image"]
    # Only what is there: Pi OS has it from apt, compiled against apt's numpy.
    if any(package.name == "simplejpeg" for package in packages):
        modules.append("simplejpeg")
    return tuple(map(try_import, modules))


def _try_inference(trials: tuple[Trial, ...]) -> Inference | None:
    works = {trial.module for trial in trials if trial.error is None}
    if "numpy" in works and works.intersection(RUNTIME_MODULES.values()):
        return try_inference()
    return None
