"""The wheel under test: built from this checkout, and what its metadata asks for."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.arm.wheels import build_wheel

CHECKOUT = Path(__file__).resolve().parents[3]
EXTRA = "pictures"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A built wheel.

    Attributes:
        path: its file.
        sha256: of its bytes, lower-case hex.
        requirements: its `Requires-Dist`, as they stand there.
    """

    path: Path
    sha256: str
    requirements: tuple[str, ...]


def build(work: Path) -> Wheel:
    """Build the wheel into `work/dist`.

    Raises:
        LaneError: the build failed.
    """
    return read(build_wheel(CHECKOUT, work=work.resolve()))


def read(path: Path) -> Wheel:
    """Return a wheel with what its metadata says."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(name), headersonly=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(path, digest, tuple(metadata.get_all("Requires-Dist", [])))


def requirements_for(
    requirements: Sequence[str], *, machine: str, python: str, extra: str = EXTRA
) -> tuple[Requirement, ...]:
    """Return the requirements whose markers hold in a place, without the markers.

    pip evaluates markers for the Python that it runs in, whatever it is told to resolve for.

    Args:
        requirements: as in a wheel's metadata.
        machine: what `platform.machine()` says in the place; its system is Linux.
        python: version of its Python, major and minor.
        extra: the chosen extra.
    """
    place = {
        "extra": extra,
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    chosen = [
        requirement
        for requirement in map(Requirement, requirements)
        if requirement.marker is None or requirement.marker.evaluate(place)
    ]
    for requirement in chosen:
        requirement.marker = None
    return tuple(chosen)
