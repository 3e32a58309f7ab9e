"""JSON by the letter of RFC 8259 and of limited depth: what else `json` reads is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_LONGEST_EXCERPT = 60


class NestedTooDeeplyError(ValueError):
    """More lists and objects lie in each other than are allowed."""


def read_strict_json(text: str, *, deepest: int) -> Any:
    """Return the value of a document.

    Args:
        text: The document.
        deepest: How many lists and objects may lie in each other.

    Raises:
        NestedTooDeeplyError: More do.
        ValueError: The document is no JSON, or has a name twice in an object, NaN, an infinity or a
            number beyond float64.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
        too_deep = _is_deeper(value, deepest)
    except RecursionError:
        too_deep = True
    if too_deep:
        raise NestedTooDeeplyError
    return value


def excerpt(value: object) -> str:
    """Return `value` as JSON would write it, cut to a length that fits a message."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "..."


def one_line(text: str) -> str:
    """Return text of any origin as one line that can be shown, cut to fit a message."""
    text = text if text.isprintable() else json.dumps(text)[1:-1]
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "..."


def is_text(value: object) -> bool:
    """Say whether UTF-8 can hold all strings of a value; escapes can spell what it cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError(
            f"a name twice in the object with the names {excerpt([k for k, _ in pairs])}"
        )
    return names


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant}, which is no JSON number")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:_LONGEST_EXCERPT]}, which no float64 can hold")
    return value


def _is_deeper(value: object, levels: int) -> bool:
    """Say whether more than `levels` lists and objects lie in each other."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
