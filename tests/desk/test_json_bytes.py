"""JSON files of the desk: what is read again is what was written, and matrices read as such."""

from __future__ import annotations

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from convert.json_bytes import json_bytes

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.text('[]-1,.\n \\"'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_VALUES, st.sampled_from((1, 2)))
def test_a_document_is_read_as_it_was_written(document: object, indent: int) -> None:
    read = json.loads(json_bytes(document, indent=indent))
    # By their texts: 1, 1.0 and True are equal, but not the same value.
    assert repr(read) == repr(document)


def test_a_row_of_a_matrix_is_a_line() -> None:
    text = json_bytes({"confusion": [[40, -2], [0, 1e-9]], "label": ["cat", "dog"], "none": []})
    assert text == (
        b'{\n  "confusion": [\n    [40, -2],\n    [0, 1e-09]\n  ],\n'
        b'  "label": [\n    "cat",\n    "dog"\n  ],\n  "none": []\n}\n'
    )


def test_a_list_with_something_else_than_numbers_keeps_its_lines() -> None:
    assert json_bytes([1, None, 2], indent=1) == b"[\n 1,\n null,\n 2\n]\n"


def test_the_matrix_of_a_thousand_classes_takes_three_megabytes() -> None:
    assert len(json_bytes([[0] * 1000] * 1000)) < 3.1e6


def test_a_path_that_is_not_utf8_is_written_in_escapes() -> None:
    path = os.fsdecode(b"caf\xe9")
    text = json_bytes({"path": path, "sizes": [1, 2]})
    assert text.isascii()
    assert json.loads(text) == {"path": path, "sizes": [1, 2]}
