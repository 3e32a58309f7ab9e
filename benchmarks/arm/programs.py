"""Programs of the system that the lane needs; it installs none itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from benchmarks.arm import scheduler
from benchmarks.arm.boards import Board
from benchmarks.arm.errors import LaneError
from benchmarks.arm.sysroot import qemu

_PACKAGES = {"apt-get": "apt", "dpkg-deb": "dpkg", "gcc": "gcc", "tar": "tar"}
_LLVM = "llvm-19"


def check_programs(boards: Sequence[Board], *, cycles: bool) -> None:
    """Check that everything is there before anything is downloaded.

    Args:
        boards: Whose emulators are needed.
        cycles: Whether time is modelled, which takes LLVM.

    Raises:
        LaneError: Something is missing; the message has the command that installs it.
    """
    packages = {package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if any(shutil.which(qemu(board.system)) is None for board in boards):
        packages.add("qemu-user")
    if cycles:
        try:
            scheduler.installed()
        except LaneError:
            packages.add(_LLVM)
    if packages:
        raise LaneError(
            "programs of the system are missing; install them with: "
            f"apt-get install --no-install-recommends {' '.join(sorted(packages))}"
        )
