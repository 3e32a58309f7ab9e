"""The words of a failed import in a sentence of ours."""

from __future__ import annotations

import pytest

from minivgg_edge.import_failure import import_reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("wrong ELF class"), "wrong ELF class"),
        (ImportError("\nREAD THIS\n\nOriginal error was: lib.so: a\n  b\n"), "lib.so: a b"),
        (SystemError(), "SystemError"),
        (ImportError("a\x1b[2Jb"), "a\\x1b[2Jb"),
        (ImportError("x" * 300), "x" * 300),
        (ImportError("x" * 301), "x" * 297 + "..."),
    ],
)
def test_import_reason(error: Exception, reason: str) -> None:
    assert import_reason(error) == reason
