"""Wheel tags, and why one does not fit: another machine, C library or Python.

The tags' grammar: https://packaging.python.org/specifications/platform-compatibility-tags/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from minivgg_edge.doctor.facts import Python, System

# PEP 600 gives the glibc of the older names.
_OLDER_NAMES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_LINUX = re.compile(r"(?:(many|musl)linux_(\d+)_(\d+)|(manylinux\d+)|linux)_(\w+)")
_WINDOWS = {"win_amd64": "x86_64", "win_arm64": "aarch64", "win32": "i686"}
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_(\w+)")
_CPYTHON = re.compile(r"cp(\d)(\d+)")

_64_BIT = {"amd64": "x86_64", "arm64": "aarch64", "armv8l": "aarch64", "armv8b": "aarch64"}
_32_BIT = {"x86_64": "i686", "amd64": "i686", "i386": "i686", "i586": "i686"}
_32_BIT |= {"aarch64": "armv7l", "arm64": "armv7l", "armv8l": "armv7l"}


class Misfit(Enum):
    """What a wheel does not fit."""

    MACHINE = "machine"
    LIBC = "libc"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a wheel does not fit.

    Attributes:
        misfit: What it does not fit.
        built_for: What it was built for, in words.
        here: What is here, in words.
    """

    misfit: Misfit
    built_for: str
    here: str


def wheel_machine(machine: str, bits: int) -> str:
    """Return the architecture of wheels that run here, as Linux names it.

    Args:
        machine: As the kernel names it; a 64-bit kernel does not look at the program.
        bits: Size of the program's pointers.
    """
    name = machine.lower()
    return (_32_BIT if bits == 32 else _64_BIT).get(name, name)


def dotted(version: tuple[int, ...]) -> str:
    """Return (2, 27) as "2.27"."""
    return ".".join(map(str, version))


def find_mismatch(tags: tuple[str, ...], system: System, python: Python) -> Mismatch | None:
    """Return why none of a wheel's tags fits; None if one does, or there are none."""
    mismatches = []
    for tag in tags:
        parts = tag.split("-")
        if len(parts) != 3:
            return None  # a tag that this code does not know
        # A tag may stand for several: every part is a list with points between the names.
        for platform in parts[2].split("."):
            found = _platform_mismatch(platform, system) or _python_mismatch(parts, python)
            if found is None:
                return None
            mismatches.append(found)
    return mismatches[0] if mismatches else None


def _platform_mismatch(platform: str, system: System) -> Mismatch | None:
    if platform == "any":
        return None
    here = wheel_machine(system.machine, system.bits)
    linux = _LINUX.fullmatch(platform)
    macos = _MACOS.fullmatch(platform)
    if linux is not None and system.name == "Linux":
        return _linux_mismatch(linux, here, system)
    if macos is not None and system.name == "Darwin":
        machine = macos.group(3)
        fits = machine == "universal2" or wheel_machine(machine, 64) == here
        return None if fits else _machines(machine, here)
    if platform in _WINDOWS and system.name == "Windows":
        return None if _WINDOWS[platform] == here else _machines(platform, here)
    if linux is None and macos is None and platform not in _WINDOWS:
        return None  # a tag that this code does not know
    return _machines(platform, f"{system.name} {here}")


def _linux_mismatch(tag: re.Match[str], here: str, system: System) -> Mismatch | None:
    family, major, minor, older_name, machine = tag.groups()
    # The files for ARMv6 run on newer 32-bit ARM too.
    if machine != here and not (machine == "armv6l" and here == "armv7l"):
        return _machines(machine, here)
    needed = _OLDER_NAMES.get(older_name or "", (int(major or 0), int(minor or 0)))
    libc = {"many": "glibc", "musl": "musl"}.get(family, "glibc" if older_name else "")
    if not libc or not system.libc:
        return None
    if libc != system.libc or (system.libc_version and system.libc_version[:2] < needed):
        # Of musl the version is often not known; any that Python 3.10 runs on will do.
        here = f"{system.libc} {dotted(system.libc_version)}".strip()
        return Mismatch(Misfit.LIBC, f"{libc} {dotted(needed)} or newer", here)
    return None


def _machines(built_for: str, here: str) -> Mismatch:
    return Mismatch(Misfit.MACHINE, built_for, here)


def _python_mismatch(parts: list[str], python: Python) -> Mismatch | None:
    names = parts[0].split(".")
    versions = [match for match in map(_CPYTHON.fullmatch, names) if match]
    if not versions:
        return None  # "py3" and other implementations
    here = python.version[:2]
    built_for = [(int(version.group(1)), int(version.group(2))) for version in versions]
    stable = "abi3" in parts[1]
    if python.implementation == "CPython" and (
        here in built_for or (stable and any(version <= here for version in built_for))
    ):
        return None
    return Mismatch(
        Misfit.PYTHON,
        f"Python {dotted(built_for[0])}",
        f"{python.implementation} {dotted(here)}",
    )
