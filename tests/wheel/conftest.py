"""The built wheel in environments of its own, with one runtime each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside the checkout."""

    python: Path

    def install(self, *requirements: str) -> None:
        """Install with pip; nothing comes from the checkout."""
        program = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run = subprocess.run([*program, *requirements], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr

    def run(self, program: str, *arguments: object) -> str:
        """Run Python code in isolated mode, so that the checkout cannot stand in for the wheel."""
        command = [self.python, "-I", "-c", program, *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.python.parent)
        assert run.returncode == 0, run.stderr
        return run.stdout


def _python_for_tflite_runtime() -> str | None:
    """This Python if tflite-runtime has a wheel for it (up to 3.11), else another on the PATH."""
    if sys.version_info < (3, 12):
        return sys.executable
    for name in ("python3.11", "python3.10"):
        found = shutil.which(name)
        # A version manager's stand-in may be on the PATH without the Python behind it.
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None


def _environment(folder: Path, python: str) -> Environment:
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    return Environment(folder / "bin" / "python")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    program = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(program, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def litert(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel as `pip install` gives it: with numpy and LiteRT by its own metadata."""
    environment = _environment(tmp_path_factory.mktemp("litert"), sys.executable)
    environment.install(str(wheel))
    return environment


@pytest.fixture(scope="session")
def tflite_runtime(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel beside numpy 1 and tflite-runtime, without LiteRT."""
    python = _python_for_tflite_runtime()
    if python is None:
        pytest.skip("tflite-runtime has no wheel for Python 3.12 and newer, and no older is here")
    environment = _environment(tmp_path_factory.mktemp("tflite"), python)
    # Without dependencies: on this machine they would name LiteRT.
    environment.install("--no-deps", str(wheel))
    environment.install("tflite-runtime>=2.14,<3", "numpy<2")
    return environment
