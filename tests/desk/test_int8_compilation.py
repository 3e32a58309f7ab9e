"""What a compilation reports of its files."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from convert.int8.compilation import Compiled


@pytest.mark.parametrize(
    ("precision", "files"),
    [
        ("int8", {"int8": b"compiled", "float32": b"by-product"}),
        # There is no by-product: `convert.quantize` writes one file.
        ("float32", {"float32": b"compiled"}),
    ],
)
def test_the_hashes_are_those_of_the_files_that_are_written(
    precision: Any, files: dict[str, bytes]
) -> None:
    part: Any = SimpleNamespace(to_json=dict)
    compiled = Compiled(b"compiled", b"by-product", part, (), part, {}, (), precision)
    found = compiled.report()["files"]
    assert {name: entry["sha256"] for name, entry in found.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
