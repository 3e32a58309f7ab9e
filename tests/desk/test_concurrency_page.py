"""Every program of docs/concurrency.md runs and prints what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "concurrency.md"
PROGRAMS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_program_of_the_page_has_its_output() -> None:
    assert len(PROGRAMS) == PAGE.read_text().count("```python") > 0


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_program_prints_what_the_page_says(number: int, tmp_path: Path) -> None:
    program, expected = PROGRAMS[number]
    if "os.fork" in program and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    for picture in (ROOT / "convert" / "sample" / "pictures").glob("*.png"):
        shutil.copy(picture, tmp_path)
    (tmp_path / "program.py").write_text(program)
    # Python 3.12 warns of a fork in a process with threads; LiteRT starts them.
    allowed = "ignore:This process:DeprecationWarning"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-W", allowed, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == expected
