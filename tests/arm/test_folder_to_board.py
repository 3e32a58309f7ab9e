"""From a folder of photos to a board in one command: it answers there as at the desk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.arm.emulator import Emulator
from benchmarks.arm.wheels import build_wheel, install_wheel

_ROOT = Path(__file__).resolve().parents[2]
_PHOTOS_PER_CLASS = 3
# A score is a multiple of 1/256, and kernels of two processors may round one step apart.
_STEP = 1 / 256
_LABELS = [str(digit) for digit in range(10)]

_CLASSIFY = """
import json, platform, sys
from minivgg_edge import Classifier
with Classifier("sign-digits") as classifier:
    print(json.dumps({
        "machine": platform.machine(),
        "labels": list(classifier.labels),
        "sha256": classifier.model_info.sha256,
        "scores": {path: classifier.scores(path).tolist() for path in sys.argv[1:]},
    }))
"""


def _run(*words: object) -> str:
    """Run a program; nothing of this process's environment leads it to the checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, cwd=_ROOT, env=environment
    )
    assert run.returncode in (0, 3), run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def trained(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder; three epochs make no good model, but one that answers."""
    out = tmp_path_factory.mktemp("signs") / "run"
    data = shared_dir / "data" / "sign-language-digits"
    quick = ("--size", 32, "--epochs", 3, "--lock", out.with_name("lock"))
    words = (data, "--name", "sign-digits", "-o", out, "--quiet", "--", *quick)
    printed = _run(sys.executable, "-m", "convert", *words)
    assert "pip install --no-deps ./sign_digits-1.0-py3-none-any.whl" in printed
    return out


@pytest.fixture(scope="module")
def held_out(trained: Path, shared_dir: Path) -> list[Path]:
    """The first test photos of each class."""
    data = shared_dir / "data" / "sign-language-digits"
    pictures = json.loads((trained / "split.json").read_bytes())["pictures"]
    names = sorted(name for name, entry in pictures.items() if entry["role"] == "test")
    by_class = [[name for name in names if name.startswith(f"{label}/")] for label in _LABELS]
    assert all(len(members) >= _PHOTOS_PER_CLASS for members in by_class)
    return [(data / name).resolve() for members in by_class for name in members[:_PHOTOS_PER_CLASS]]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_board_answers_as_the_desk(
    trained: Path, held_out: list[Path], pi5, tmp_path: Path
) -> None:
    (wheel,) = (trained / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "desk"], check=True)
    python = tmp_path / "desk" / "bin" / "python"
    own = build_wheel(_ROOT, work=tmp_path / "own")
    _run(python, "-m", "pip", "install", "--quiet", f"{own}[pictures]", wheel)
    desk = json.loads(_run(python, "-I", "-c", _CLASSIFY, *held_out))

    site = install_wheel(wheel, pi5.sysroot, work=tmp_path)
    emulator = Emulator(pi5.emulator.board, pi5.sysroot, work=tmp_path, search=[pi5.site, site])
    script = tmp_path / "classify.py"
    script.write_text(_CLASSIFY, encoding="utf-8")
    board = json.loads(emulator.run(script, *map(str, held_out)))

    assert board["machine"] == "aarch64"
    assert board["labels"] == desk["labels"] == _LABELS
    assert board["sha256"] == desk["sha256"]
    assert list(board["scores"]) == [str(path) for path in held_out]
    clear = 0
    for path, there in board["scores"].items():
        here = desk["scores"][path]
        assert there == pytest.approx(here, abs=1.01 * _STEP), path
        best, second = sorted(here, reverse=True)[:2]
        if best - second > 2 * _STEP:
            clear += 1
            assert there.index(max(there)) == here.index(best), path
    # The comparison would say nothing about scores that are all alike.
    assert clear > len(held_out) / 2
