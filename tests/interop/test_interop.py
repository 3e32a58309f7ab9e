"""The compiled file in tools that know nothing of this project: they answer as `Classifier` does.

The pictures have the model's size: how a tool resizes others is its own affair.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from guide_blocks import DOCS, blocks_for
from tool_answers import Material, ask, differing

from minivgg_edge.catalog import load_model

_PICTURE = Path(__file__).parents[2] / "convert" / "sample" / "pictures" / "ship.png"
LITERT = "ai_edge_litert.interpreter"
TFLITE_RUNTIME = "tflite_runtime.interpreter"
TOLERANCE = load_model().manifest.runtime.tolerance_steps
# Its kernels round otherwise. The manifest's tolerance holds for golden vectors, whose best class
# is clearly ahead; on the sample's 2,000 test pictures a score was up to 6 steps off.
TFLITE_RUNTIME_STEPS = 6


def test_the_comparison_sees_a_difference(bundled: Material) -> None:
    assert differing(bundled, bundled.ours, steps=0) == []
    assert differing(bundled, bundled.ours[1:], steps=0)
    for change in (
        lambda label, score: (label + " ", score),
        lambda label, score: (label, score + 2 * bundled.step),
    ):
        other = [dict(change(*item) for item in answer.items()) for answer in bundled.ours]
        assert len(differing(bundled, other, steps=1)) == len(other)
    turned = [dict(reversed(answer.items())) for answer in bundled.ours]
    assert len(differing(bundled, turned, steps=1)) == len(turned)


@pytest.mark.parametrize("name", ["bundled", "oddly_labeled"])
def test_litert_interpreter(name: str, request: pytest.FixtureRequest) -> None:
    material: Material = request.getfixturevalue(name)
    theirs = ask(sys.executable, "interpreter", LITERT, material.model, material.pictures)
    assert differing(material, theirs, steps=0) == []


@pytest.mark.parametrize("name", ["bundled", "oddly_labeled"])
def test_tflite_runtime(name: str, tflite_runtime: Path, request: pytest.FixtureRequest) -> None:
    material: Material = request.getfixturevalue(name)
    arguments = (TFLITE_RUNTIME, material.model, material.pictures)
    theirs = ask(tflite_runtime, "interpreter", *arguments)
    assert differing(material, theirs, steps=TFLITE_RUNTIME_STEPS) == []


def test_litert_compiled_model(bundled: Material) -> None:
    assert bundled.step == 1 / 256  # what the program takes for granted
    theirs = ask(sys.executable, "compiled_model", bundled.model, bundled.pictures)
    assert differing(bundled, theirs, steps=TOLERANCE["ai-edge-litert"]) == []


def test_litert_benchmark_tool(bundled: Material, tmp_path: Path) -> None:
    """LiteRT's own `litert-benchmark` loads the file and runs it."""
    result = tmp_path / "result.json"
    runs = ["--warmup_runs=1", "--num_runs=3", f"--result_json={result}"]
    program = "ai_edge_litert.tools.benchmark_litert_model"
    command = [sys.executable, "-m", program, f"--model={bundled.model}", *runs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(result.read_text())
    assert found["latency"]["num_runs"] == 3
    assert found["latency"]["min_ms"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bundled", "oddly_labeled"])
def test_mediapipe_tasks(name: str, mediapipe: Path, request: pytest.FixtureRequest) -> None:
    material: Material = request.getfixturevalue(name)
    theirs = ask(mediapipe, "mediapipe_tasks", material.model, material.pictures)
    assert differing(material, theirs, steps=TOLERANCE["ai-edge-litert"]) == []


def _run_guide(python: Path | str, name: str, folder: Path) -> None:
    """Run the programs of docs/guide-other-tools.md for one tool beside the files they name."""
    shutil.copy(load_model().source, folder / "minivgg.tflite")
    shutil.copy(_PICTURE, folder)
    blocks = blocks_for(name, DOCS / "guide-other-tools.md")
    assert blocks
    for text, expected in blocks:
        command = [python, "-I", "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout == expected


def test_guide_litert(tmp_path: Path) -> None:
    _run_guide(sys.executable, "litert", tmp_path)


@pytest.mark.slow
def test_guide_mediapipe(mediapipe: Path, tmp_path: Path) -> None:
    _run_guide(mediapipe, "mediapipe", tmp_path)
