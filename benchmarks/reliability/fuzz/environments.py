"""The environments that the cases run in: this one with LiteRT, and one with tflite-runtime."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import ensure_environment, failure_reason
from benchmarks.peers.errors import PeerUnavailableError
from minivgg_edge.atomic import write_atomically

RUNTIMES = ("litert", "tflite-runtime")
WORK_FOLDER = Path("out") / "fuzz"
_ROOT = Path(__file__).resolve().parents[3]
_INSTALL_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Target:
    """A runtime's name and a Python with it and the device package."""

    name: str
    python: Path


def find_target(name: str, folder: Path = WORK_FOLDER) -> Target:
    """Return an environment by the name of its runtime, made or brought up to date if needed.

    Args:
        name: one of `RUNTIMES`.
        folder: where environments are kept.

    Raises:
        PeerUnavailableError: it cannot be made on this machine.
        OSError: the folder cannot be written.
    """
    if name == "litert":
        return Target(name, Path(sys.executable))
    requirements = Path(__file__).resolve().parent
    python = ensure_environment(name, folder.absolute(), requirements_folder=requirements)
    _install_package(python, folder.absolute())
    return Target(name, python)


def _install_package(python: Path, folder: Path) -> None:
    """Build the wheel of this checkout and install it, unless its sources are in already."""
    stamp = python.parent.parent / "package"
    sources = _digest().encode("ascii")
    if stamp.is_file() and stamp.read_bytes() == sources:
        return
    dist = folder / "dist"
    for old in dist.glob("*.whl"):
        old.unlink()
    _run([sys.executable, "-m", "build", "--wheel", "--outdir", str(dist), str(_ROOT)])
    (wheel,) = dist.glob("*.whl")
    # Without dependencies: on this machine they would name LiteRT.
    options = ["--disable-pip-version-check", "--quiet", "--no-deps", "--force-reinstall"]
    _run([str(python), "-m", "pip", "install", *options, str(wheel)])
    write_atomically(stamp, sources)


def _digest() -> str:
    """Return a digest of what a wheel of this checkout is made from."""
    digest = hashlib.sha256((_ROOT / "pyproject.toml").read_bytes())
    package = _ROOT / "minivgg_edge"
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(package)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(command: list[str]) -> None:
    try:
        run = subprocess.run(  # noqa: S603 - the commands above
            command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailableError(
            f"{command[2]} took longer than {_INSTALL_TIMEOUT_S} s"
        ) from error
    if run.returncode != 0:
        raise PeerUnavailableError(
            f"the wheel: {failure_reason('build', run.stderr or run.stdout)}"
        )
