"""The places where the device package claims to run, and what is installed there.

The pins are bounds of this project's own metadata, or the first release with a wheel for a Python
that the bound is too old for; tests/wheel/test_matrix.py holds them to it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.arm.boards import LITERT, PI3_32BIT, PI4, PI5, TFLITE_RUNTIME, Board

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LOWEST_LITERT = f"{LITERT}==2.1.6"
TFLITE = f"{TFLITE_RUNTIME}==2.14.0"
# numpy and Pillow: the lower bounds, and the first wheels for the Pythons that came after them.
LOWEST: Mapping[str, tuple[str, str]] = {
    "3.10": ("numpy==1.24.0", "pillow==9.4.0"),
    "3.11": ("numpy==1.24.0", "pillow==9.4.0"),
    "3.12": ("numpy==1.26.0", "pillow==10.1.0"),
    "3.13": ("numpy==2.1.0", "pillow==11.0.0"),
}
_TFLITE_PYTHONS = ("3.10", "3.11")
_NEWEST_NUMPY_1 = "numpy==1.26.4"


@dataclass(frozen=True, slots=True)
class Native:
    """A virtual environment on this machine.

    Attributes:
        name: for the command line.
        title: for people.
        python: version of its Python, major and minor.
        runtime: distribution name of the runtime that must answer; None: there is none, and the
            package has to say so.
        pins: requirements beside those of the wheel.
        by_metadata: whether the wheel's own requirements are installed too; tflite-runtime is the
            choice of the metadata on no 64-bit machine.
    """

    name: str
    title: str
    python: str
    runtime: str | None
    pins: tuple[str, ...] = ()
    by_metadata: bool = True


@dataclass(frozen=True, slots=True)
class Emulated:
    """A board under QEMU, with its system's own packages.

    Attributes:
        name: for the command line; that of the system.
        board: which.
    """

    name: str
    board: Board

    @property
    def title(self) -> str:
        """Machine, release and board."""
        system = self.board.system
        return f"{self.board.title} emulated, {system.architecture} {system.suite}"

    @property
    def python(self) -> str:
        """Version of its Python, major and minor."""
        return self.board.system.python


@dataclass(frozen=True, slots=True)
class Resolution:
    """A place that cannot be run here: its dependencies are resolved for it, no more.

    Attributes:
        name: for the command line.
        title: for people.
        python: version of its Python, major and minor.
        machine: what `platform.machine()` says there.
        platforms: tags of the wheels that it can install.
        runtime: distribution name of the runtime that must be chosen; None: none exists.
        system_packages: what its system has and the index has no wheels of, with the versions.
    """

    name: str
    title: str
    python: str
    machine: str
    platforms: tuple[str, ...]
    runtime: str | None
    system_packages: Mapping[str, str] = field(default_factory=dict)


Place = Native | Emulated | Resolution


def manylinux(machine: str) -> tuple[str, ...]:
    """Return the tags of the wheels that a Linux with glibc 2.36 (bookworm) can install."""
    minors = range(36, 16, -1)
    return (*(f"manylinux_2_{minor}_{machine}" for minor in minors), f"manylinux2014_{machine}")


def instead_of(place: Native) -> Resolution:
    """Return what can still be said of an environment whose Python is not on this machine."""
    return Resolution(
        name=place.name,
        title=place.title,
        python=place.python,
        machine=platform.machine(),
        platforms=manylinux(platform.machine()),
        runtime=place.runtime,
    )


def all_places() -> tuple[Place, ...]:
    """Return every place, those of this machine first."""
    return (*_litert(), *_tflite_runtime(), *_without_runtime(), *_emulated(), *_resolved())


def _litert() -> list[Native]:
    places = []
    machine = platform.machine()
    for python in PYTHONS:
        newest = Native(f"py{python}-newest", f"{machine}, newest of all", python, LITERT)
        pins = (LOWEST_LITERT, *LOWEST[python])
        lowest = Native(f"py{python}-lowest", f"{machine}, lowest allowed", python, LITERT, pins)
        places += [newest, lowest]
    return places


def _tflite_runtime() -> list[Native]:
    machine = platform.machine()
    return [
        Native(
            f"py{python}-tflite-numpy{numpy.split('==')[1].rsplit('.', 1)[0]}",
            f"{machine}, tflite-runtime",
            python,
            TFLITE_RUNTIME,
            (TFLITE, numpy, pillow),
            by_metadata=False,
        )
        for python in _TFLITE_PYTHONS
        for numpy, pillow in (LOWEST[python], (_NEWEST_NUMPY_1, "pillow"))
    ]


def _without_runtime() -> list[Native]:
    title = f"{platform.machine()}, no runtime"
    return [
        Native(f"py{python}-no-runtime", title, python, None, ("numpy", "pillow"), False)
        for python in (PYTHONS[0], PYTHONS[-1])
    ]


def _emulated() -> list[Emulated]:
    return [Emulated(board.system.name, board) for board in (PI4, PI5, PI3_32BIT)]


def _resolved() -> list[Resolution]:
    armv7 = (*manylinux("armv7l"), "linux_armv7l")
    # Versions of Debian's python3-numpy and python3-pil in the release.
    bookworm = {"numpy": "1.24.2", "pillow": "9.4.0"}
    trixie = {"numpy": "2.2.4", "pillow": "11.1.0"}
    return [
        Resolution("py3.14", "x86_64", "3.14", "x86_64", manylinux("x86_64"), LITERT),
        Resolution("arm64-py3.12", "aarch64", "3.12", "aarch64", manylinux("aarch64"), LITERT),
        Resolution(
            "armv7-bookworm", "armv7l bookworm", "3.11", "armv7l", armv7, TFLITE_RUNTIME, bookworm
        ),
        Resolution("armv7-trixie", "armv7l trixie", "3.13", "armv7l", armv7, None, trixie),
        Resolution(
            "armv6-bookworm", "armv6l bookworm", "3.11", "armv6l", ("linux_armv6l",), None, bookworm
        ),
    ]
