"""Machines that the doctor has never seen: complete facts, of which a test changes some."""

from __future__ import annotations

import dataclasses
from typing import Any

from minivgg_edge.doctor.examination import Diagnosis, examine
from minivgg_edge.doctor.facts import (
    Camera,
    Distribution,
    Facts,
    Inference,
    Python,
    System,
    Trial,
)
from minivgg_edge.doctor.findings import Finding

PYTHON = "/home/pi/env/bin/python"
SITE = "/home/pi/env/lib/python3.11/site-packages"
SYSTEM_SITE = "/usr/lib/python3/dist-packages"
NEW_ENVIRONMENT = "/usr/bin/python3 -m venv --system-site-packages ~/minivgg && "
NEW_ENVIRONMENT += '~/minivgg/bin/pip install "minivgg-edge[pictures]"'


def system(**changes: Any) -> System:
    """A Raspberry Pi 4 with 64-bit Raspberry Pi OS Bookworm."""
    pi_4 = System(
        name="Linux",
        machine="aarch64",
        bits=64,
        kernel="6.6.31+rpt-rpi-v8",
        libc="glibc",
        libc_version=(2, 36),
        hard_float=None,
        glibcxx=(3, 4, 30),
        os_name="Debian GNU/Linux 12 (bookworm)",
        os_ids=("debian",),
        board="Raspberry Pi 4 Model B Rev 1.4",
        cpu="Cortex-A72",
        cpu_features=("asimd",),
    )
    return dataclasses.replace(pi_4, **changes)


def python(version: tuple[int, int] = (3, 11), **changes: Any) -> Python:
    """Python in a virtual environment that sees the system's packages."""
    here = Python(
        version=(*version, 2),
        implementation="CPython",
        free_threaded=False,
        executable=PYTHON,
        base_executable="/usr/bin/python3",
        prefix="/home/pi/env",
        in_environment=True,
        sees_system=True,
        externally_managed=False,
        has_pip=True,
        has_ensurepip=True,
        writable=True,
    )
    return dataclasses.replace(here, **changes)


def managed_python(version: tuple[int, int] = (3, 11), **changes: Any) -> Python:
    """The system's Python, in which pip refuses to install."""
    fields: dict[str, Any] = {
        "executable": "/usr/bin/python3",
        "prefix": "/usr",
        "in_environment": False,
        "externally_managed": True,
        "writable": False,
    }
    return python(version, **(fields | changes))


def copy(name: str, version: str, folder: str = SITE, **changes: Any) -> Distribution:
    """One installed copy of a package, complete."""
    installed = Distribution(
        name=name,
        version=version,
        folder=folder,
        from_system=folder == SYSTEM_SITE,
        tags=(),
        library_machine=None,
        module_folder=f"{folder}/{name.replace('-', '_')}",
        sources=100,
        uncompiled=0,
        writable=folder == SITE,
    )
    return dataclasses.replace(installed, **changes)


def works(module: str, version: str) -> Trial:
    """An import that went well."""
    return Trial(module, version, None, None)


def missing(module: str, name: str | None = None) -> Trial:
    """An import of which a module is missing, by default itself."""
    name = name or module.partition(".")[0]
    return Trial(module, None, name, f"No module named {name!r}")


def broken(module: str, error: str) -> Trial:
    """An import that failed in another way."""
    return Trial(module, None, None, error)


NUMPY, LITERT = "numpy", "ai_edge_litert.interpreter"
TFLITE_RUNTIME, PILLOW = "tflite_runtime.interpreter", "PIL.Image"


def machine(
    *trials: Trial, packages: tuple[Distribution, ...] | None = None, **changes: Any
) -> Facts:
    """A Pi 4 on which all is well, but for the trials and facts given here."""
    results = {
        NUMPY: works(NUMPY, "1.26.4"),
        LITERT: works(LITERT, "2.3.0"),
        TFLITE_RUNTIME: missing(TFLITE_RUNTIME),
        PILLOW: works(PILLOW, "11.0.0"),
    }
    results |= {trial.module: trial for trial in trials}
    runs = Inference("ai-edge-litert", "2.3.0", 12, 9, 1, "XNNPACK", None)
    needed = [results[LITERT], results[TFLITE_RUNTIME]]
    ready = results[NUMPY].error is None and any(trial.error is None for trial in needed)
    if packages is None:
        packages = (copy("numpy", "1.26.4"), copy("ai-edge-litert", "2.3.0"))
    facts = Facts(
        package_version="0.1.0",
        package_folder=f"{SITE}/minivgg_edge",
        system=system(),
        python=python(),
        distributions=packages,
        trials=tuple(results.values()),
        inference=runs if ready else None,
        camera=Camera(False, False, False),
        unreadable=(),
    )
    return dataclasses.replace(facts, **changes)


NOTHING = (missing(NUMPY), missing(LITERT), missing(TFLITE_RUNTIME), missing(PILLOW))
"""The trials of a machine on which nothing is installed but this package."""


def diagnose(facts: Facts, topic: str) -> tuple[Diagnosis, Finding]:
    """Examine a machine; return the diagnosis and the worst finding about a topic."""
    diagnosis = examine(facts)
    order = ["ok", "warning", "problem"]
    about = [finding for finding in diagnosis.findings if finding.topic == topic]
    assert about, f"nothing about {topic}: {diagnosis.findings}"
    return diagnosis, max(about, key=lambda finding: order.index(finding.status.value))
