"""Virtual environments of this machine's Pythons, with the wheel and the pins of a place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks.arm.process import run
from benchmarks.reliability.matrix import pip
from benchmarks.reliability.matrix.device_tests import TOOLS
from benchmarks.reliability.matrix.interpreters import Interpreter
from benchmarks.reliability.matrix.places import Native
from benchmarks.reliability.matrix.stamp import is_stamped, stamp, unstamp
from benchmarks.reliability.matrix.wheel import EXTRA, Wheel


def prepare(place: Native, interpreter: Interpreter, wheel: Wheel, *, work: Path) -> Path:
    """Return the Python of the environment of a place, made anew where anything has changed.

    Args:
        place: what is to be installed.
        interpreter: a Python of the place's version.
        wheel: the package.
        work: folder of the matrix; the environment is ``work/environments/NAME``.

    Raises:
        LaneError: something cannot be installed.
    """
    home = work.resolve() / "environments" / place.name
    python = home / "bin" / "python"
    # What pip chose depends on all of this, but not on the package's own code.
    wanted = {
        "home": os.fspath(home),
        "python": [os.fspath(interpreter.path), interpreter.version],
        "requirements": [*place.pins, *TOOLS, place.by_metadata, *wheel.requirements],
    }
    if not is_stamped(home, wanted):
        shutil.rmtree(home, ignore_errors=True)
        run([os.fspath(interpreter.path), "-m", "venv", os.fspath(home)], environment=pip.CLEAN)
        package = [f"{wheel.path}[{EXTRA}]"] if place.by_metadata else []
        pip.install(python, *package, *place.pins, *TOOLS)
        stamp(home, wanted)
    _install_wheel(python, wheel, home)
    return python


def _install_wheel(python: Path, wheel: Wheel, home: Path) -> None:
    """Install the package alone, if the environment has not this very wheel."""
    wanted = {"wheel": wheel.sha256}
    if not is_stamped(home, wanted, "wheel.json"):
        unstamp(home, "wheel.json")
        # Two wheels of one version differ while the package is worked on.
        pip.install(python, "--no-deps", "--no-index", "--force-reinstall", str(wheel.path))
        stamp(home, wanted, "wheel.json")
