"""JSON to frozen dataclasses: the dataclass is the schema, its type hints are the checks.

Stricter than JSON: a field that the dataclass names must be there (unless it has a default), a
boolean is no number, 1.0 is no integer, NaN and infinities are refused. Fields that no dataclass
names are ignored, so that a newer writer may add some.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from pathlib import Path
from typing import (
    Any,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from convert.errors import ConvertError

T = TypeVar("T")

_LONGEST_EXCERPT = 60
_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}


class ResultError(ConvertError):
    """A result file that is missing a field, is of an unknown kind, or contradicts itself."""


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises:
        ResultError: the file is not strict JSON in UTF-8, or its top level is not an object.
        OSError: the file cannot be read.
    """
    try:
        value = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError and JSONDecodeError
        raise ResultError(f"{path}: expected JSON in UTF-8, got: {error}") from None
    if not isinstance(value, dict):
        raise ResultError(f"{path}: expected an object, got {excerpt(value)}")
    return value


def decode(kind: type[T], value: object, *, where: str) -> T:
    """Return `value`, which came from JSON, as an instance of the dataclass `kind`.

    Args:
        kind: a dataclass whose fields are int, float, str, bool, literals, dataclasses, and
            tuples, dictionaries with text keys and `| None` of these.
        value: what `json.loads` returned.
        where: the document's name, the start of every message.

    Raises:
        ResultError: a field is missing or of another type; the message names the file, the
            field, what was expected and what was got.
    """
    return cast("T", _decode(kind, value, where, ""))


def refuse(where: str, place: str, expected: str, got: object) -> NoReturn:
    """Raise the `ResultError` of one field."""
    raise ResultError(f"{where}: {place}: expected {expected}, got {excerpt(got)}")


def check_positive(where: str, place: str, value: float | None) -> None:
    """Raise the `ResultError` of a number that has to be above 0 where it is known."""
    if value is not None and value <= 0:
        refuse(where, place, "a number above 0", value)


def excerpt(value: object) -> str:
    """Return `value` as JSON would write it, cut to a length that fits a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "..."


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant}, which is no JSON number")


def _decode(hint: Any, value: object, where: str, place: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (present,) = [option for option in arguments if option is not type(None)]
        return None if value is None else _decode(present, value, where, place)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            refuse(where, place, f"one of {excerpt(list(arguments))}", value)
        return value
    if origin is tuple:
        if not isinstance(value, list):
            refuse(where, place, "a list", value)
        return tuple(
            _decode(arguments[0], item, where, f"{place}[{index}]")
            for index, item in enumerate(value)
        )
    if origin is dict:
        if not isinstance(value, dict):
            refuse(where, place, "an object", value)
        return {
            key: _decode(arguments[1], item, where, f"{place}.{key}") for key, item in value.items()
        }
    if dataclasses.is_dataclass(hint):
        return _decode_fields(cast("type[Any]", hint), value, where, place)
    return _decode_scalar(hint, value, where, place)


def _decode_fields(kind: type[Any], value: object, where: str, place: str) -> object:
    if not isinstance(value, dict):
        refuse(where, place, "an object", value)
    hints = get_type_hints(kind)
    found: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        inner = f"{place}.{field.name}" if place else field.name
        if field.name in value:
            found[field.name] = _decode(hints[field.name], value[field.name], where, inner)
        elif field.default is dataclasses.MISSING:
            raise ResultError(f"{where}: {inner}: expected a field of this name, got none")
    return kind(**found)


def _decode_scalar(hint: Any, value: object, where: str, place: str) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            refuse(where, place, _NAMES[hint], value)
    if type(value) is not hint or (isinstance(value, float) and not math.isfinite(value)):
        refuse(where, place, _NAMES[hint], value)
    return value
