"""Which wheels are published, by the package index on 2026-11-24.

`tests/desk/test_doctor_published.py` compares this table with what pip finds.
"""

from __future__ import annotations

from dataclasses import dataclass

from minivgg_edge.doctor.facts import Python, System
from minivgg_edge.doctor.wheel_tags import dotted, wheel_machine


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine that a package has wheels for.

    Attributes:
        system: "Linux", "Darwin" or "Windows".
        machine: Architecture as Linux names it.
        libc: "glibc", "musl" or "".
        minimum: The oldest version of the C library (of macOS on Darwin), by the wheel's tag,
            which decides what pip installs.
        needed: The oldest version of the C library by the code's symbols, which decide whether it
            can be imported; () if it was not looked at.
        glibcxx: The oldest symbol version of the C++ library, likewise.
    """

    system: str
    machine: str
    libc: str = ""
    minimum: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()
    glibcxx: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wheels:
    """Releases of a package that have the same wheels.

    Attributes:
        distribution: The package.
        oldest: First of the releases.
        newest: Last of the releases.
        pythons: First and last Python, both included.
        targets: Kinds of machines.
    """

    distribution: str
    oldest: str
    newest: str
    pythons: tuple[tuple[int, int], tuple[int, int]]
    targets: tuple[Target, ...]


LITERT = Wheels(
    "ai-edge-litert",
    "2.1.6",
    "2.3.0",
    ((3, 10), (3, 14)),
    (
        Target("Linux", "x86_64", "glibc", (2, 27), (2, 27), (3, 4, 22)),
        Target("Linux", "aarch64", "glibc", (2, 27), (2, 34), (3, 4, 30)),
        Target("Darwin", "aarch64", "", (12, 0)),
        Target("Windows", "x86_64"),
    ),
)
TFLITE_RUNTIME = Wheels(
    "tflite-runtime",
    "2.14.0",
    "2.14.0",
    ((3, 8), (3, 11)),
    (
        Target("Linux", "x86_64", "glibc", (2, 17), (2, 29), (3, 4, 22)),
        Target("Linux", "aarch64", "glibc", (2, 34), (2, 27)),
        Target("Linux", "armv7l", "glibc", (2, 34), (2, 27)),
    ),
)
NUMPY_1 = Wheels(
    "numpy",
    "1.26.4",
    "1.26.4",
    ((3, 9), (3, 12)),
    (
        Target("Linux", "x86_64", "glibc", (2, 17)),
        Target("Linux", "aarch64", "glibc", (2, 17)),
        Target("Linux", "x86_64", "musl", (1, 1)),
        Target("Linux", "aarch64", "musl", (1, 1)),
    ),
)
NUMPY_2 = Wheels(
    "numpy",
    "2.3.2",
    "2.4.6",
    ((3, 11), (3, 14)),
    (
        Target("Linux", "x86_64", "glibc", (2, 27)),
        Target("Linux", "aarch64", "glibc", (2, 27)),
        Target("Linux", "x86_64", "musl", (1, 2)),
        Target("Linux", "aarch64", "musl", (1, 2)),
    ),
)

RUNTIMES = (LITERT, TFLITE_RUNTIME)
NUMPY = (NUMPY_1, NUMPY_2)
TABLE = (*RUNTIMES, *NUMPY)


def reason_for_none(wheels: Wheels, system: System, python: Python) -> str | None:
    """Return why no wheel fits, in words that follow "its wheels are"; None if one does."""
    machine = wheel_machine(system.machine, system.bits)
    same = [t for t in wheels.targets if t.system == system.name and t.machine == machine]
    if not same:
        names = sorted({f"{t.system} {t.machine}" for t in wheels.targets})
        return f"for {', '.join(names)}, this is {system.name} {machine}"
    first, last = wheels.pythons
    if python.implementation != "CPython" or python.free_threaded:
        kind = "free-threaded CPython" if python.free_threaded else python.implementation
        return f"for ordinary CPython, this is {kind}"
    if not first <= python.version[:2] <= last:
        return f"for Python {dotted(first)} to {dotted(last)}, this is {dotted(python.version[:2])}"
    if system.name != "Linux" or not system.libc:
        return None
    target = next((t for t in same if t.libc == system.libc), None)
    if target is None:
        return f"for {same[0].libc}, this is {system.libc} {dotted(system.libc_version)}".rstrip()
    return _libc_reason(target, system)


def _libc_reason(target: Target, system: System) -> str | None:
    if system.hard_float is False:
        return "for hard-float ARM (armhf), this is soft-float (armel)"
    oldest = max(target.minimum, target.needed)
    if system.libc_version and system.libc_version[:2] < oldest:
        tag = f" (whatever their tag, {dotted(target.minimum)}, says)"
        but = tag if target.needed > target.minimum else ""
        here = dotted(system.libc_version)
        return f"for {target.libc} {dotted(oldest)} or newer{but}, this is {here}"
    if system.glibcxx is not None and system.glibcxx < target.glibcxx:
        needed, here = dotted(target.glibcxx), dotted(system.glibcxx)
        return f"for a C++ library with GLIBCXX {needed}, this has {here}"
    return None
