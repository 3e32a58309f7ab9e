"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

_ROOT = Path(__file__).resolve().parent.parent
# Folders whose tests share what takes minutes to make: emulated boards, environments.
_TOGETHER = ("tests/arm", "tests/interop", "tests/wheel")


def process_scope(nodeid: str) -> str:
    """Name what a test of several processes stays together with: its file, or its folder."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in _TOGETHER if file.startswith(f"{folder}/")), file)


@pytest.hookimpl(optionalhook=True)  # the copy beside an installed wheel runs without pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Let each process have whole scopes."""
    from xdist.scheduler import LoadScopeScheduling

    class FolderScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return process_scope(nodeid)

    return FolderScheduling(config, log)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The material beside the project: `$MINIVGG_SHARED`, else `../shared`; skips without it."""
    folder = Path(os.environ.get("MINIVGG_SHARED", _ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set MINIVGG_SHARED to the shared material")
    return folder
