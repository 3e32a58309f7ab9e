"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The material beside the project: `$MINIVGG_SHARED`, else `../shared`; skips without it."""
    folder = Path(os.environ.get("MINIVGG_SHARED", _ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set MINIVGG_SHARED to the shared material")
    return folder
