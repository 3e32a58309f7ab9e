"""A virtual environment of an emulated board, whose Python is a script that starts QEMU.

The kernel cannot start a program of another machine, but QEMU hands a script's start on to it, so a
test's `sys.executable` works: it is that script. Python takes its own name for the environment's
place as everywhere, which makes `site-packages`, `-I` and what children inherit work too.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from benchmarks.arm.boards import Board
from benchmarks.arm.emulator import lay_root
from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from benchmarks.arm.programs import check_programs
from benchmarks.arm.sysroot import Sysroot, build_sysroot, qemu
from benchmarks.reliability.matrix import pip
from benchmarks.reliability.matrix.device_tests import TOOLS
from benchmarks.reliability.matrix.interpreters import Interpreter
from benchmarks.reliability.matrix.places import Emulated
from benchmarks.reliability.matrix.stamp import is_stamped, stamp, unstamp
from benchmarks.reliability.matrix.wheel import Wheel

# The tests' tools need no native code; wheels with some are not for the board.
_PURE = ("--implementation", "py", "--abi", "none", "--platform", "any")


def prepare(
    place: Emulated, host: Interpreter, wheel: Wheel, *, work: Path, arm_work: Path
) -> Path:
    """Return the Python of the environment of a board, made anew where anything has changed.

    Numpy, Pillow and the runtime are those of the board's sysroot.

    Args:
        place: the board.
        host: a Python of this machine, for pip.
        wheel: the package.
        work: folder of the matrix; the environment is ``work/environments/NAME``.
        arm_work: work folder of the emulated boards; the sysroot is there, or comes to be there.

    Raises:
        LaneError: programs are missing, or something cannot be had.
    """
    board = place.board
    check_programs([board], cycles=False)
    sysroot = build_sysroot(board.system, work=arm_work)
    home = work.resolve() / "environments" / place.name
    python, site = home / "bin" / "python", home / "lib" / f"python{place.python}" / "site-packages"
    wanted = {
        "home": os.fspath(home),
        "sysroot": [os.fspath(sysroot.root), sysroot.digest],
        "requirements": list(TOOLS),
    }
    if not is_stamped(home, wanted):
        shutil.rmtree(home, ignore_errors=True)
        lay_root(board, sysroot, home / "root")
        lay_environment(board, sysroot, home)
        target = ["--target", os.fspath(site), "--python-version", place.python]
        pip.install(host.path, "--no-compile", *target, *_PURE, *TOOLS)
        _compile(python, site)
        stamp(home, wanted)
    _install_wheel(python, host, wheel, home, site)
    return python


def lay_environment(board: Board, sysroot: Sysroot, home: Path) -> None:
    """Write the environment's `pyvenv.cfg` and its Python.

    Raises:
        LaneError: QEMU is not there.
    """
    program = shutil.which(qemu(board.system))
    if program is None:
        raise LaneError(f"expected {qemu(board.system)}; install the package qemu-user")
    python = home / "bin" / "python"
    python.parent.mkdir(parents=True)
    words = [program, "-L", str(home / "root"), "-cpu", board.qemu_cpu, "-0", str(python)]
    command = shlex.join([*words, str(sysroot.python)])
    python.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    settings = f"home = {sysroot.python.parent}\ninclude-system-site-packages = true\n"
    (home / "pyvenv.cfg").write_text(settings, encoding="utf-8")


def _install_wheel(python: Path, host: Interpreter, wheel: Wheel, home: Path, site: Path) -> None:
    wanted = {"wheel": wheel.sha256}
    if is_stamped(home, wanted, "wheel.json"):
        return
    unstamp(home, "wheel.json")
    for old in site.glob("minivgg_edge*"):
        shutil.rmtree(old)
    pip.install(host.path, "--no-deps", "--no-compile", "--target", str(site), str(wheel.path))
    _compile(python, site / "minivgg_edge")
    stamp(home, wanted, "wheel.json")


def _compile(python: Path, folder: Path) -> None:
    # Without `.pyc` files every start compiles every module, slowly.
    run([str(python), "-m", "compileall", "-q", str(folder)], environment=pip.CLEAN)
