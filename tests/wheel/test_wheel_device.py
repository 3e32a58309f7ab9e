"""The device tests, from a copy, against the installed wheel on both runtimes.

A quick part of them; `make matrix` runs them all, on every Python. This file's name puts it behind
test_wheel.py, which looks at the same environments before anything more is installed there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reliability.matrix.device_tests import (
    TOOLS,
    Selection,
    copy_tests,
    probe,
    run_tests,
)
from benchmarks.reliability.matrix.wheel import CHECKOUT

# What meets the runtime, the files and the processes; other tests may run beside it.
QUICK = Selection(
    chosen=("test_classifier.py", "test_imports.py", "test_interpreter.py", "test_model_file.py"),
    expression="not slow and not timing",
)


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime"])
def test_the_device_tests_pass_beside_the_wheel(
    runtime: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    environment = request.getfixturevalue(runtime)
    environment.install("pillow", *TOOLS)
    installed = probe(environment.python)
    assert installed.file.is_relative_to(environment.python.parents[1])
    found = run_tests(environment.python, copy_tests(CHECKOUT, tmp_path), QUICK)
    assert found.failures == ()
    assert found.counts.passed > found.counts.skipped
