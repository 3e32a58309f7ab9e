"""Python programs on an emulated board, with their instructions counted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.arm.boards import Board
from benchmarks.arm.errors import LaneError
from benchmarks.arm.memory import MEMORIES
from benchmarks.arm.process import run
from benchmarks.arm.sysroot import Sysroot, qemu

_COUNTER = Path(__file__).with_name("counter.c")
_CACHES = Path(__file__).with_name("cache.c")
WORKLOADS = Path(__file__).with_name("workloads")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a program executed.

    Attributes:
        phases: Instructions up to the first mark, between each two marks, and after the last.
    """

    phases: tuple[int, ...]


def lines_file(blocks: Path) -> Path:
    """Return the file with the cache lines that moved while `blocks` were executed."""
    return blocks.with_suffix(".lines")


def lay_root(board: Board, sysroot: Sysroot, root: Path) -> None:
    """Lay links to the sysroot's folders beside the board's own `/proc/cpuinfo`."""
    root.mkdir(parents=True)
    for entry in sysroot.root.iterdir():
        (root / entry.name).symlink_to(entry)
    (root / "proc").mkdir()
    (root / "proc" / "cpuinfo").write_text(board.cpuinfo, encoding="ascii")


def build_plugin(source: Path, work: Path) -> Path:
    """Compile a plugin of QEMU into `work` and return it.

    Raises:
        LaneError: There is no compiler.
    """
    plugin = work.resolve() / f"{source.stem}.so"
    work.mkdir(parents=True, exist_ok=True)
    if not plugin.is_file() or plugin.stat().st_mtime < source.stat().st_mtime:
        flags = ["-O3", "-Wall", "-shared", "-fPIC"]
        with tempfile.TemporaryDirectory(dir=work) as folder:
            built = Path(folder) / plugin.name
            run(["gcc", *flags, "-o", str(built), str(source)])
            built.replace(plugin)
    return plugin


class Emulator:
    """A board with its sysroot, ready to run Python programs.

    Attributes:
        board: The board.
        sysroot: What it runs.
    """

    def __init__(
        self, board: Board, sysroot: Sysroot, *, work: Path, search: Sequence[Path] = ()
    ) -> None:
        """Lay the board's `/proc/cpuinfo` beside the sysroot's files.

        Args:
            board: The board.
            sysroot: Of the board's system.
            work: Folder of the lane; the board's files go to ``work/boards/BOARD-SYSTEM``.
            search: Folders with packages that Python finds besides those of the sysroot.

        Raises:
            LaneError: There is no compiler for the counter.
        """
        self.board = board
        self.sysroot = sysroot
        self._plugin = build_plugin(_COUNTER, work)
        self._search = ":".join(str(folder.resolve()) for folder in search)
        self._work = work.resolve()
        # A peer may need the board with an older system, beside the board's own.
        self._root = self._work / "boards" / f"{board.name}-{sysroot.system.name}"
        shutil.rmtree(self._root, ignore_errors=True)
        lay_root(board, sysroot, self._root)

    def count(
        self,
        script: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        blocks: Path | None = None,
        between: tuple[int, int] = (0, 1),
    ) -> Counts:
        """Run a Python script and count its instructions, split by its marks (`os.getppid()`).

        Args:
            script: What to run.
            arguments: Its arguments.
            environment: What is added to its environment, which is otherwise a fixed one.
            blocks: Where to write the executed blocks, in the format of counter.c; None is nowhere.
                Where the board's caches are known, what moved between them goes to `lines_file`.
            between: The two marks, counted from 0, between which blocks are written.

        Raises:
            LaneError: The script failed, or QEMU is not there.
        """
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            counts = Path(folder) / "counts"
            counter = f"{self._plugin},counts={counts}"
            options = ["-plugin", counter]
            if blocks is not None:
                marks = f"from={between[0]},to={between[1]}"
                options = ["-plugin", f"{counter},blocks={blocks.resolve()},{marks}"]
                options += self._cache_options(lines_file(blocks.resolve()), marks)
            self._run(options, script, arguments, environment)
            totals = [int(line) for line in counts.read_text(encoding="ascii").split()]
        if not totals:
            raise LaneError(f"{script.name} on {self.board.name}: the counter wrote nothing")
        return Counts(tuple(b - a for a, b in pairwise((0, *totals))))

    def _cache_options(self, lines: Path, marks: str) -> list[str]:
        """QEMU's options that count what moves between the board's caches."""
        memory = MEMORIES.get(self.board.name)
        if memory is None:
            return []
        plugin = build_plugin(_CACHES, self._work)
        levels = "/".join(f"{cache.kib}:{cache.ways}" for cache in memory.caches)
        return ["-plugin", f"{plugin},counts={lines},levels={levels},{marks}"]

    def run(
        self, script: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a Python script without counting, which is faster; return what it printed.

        Raises:
            LaneError: The script failed, or QEMU is not there.
        """
        return self._run([], script, arguments, environment)

    def _run(
        self,
        options: Sequence[str],
        script: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None,
    ) -> str:
        # The guest's environment is fixed: its size alone would move the counts.
        guest = {
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": self._search,
            **(environment or {}),
        }
        command = ["env", "-i", *(f"{name}={value}" for name, value in guest.items())]
        program = shutil.which(qemu(self.board.system))
        if program is None:
            raise LaneError(f"expected {qemu(self.board.system)}; install the package qemu-user")
        command += [program, "-L", str(self._root), "-cpu", self.board.qemu_cpu, *options]
        command += [str(self.sysroot.python), str(script.resolve()), *arguments]
        return run(command)
