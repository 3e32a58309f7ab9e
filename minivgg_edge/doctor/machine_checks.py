"""Does a runtime's wheel exist for this machine, C library and Python."""

from __future__ import annotations

from collections.abc import Iterator

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.facts import Facts
from minivgg_edge.doctor.findings import Finding, ok, problem, warning
from minivgg_edge.doctor.published import (
    LITERT,
    RUNTIMES,
    TFLITE_RUNTIME,
    Wheels,
    reason_for_none,
)
from minivgg_edge.doctor.wheel_tags import dotted, wheel_machine
from minivgg_edge.runtime_advice import NOTHING_FOR_ARMV6

_OLDEST_PYTHON = (3, 10)


def check_machine(facts: Facts) -> Iterator[Finding]:
    """A runtime has a wheel here; or none has, and why."""
    system = facts.system
    if not system.name:
        return  # it could not be read, which is a finding already
    if system.machine == "armv6l":
        yield problem("machine", NOTHING_FOR_ARMV6, None)
        return
    wheels = commands.fitting_runtime(facts)
    if wheels is None:
        yield _nothing_fits(facts)
        return
    releases = wheels.newest if wheels.oldest == wheels.newest else _range(wheels)
    here = f"{system.name} {wheel_machine(system.machine, system.bits)}, Python "
    here += dotted(facts.python.version[:2])
    libc = f", {system.libc} {dotted(system.libc_version)}".rstrip() if system.libc else ""
    yield ok("machine", f"{wheels.distribution} {releases} has a wheel for {here}{libc}")
    if commands.is_mixed(facts):
        yield warning(
            "machine",
            f"this system is 32-bit on a 64-bit kernel ({system.machine}): pip takes the machine "
            "for a 64-bit one and asks for a runtime that has no 32-bit wheel, so install this "
            f"package with --no-deps and {TFLITE_RUNTIME.distribution} by its name; a 64-bit "
            "system runs int8 models faster, too",
            commands.OTHER_SYSTEM if facts.runs else commands.install_runtime(facts),
        )


def _range(wheels: Wheels) -> str:
    return f"{wheels.oldest} to {wheels.newest}"


def _nothing_fits(facts: Facts) -> Finding:
    system = facts.system
    reasons = [
        f"{wheels.distribution}'s wheels are {reason_for_none(wheels, system, facts.python)}"
        for wheels in RUNTIMES
    ]
    sentence = f"no runtime has a wheel for this machine: {'; '.join(reasons)}"
    machine = wheel_machine(system.machine, system.bits)
    machines = {target.machine for target in LITERT.targets if target.system == system.name}
    if system.libc == "musl":
        return problem(
            "machine",
            f"{sentence}; take a system with glibc, such as Debian, or a container of one",
            commands.CONTAINER,
        )
    if machine == "armv7l":
        return problem(
            "machine",
            f"{sentence}; write a 64-bit system with Raspberry Pi Imager, on another computer, or "
            "the 32-bit Raspberry Pi OS Bookworm, whose Python is 3.11",
            commands.OTHER_SYSTEM,
        )
    if system.bits == 32:
        return problem("machine", f"{sentence}; a 64-bit system and Python are needed", None)
    if machine not in machines:
        return problem("machine", f"{sentence}; another machine is needed", None)
    first, last = LITERT.pythons
    if facts.python.implementation != "CPython" or facts.python.free_threaded:
        return problem("machine", sentence, _other_python())
    if not first <= facts.python.version[:2] <= last:
        return problem("machine", sentence, _other_python())
    return problem(
        "machine",
        f"{sentence}; a newer release of the operating system is needed",
        commands.OTHER_SYSTEM if system.board else commands.CONTAINER,
    )


def _other_python() -> str:
    folder = commands.ENVIRONMENT
    return f'python3.12 -m venv {folder} && {folder}/bin/pip install "{commands.PACKAGE}"'


def check_python(facts: Facts) -> Iterator[Finding]:
    """Python is new enough for this package."""
    version = dotted(facts.python.version)
    if facts.python.version[:2] < _OLDEST_PYTHON:
        needed = f"expected Python {dotted(_OLDEST_PYTHON)} or newer, got {version}"
        yield problem("python", needed, _other_python())
        return
    yield ok("python", f"{facts.python.implementation} {version}, {_environment(facts)}")


def _environment(facts: Facts) -> str:
    here = facts.python
    if not here.in_environment:
        managed = " (externally managed)" if here.externally_managed else ""
        return f"no virtual environment{managed}"
    sees = "with" if here.sees_system else "without"
    return f"virtual environment {here.prefix} {sees} the system's packages"
