"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
# Folders whose tests share what takes minutes to make: emulated boards, environments.
_TOGETHER = ("arm", "interop", "wheel")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run in several processes, keep those in one that share what they make."""
    if not config.pluginmanager.hasplugin("xdist"):
        return  # the copy beside an installed wheel
    tests = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(tests):
            continue  # a benchmark
        place = item.path.relative_to(tests)
        group = place.parts[0] if place.parts[0] in _TOGETHER else place.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The material beside the project: `$MINIVGG_SHARED`, else `../shared`; skips without it."""
    folder = Path(os.environ.get("MINIVGG_SHARED", _ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set MINIVGG_SHARED to the shared material")
    return folder
