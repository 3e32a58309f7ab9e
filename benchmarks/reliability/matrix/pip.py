"""Calls of pip, one at a time, never with what this process's environment would add to them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.arm.process import run

CLEAN: Mapping[str, str] = {"PYTHONPATH": "", "PYTHONHOME": "", "PYTHONNOUSERSITE": "1"}
"""Taken out of a child's environment, so that nothing stands in for what was installed."""


def install(python: Path, *words: str) -> None:
    """Install with the pip of a Python; wheels only.

    Raises:
        LaneError: it failed; its last words are in the message.
    """
    run([*_pip(python), "install", "--only-binary=:all:", *words], environment=CLEAN)


def resolve(python: Path, requirements: Sequence[str], *options: str) -> dict[str, str]:
    """Return what pip would install, by name in lower case, with the versions; installs nothing.

    Raises:
        LaneError: there is no solution; pip's last words are in the message.
    """
    if not requirements:
        return {}
    with tempfile.TemporaryDirectory(prefix="minivgg-matrix-") as folder:
        report = Path(folder) / "report.json"
        words = ["--dry-run", "--ignore-installed", "--report", os.fspath(report)]
        words += ["--target", os.path.join(folder, "target")]  # noqa: PTH118
        install(python, *words, *options, *requirements)
        document = json.loads(report.read_text(encoding="utf-8"))
    chosen = (item["metadata"] for item in document["install"])
    return {item["name"].lower().replace("_", "-"): item["version"] for item in chosen}


def _pip(python: Path) -> list[str]:
    return [os.fspath(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
