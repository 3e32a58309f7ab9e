"""Wheels for an emulated board: ours, built from this checkout, and those of peers."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arm.process import run
from benchmarks.arm.sysroot import Sysroot, compile_python, pip_target

_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def build_wheel(checkout: Path, *, work: Path) -> Path:
    """Build the wheel of the device package; return its file.

    Raises:
        LaneError: The build failed.
    """
    folder = work / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(checkout)]
    run(command)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(wheel: Path, sysroot: Sysroot, *, work: Path) -> Path:
    """Unpack a wheel for a system and compile it there, once for each content.

    Args:
        wheel: A wheel of pure Python.
        sysroot: For whose Python it is compiled.
        work: Folder of the lane.

    Returns:
        The folder that Python has to search.

    Raises:
        LaneError: pip or the compilation failed.
    """
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()[:16]
    # A name of fixed length: the path's length is in the counts of a start.
    return _site(sysroot, work, f"wheel-{digest}", [str(wheel)])


def install_peer(requirements: Sequence[str], sysroot: Sysroot, *, work: Path) -> Path:
    """Download and unpack pinned wheels, nothing that they depend on besides; see `install_wheel`.

    Raises:
        LaneError: There is no such wheel for the system, or pip failed.
    """
    name = "+".join(requirement.replace("==", "-") for requirement in requirements)
    return _site(sysroot, work, f"peer-{name}", list(requirements))


def _site(sysroot: Sysroot, work: Path, name: str, wanted: list[str]) -> Path:
    folder = work / "sites" / sysroot.system.name / name
    stamp = folder / ".complete"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == sysroot.digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    where = [*pip_target(sysroot.system), "--no-deps", "--no-compile", "--target", str(folder)]
    run([*_PIP, "install", *where, *wanted])
    compile_python(sysroot, folder.resolve())
    stamp.write_text(sysroot.digest, encoding="ascii")
    return folder
