"""A checked view of a JSON object: each accessor returns exactly one type or raises.

JSON's types are looser than ours (``true`` is an int in Python, ``1e999`` a float, names may
repeat), so a manifest is read through this view only. No schema library is needed on the device.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from minivgg_edge.errors import ModelFileError

_LONGEST_EXCERPT = 60
_DEEPEST = 50  # lists and objects in each other: what is read can also be written and shown


def parse_json_object(data: bytes, *, where: str) -> Fields:
    """Parse UTF-8 JSON whose top level is an object.

    Args:
        data: The bytes of the document.
        where: What the document is, as the start of every message.

    Raises:
        ModelFileError: The bytes are not strict JSON (NaN, infinities and repeated names are
            refused), nested too deeply, or not an object.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
        too_deep = _is_deeper(value, _DEEPEST)
    except RecursionError:
        too_deep = True
    except ValueError as error:  # also UnicodeDecodeError and JSONDecodeError
        raise ModelFileError(f"{where}: expected JSON in UTF-8, got: {error}") from None
    if too_deep:
        raise ModelFileError(f"{where}: expected JSON, got one nested too deeply")
    return Fields(value, where)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError(
            f"a name twice in the object with the names {_excerpt([k for k, _ in pairs])}"
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


def _excerpt(value: object) -> str:
    """Return `value` as JSON would write it, cut to a length that fits a message."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "..."


class Fields:
    """One JSON object and its place in the document."""

    __slots__ = ("_path", "_values", "_where")

    def __init__(self, value: object, where: str, path: str = "") -> None:
        """Check that `value` is an object.

        Args:
            value: A value from `json.loads`.
            where: What the document is, as the start of every message.
            path: The dotted place of `value` in the document; empty at the top level.

        Raises:
            ModelFileError: `value` is not an object.
        """
        self._where = where
        self._path = path
        if not isinstance(value, dict):
            place = f"{where}: {path}" if path else where
            raise ModelFileError(f"{place}: expected an object, got {_excerpt(value)}")
        self._values: dict[str, Any] = value

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the fields."""
        return iter(self._values)

    def refuse(self, key: str, expected: str, got: object) -> NoReturn:
        """Raise the `ModelFileError` of one field."""
        raise ModelFileError(
            f"{self._where}: {self._place(key)}: expected {expected}, got {_excerpt(got)}"
        )

    def text(self, key: str) -> str:
        """Return a string that UTF-8 can hold (JSON escapes can spell half a surrogate pair)."""
        return self._check_text(key, self._value(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(self._check_text(f"{key}[{i}]", v) for i, v in enumerate(self._list(key)))

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        """Return a string that is one of `options`."""
        value = self._value(key)
        if not isinstance(value, str) or value not in options:
            self.refuse(key, f"one of {_excerpt(list(options))}", value)
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Return an integer from `low` to `high`; ``true`` and ``1.0`` are not integers."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(key, f"an integer from {low} to {high}", value)
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """Return a float64 from `low` to `high`; a JSON integer is one, ``true`` is not."""
        value = self._value(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            self.refuse(key, f"a number from {low:g} to {high:g}", value)
        return float(value)

    def is_null(self, key: str) -> bool:
        """Return whether a field, which has to be there, is ``null``."""
        return self._value(key) is None

    def fields(self, key: str) -> Fields:
        """Return an object."""
        return Fields(self._value(key), self._where, self._place(key))

    def list_of_fields(self, key: str) -> tuple[Fields, ...]:
        """Return a list of objects."""
        return tuple(
            Fields(v, self._where, f"{self._place(key)}[{i}]")
            for i, v in enumerate(self._list(key))
        )

    def free(self, key: str) -> dict[str, Any]:
        """Return an object whose content nobody but its author defines."""
        value = self.fields(key)._values
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            self.refuse(key, "text that UTF-8 can hold", value)
        return value

    def _place(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _value(self, key: str) -> Any:
        if key not in self._values:
            raise ModelFileError(f"{self._where}: expected a field {self._place(key)}, got none")
        return self._values[key]

    def _list(self, key: str) -> list[Any]:
        value = self._value(key)
        if not isinstance(value, list):
            self.refuse(key, "a list", value)
        return value

    def _check_text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            self.refuse(key, "a string", value)
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            self.refuse(key, "text that UTF-8 can hold", value)
        return value
