"""A handful of the device tests, from a copy, on an emulated Raspberry Pi 5."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.arm.boards import LITERT, PI5
from benchmarks.reliability.matrix import wheel
from benchmarks.reliability.matrix.device_tests import Selection, copy_tests, probe, run_tests
from benchmarks.reliability.matrix.emulated import prepare
from benchmarks.reliability.matrix.interpreters import probe as probe_interpreter
from benchmarks.reliability.matrix.places import Emulated
from benchmarks.reliability.matrix.selection import EMULATION_ENVIRONMENT
from benchmarks.reliability.matrix.wheel import CHECKOUT

# Child processes, an answer, a refused file and a broken argument: seconds each, here.
HANDFUL = Selection(
    chosen=(
        "test_imports.py::test_classifying_an_array_imports_numpy_and_a_runtime_only",
        "test_classifier.py::test_classify_agrees_with_scores",
        "test_model_file.py::test_damage_is_named",
    ),
    timeout_s=600.0,
)

CHILDREN = """
import json, os, subprocess, sys
child = "import os, sys, minivgg_edge; print(os.uname().machine, sys.executable)"
ended = "import os; os.kill(os.getpid(), 11)"
first, second = (
    subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    for code in (child, ended)
)
print(json.dumps({"said": first.stdout.split(), "ended": second.returncode}))
"""


@pytest.fixture(scope="module")
def python(pi5, arm_work: Path) -> Path:
    """The Python of the board's environment, in which the wheel is installed."""
    host = probe_interpreter(Path(sys.executable))
    assert host is not None
    (built,) = (arm_work / "dist").glob("*.whl")  # the board's own fixture has just built it
    place = Emulated(PI5.system.name, PI5)
    return prepare(place, host, wheel.read(built), work=arm_work / "matrix", arm_work=arm_work)


def test_a_child_process_is_the_board_too(python: Path) -> None:
    printed = subprocess.run(
        [python, "-I", "-c", CHILDREN], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed) == {"said": [PI5.system.machine, str(python)], "ended": -11}


def test_device_tests_pass_on_the_board(python: Path, tmp_path: Path) -> None:
    installed = probe(python)
    assert installed.file.is_relative_to(python.parents[1])
    assert installed.runtime == LITERT
    copy = copy_tests(CHECKOUT, tmp_path)
    found = run_tests(python, copy, HANDFUL, environment=EMULATION_ENVIRONMENT)
    assert found.failures == ()
    assert found.counts.passed > 0
    assert found.counts.skipped == 0
