"""Boards that a model is packed for, and the wheels that their systems take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Board:
    """A Raspberry Pi with one word length of its system.

    Attributes:
        title: for people.
        machine: what `platform.machine()` says there.
        pythons: of the releases of Raspberry Pi OS, major and minor.
        platforms: tags of the wheels that it takes, the newest first.
        requirements: what to download, in the versions that constraints.txt names.
        from_system: Debian packages in place of wheels that nobody publishes.
    """

    title: str
    machine: str
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    requirements: tuple[str, ...]
    from_system: tuple[str, ...] = ()


# glibc is 2.36 in Bookworm and 2.41 in Trixie.
_AARCH64 = tuple(f"manylinux_2_{minor}_aarch64" for minor in (36, 34, 31, 28, 27, 26, 17))
_ARMV7L = ("manylinux_2_34_armv7l", "manylinux2014_armv7l", "linux_armv7l")
_BOOKWORM, _TRIXIE = "3.11", "3.13"


def _board(title: str) -> Board:
    return Board(
        f"{title}, 64-bit",
        "aarch64",
        (_BOOKWORM, _TRIXIE),
        (*_AARCH64, "manylinux2014_aarch64"),
        ("ai-edge-litert", "numpy", "pillow"),
    )


BOARDS = {
    "pi3": _board("Raspberry Pi 3"),
    "pi4": _board("Raspberry Pi 4"),
    "pi5": _board("Raspberry Pi 5"),
    "zero2": _board("Raspberry Pi Zero 2 W"),
    # No numpy for 32-bit Arm and no newer Python for tflite-runtime: Bookworm, with Debian's.
    "pi3-32bit": Board(
        "Raspberry Pi 2, 3, 4 or Zero 2 W, 32-bit",
        "armv7l",
        (_BOOKWORM,),
        _ARMV7L,
        ("tflite-runtime==2.14.0",),
        ("python3-numpy", "python3-pil"),
    ),
}
