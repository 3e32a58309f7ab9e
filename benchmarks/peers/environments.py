"""Virtual environments for engines that do not go into the project's own.

Each is made from `requirements-NAME.txt` beside this file, with wheels only, and used again as long
as that file and the Python version stay the same.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.errors import PeerUnavailableError
from convert.folder_lock import locked
from minivgg_edge.atomic import write_atomically

REQUIREMENTS_FOLDER = Path(__file__).resolve().parent
# The last Python that an engine has wheels for, where there is a last one.
NEWEST_PYTHON = {"tflite-runtime": (3, 11)}
_OLDEST_PYTHON = (3, 10)
_STAMP = "installed"
_INSTALL_TIMEOUT_S = 600


def ensure_environment(
    name: str, folder: Path, *, requirements_folder: Path = REQUIREMENTS_FOLDER
) -> Path:
    """Make the virtual environment `folder/venv-NAME` unless it is there already.

    Returns:
        Its Python.

    Raises:
        PeerUnavailableError: no Python fits, or the packages cannot be installed.
        OSError: the folder cannot be written.
    """
    find_python(name)
    folder.mkdir(parents=True, exist_ok=True)
    # Two commands that need it at the same time would each remove what the other installs.
    with locked(folder, wait=True):
        found = find_environment(name, folder, requirements_folder=requirements_folder)
        return found or _installed(name, folder, requirements_folder)


def _installed(name: str, folder: Path, requirements_folder: Path) -> Path:
    base = find_python(name)
    requirements = requirements_folder / f"requirements-{name}.txt"
    environment = folder / f"venv-{name}"
    python = _python_of(environment)
    shutil.rmtree(environment, ignore_errors=True)
    _run(name, [base, "-m", "venv", os.fspath(environment)])
    pip = [os.fspath(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    _run(name, [*pip, "--only-binary=:all:", "--requirement", os.fspath(requirements)])
    write_atomically(environment / _STAMP, _stamp(base, requirements).encode("ascii"))
    return python


def find_environment(
    name: str, folder: Path, *, requirements_folder: Path = REQUIREMENTS_FOLDER
) -> Path | None:
    """Return the Python of an environment that is complete and up to date, else None.

    Raises:
        PeerUnavailableError: no Python fits.
    """
    wanted = _stamp(find_python(name), requirements_folder / f"requirements-{name}.txt")
    environment = folder / f"venv-{name}"
    python, stamp = _python_of(environment), environment / _STAMP
    complete = python.exists() and stamp.is_file()
    return python if complete and stamp.read_text(encoding="ascii") == wanted else None


def _stamp(base: str, requirements: Path) -> str:
    origin = f"{base} of {platform.python_version()}".encode()
    return hashlib.sha256(requirements.read_bytes() + origin).hexdigest()


def _python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python(name: str, *, running: tuple[int, int] = sys.version_info[:2]) -> str:
    """Return the running Python, or an older one on PATH if the engine needs that.

    Raises:
        PeerUnavailableError: there is none that the engine has wheels for.
    """
    newest = NEWEST_PYTHON.get(name)
    if newest is None or running <= newest:
        return sys.executable
    for minor in range(newest[1], _OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python{newest[0]}.{minor}")
        if found is not None:
            return found
    raise PeerUnavailableError(
        f"not installed: its wheels end with Python {newest[0]}.{newest[1]}, this is "
        f"{running[0]}.{running[1]} and no older python3 is on PATH"
    )


def _run(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the commands above
            command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailableError(
            f"not installed: pip took longer than {_INSTALL_TIMEOUT_S} s"
        ) from error
    if done.returncode != 0:
        raise PeerUnavailableError(f"not installed: {failure_reason(name, done.stderr)}")


def failure_reason(name: str, stderr: str) -> str:
    """Return the last error line of pip or venv: what it could not find, not where it looked."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or [f"{name}: the installer failed without a word"])[-1]
