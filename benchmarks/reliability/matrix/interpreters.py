"""Pythons on this machine, each tried before it is believed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A version manager's stand-in may be on PATH without the Python behind it; venv and pip may be
# packages of their own (Debian).
_PROBE = "import ensurepip, venv, platform; print(platform.python_version())"
_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that runs and can make virtual environments.

    Attributes:
        path: its program.
        version: major, minor and patch.
    """

    path: Path
    version: str

    @property
    def minor(self) -> str:
        """Major and minor version, as in "3.11"."""
        return ".".join(self.version.split(".")[:2])


def find_interpreters(
    wanted: Sequence[str], *, extra: Iterable[Path] = ()
) -> dict[str, Interpreter]:
    """Return a Python for each of the wanted versions that this machine has.

    Args:
        wanted: versions as in "3.11".
        extra: programs that are tried first, whatever their name.

    Returns:
        The first that runs for each version: of `extra`, of PATH, of pyenv's folder.
    """
    found: dict[str, Interpreter] = {}
    candidates = [*extra, *(path for minor in wanted for path in _candidates(minor))]
    for path in dict.fromkeys(candidates):
        interpreter = probe(path)
        if interpreter is not None and interpreter.minor in wanted:
            found.setdefault(interpreter.minor, interpreter)
    return found


def probe(path: Path) -> Interpreter | None:
    """Return the Python at `path`, or None if nothing there runs and can make environments."""
    try:
        run = subprocess.run(  # noqa: S603
            [path, "-I", "-c", _PROBE],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Interpreter(path, run.stdout.strip()) if run.returncode == 0 else None


def _candidates(minor: str) -> list[Path]:
    found = [shutil.which(f"python{minor}"), shutil.which("python3")]
    on_path = [Path(name) for name in found if name is not None]
    return on_path + _of_pyenv(minor, os.environ)


def _of_pyenv(minor: str, environment: Mapping[str, str]) -> list[Path]:
    home = Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = home.glob(f"versions/{minor}.*/bin/python{minor}")
    return sorted(versions, key=_patch, reverse=True)


def _patch(python: Path) -> int:
    """Return the patch version that pyenv's folder is named by; 0 for one like "3.13-dev"."""
    patch = python.parts[-3].rpartition(".")[2]
    return int(patch) if patch.isdecimal() else 0
