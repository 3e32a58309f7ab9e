"""What a place would install that cannot be run here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.arm.boards import LITERT, TFLITE_RUNTIME
from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from benchmarks.reliability.matrix import pip
from benchmarks.reliability.matrix.outcome import Versions
from benchmarks.reliability.matrix.places import Resolution
from benchmarks.reliability.matrix.wheel import Wheel, requirements_for

_ADVICE = """
import sys
from minivgg_edge.runtime_advice import NOTHING_FOR_ARMV6, advice
machine, minor = sys.argv[1:]
known = advice(machine, is_64_bit=False, python=(3, int(minor)))
print(NOTHING_FOR_ARMV6 if machine == "armv6l" else known)
"""


def resolve(place: Resolution, wheel: Wheel, *, host: Path) -> Versions:
    """Return what is installed in a place: of its system's packages and of the index' wheels.

    Only the package's own requirements are evaluated for the place; what those depend on, pip
    chooses by the markers of the Python that it runs in.

    Args:
        place: for which.
        wheel: the package.
        host: a Python of this machine, for pip.

    Raises:
        LaneError: there is no solution, or another runtime than expected.
    """
    wanted = requirements_for(wheel.requirements, machine=place.machine, python=place.python)
    chosen = {**place.system_packages, **_from_index(place, wanted, host)}
    runtimes = [name for name in (LITERT, TFLITE_RUNTIME) if name in chosen]
    expected = [] if place.runtime is None else [place.runtime]
    if runtimes != expected:
        raise LaneError(f"expected the runtimes {expected}, got {runtimes}")
    return Versions(
        python=place.python,
        numpy=chosen["numpy"],
        runtime=" ".join((runtimes[0], chosen[runtimes[0]])) if runtimes else "-",
        pillow=chosen["pillow"],
    )


def refusal(place: Resolution, wheel: Wheel, *, host: Path) -> str:
    """Return what the package says in a place that has no runtime."""
    words = [place.machine, place.python.partition(".")[2]]
    # The module needs nothing but the standard library, so the wheel itself can be searched.
    environment = {**pip.CLEAN, "PYTHONPATH": os.fspath(wheel.path)}
    return run([os.fspath(host), "-c", _ADVICE, *words], environment=environment).strip()


def _from_index(place: Resolution, wanted: Sequence[Requirement], host: Path) -> dict[str, str]:
    asked = [str(requirement) for requirement in wanted if not _has(place, requirement)]
    options = ["--implementation", "cp", "--python-version", place.python]
    options += [word for tag in place.platforms for word in ("--platform", tag)]
    if place.system_packages:
        # What those requirements need in turn is what the system has.
        options.append("--no-deps")
    return pip.resolve(host, asked, *options)


def _has(place: Resolution, requirement: Requirement) -> bool:
    """Return whether the system's own package serves.

    Raises:
        LaneError: it does not: pip would look for another on the index, which has no wheel.
    """
    version = place.system_packages.get(canonicalize_name(requirement.name))
    if version is None:
        return False
    if not requirement.specifier.contains(version):
        raise LaneError(f"expected {requirement}, got {version} of the system and no wheel")
    return True
