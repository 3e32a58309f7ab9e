"""With how many threads a command makes its classifiers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from minivgg_edge import Classifier


def record_threads(monkeypatch: pytest.MonkeyPatch, command: ModuleType) -> list[int]:
    """Return the list to which each `Classifier` that the command makes adds its `num_threads`."""
    asked: list[int] = []

    class Recording(Classifier):
        def __init__(self, model: str | None, *, num_threads: int = 1, **options: Any) -> None:
            asked.append(num_threads)
            super().__init__(model, num_threads=num_threads, **options)

    monkeypatch.setattr(command, "Classifier", Recording)
    return asked
