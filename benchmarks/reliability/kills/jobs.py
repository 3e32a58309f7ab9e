"""What is interrupted: commands of the desk, and how their folder may look afterwards."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from convert.command import run_command

STRAY = ".minivgg-edge-*.tmp"
"""Names of temporary files: a process that is killed outright cannot remove its own."""

Main = Callable[[Sequence[str] | None], int]


class Job(Protocol):
    """A command that writes into a folder of its own."""

    name: str
    ending: int

    def prepare(self, folder: Path) -> None:
        """Bring the folder into the state that the command finds."""

    def untouched(self) -> Job:
        """Return the job with a `prepare` that leaves the folder as it is."""

    def run(self, folder: Path) -> int:
        """Run the command in this process."""

    def problems(self, folder: Path) -> list[str]:
        """Say what must not be in the folder after the command was interrupted anywhere."""


def strays(folder: Path) -> list[Path]:
    """Return the temporary files that are left."""
    return sorted(folder.glob(STRAY))


@dataclass(frozen=True, slots=True)
class ReplacingJob:
    """A command that replaces files of an earlier run: each must be the old one or the new one.

    Attributes:
        name: of the module.
        main: its main function.
        options: its arguments but the output.
        output: the argument that names the output; `{folder}` stands for the folder.
        old: files that are there before, in the order in which the command writes them.
        new: the same files as the command writes them.
        ending: exit code of the command when nothing interrupts it.
        prepared: the folder is as it shall be already; `prepare` leaves it alone.
    """

    name: str
    main: Main
    options: tuple[str, ...]
    output: str
    old: Mapping[str, bytes]
    new: Mapping[str, bytes]
    ending: int
    prepared: bool = False

    def prepare(self, folder: Path) -> None:
        """Put the old files there, alone."""
        if self.prepared:
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in self.old.items():
            (folder / name).write_bytes(data)

    def arguments(self, folder: Path) -> list[str]:
        """Return the command's arguments."""
        return [*self.options, "--force", "--quiet", "-o", self.output.format(folder=folder)]

    def untouched(self) -> ReplacingJob:
        """Return the job with a `prepare` that leaves the folder as it is."""
        return replace(self, prepared=True)

    def run(self, folder: Path) -> int:
        """Run the command in this process."""
        return run_command(self.main, self.arguments(folder))

    def problems(self, folder: Path) -> list[str]:
        """Compare every file with the old and the new one."""
        found = []
        states = []
        for name, old in self.old.items():
            path = folder / name
            data = path.read_bytes() if path.exists() else None
            states.append("new" if data == self.new[name] else "old" if data == old else "neither")
            if states[-1] == "neither":
                what = "is gone" if data is None else f"has {len(data)} bytes"
                found.append(f"{name}: expected the old file or the new one, it {what}")
        # In the order of writing: what is written last must not be newer than what belongs to it.
        if states != sorted(states):
            found.append(f"expected the files to change in their order, got {states}")
        return found + unexpected(folder, self.old)


def unexpected(folder: Path, names: Collection[str]) -> list[str]:
    """Say which files are neither of `names` nor temporary."""
    return [
        f"{path.name}: expected no such file"
        for path in sorted(folder.iterdir())
        if path.name not in names and not fnmatch.fnmatch(path.name, STRAY)
    ]
