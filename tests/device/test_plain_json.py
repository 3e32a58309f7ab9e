"""The reader of plain JSON, against `json`: what it accepts it reads alike."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest
from float_strategies import floats
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge.plain_json import NotPlainError, read_plain_json
from minivgg_edge.strict_json import NestedTooDeeplyError, read_strict_json

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
_DOCUMENTS = st.one_of(st.dictionaries(st.text(max_size=5), _VALUES, max_size=4), st.lists(_VALUES))
# Mostly broken documents, out of the pieces that whole ones are made of.
_FRAGMENTS = st.lists(
    st.sampled_from(
        [*'{}[],:"-+.eE01a\\\n\t \v\f\x1c\0', '"a"', '"b":', '":', "null", "true", "1e5", "nul",
         "NaN", "-Infinity", "\u2028", "\u0663", "\ufeff", '{"a": 1', "[1, ", " 2]", "}"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def _plain(text: str) -> Any:
    """The value, or the error type where it is not plain."""
    try:
        return read_plain_json(text, deepest=50)
    except NotPlainError:
        return NotPlainError


def _strict(text: str) -> Any:
    try:
        return read_strict_json(text, deepest=50)
    except ValueError:
        return ValueError


def _with_types(value: Any) -> str:
    return repr(value)  # tells 1 from 1.0 and True, and -0.0 from 0.0


@settings(deadline=None)
@given(value=_DOCUMENTS, indent=st.sampled_from([None, 0, 2]), is_ascii=st.booleans())
def test_what_json_writes(value: Any, indent: int | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii, sort_keys=True)
    got = _plain(text)
    if got is NotPlainError:
        strings = "".join(text.split('"')[1::2])
        assert "\\" in text or not strings.isprintable()
    else:
        assert _with_types(got) == _with_types(json.loads(text))


@settings(deadline=None)
@given(text=_FRAGMENTS)
def test_nothing_is_accepted_that_json_refuses(text: str) -> None:
    got = _plain(text)
    if got is not NotPlainError:
        assert _with_types(got) == _with_types(_strict(text))


def test_a_manifest_is_plain() -> None:
    document = {
        "labels": ["Vögel", "7 eleven", ""],
        "scale": 0.00390625,
        "drop": -0.0017861498800406013,
        "tiny": 1e-05,
        "zero_point": -128,
        "threshold": None,
        "recipe": {"flip": True, "blocks": [[32, 32], [64, 64]], "empty": {}, "none": []},
    }
    for indent in (None, 2):
        assert _plain(json.dumps(document, ensure_ascii=False, indent=indent)) == document


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[", "]", "{", "[1,]", "[,1]", '{"a"}', '{"a":}', '{"a":1,}', '{:1}', '{:"a"}',
        '{"a":1,:2}', '{"a" 1}', '{1:1}', "[1 2]", '["a" "b"]', '["a""b"]', '{"a":1}x', "[1][2]",
        "[01]", "[-01]", "[+1]", "[1.]", "[.5]", "[1e]", "[1e+]", "[--1]", "[1_0]", "[0x1]", "[-]",
        "[NaN]", "[Infinity]", "[nul]", "[True]", "['a']", '["a]', '["\n"]', "[1]\v", "[1\u00a02]",
        "\ufeff[1]", "[\u0661]", "// a\n[1]", "[1e999]", '{"a":1,"a":2}', "[" * 51 + "]" * 51,
    ],
)  # fmt: skip
def test_refusals(text: str) -> None:
    assert _plain(text) is NotPlainError
    assert _strict(text) is ValueError


@pytest.mark.parametrize(
    "text", [r'["\n"]', r'["\ud83d\ude00"]', '["\u00a0"]', "[\t1]", "[1]\r\n", f"[{'1' * 40}]"]
)
def test_what_is_sound_but_not_plain_is_left_to_json(text: str) -> None:
    assert _plain(text) is NotPlainError
    assert _strict(text) == json.loads(text)


def test_depth_is_counted_alike() -> None:
    deepest = "[" * 50 + "]" * 50
    assert _plain(deepest) == json.loads(deepest) == _strict(deepest)
    with pytest.raises(NestedTooDeeplyError):
        read_strict_json(f"[{deepest}]", deepest=50)


def test_numbers_keep_their_types() -> None:
    numbers = _plain("[0, -0, 7, -7, 1.0, -0.0, 1E2, 1e-2, 1.5e+3]")
    assert _with_types(numbers) == "[0, 0, 7, -7, 1.0, -0.0, 100.0, 0.01, 1500.0]"
    assert math.copysign(1, numbers[5]) == -1


def test_json_is_not_imported() -> None:
    script = (
        "import sys\n"
        "sys.modules.pop('json', None)\n"
        "from minivgg_edge.json_fields import parse_json_object\n"
        "assert parse_json_object(b'{\"a\": 1}', where='x').integer('a', 0, 1) == 1\n"
        "assert 'json' not in sys.modules\n"
        "assert parse_json_object(b'{\"\\\\u0061\": 1}', where='x').integer('a', 0, 1) == 1\n"
        "assert 'json' in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
