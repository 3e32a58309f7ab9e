"""What the tests get of an emulated board; the fixture that makes one is in conftest.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.arm.emulator import Emulator
from benchmarks.arm.sysroot import Sysroot


@dataclass(frozen=True)
class EmulatedBoard:
    """A board, the folder with the package that it runs, and a picture of the model's size."""

    emulator: Emulator
    sysroot: Sysroot
    site: Path
    picture: Path
    work: Path
