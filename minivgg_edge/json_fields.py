"""A checked view of a JSON object: each accessor returns exactly one type or raises.

JSON's types are looser than ours (``true`` is an int in Python, ``1e999`` a float, names may
repeat), so a manifest is read through this view only. No schema library is needed on the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from minivgg_edge.errors import ModelFileError
from minivgg_edge.plain_json import NotPlainError, read_plain_json

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
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_json(where, error) from None
    try:
        return Fields(read_plain_json(text, deepest=_DEEPEST), where)
    except NotPlainError:
        return Fields(_read_json(text, where), where, escapes=True)


def _read_json(text: str, where: str) -> Any:
    from minivgg_edge.strict_json import NestedTooDeeplyError, read_strict_json

    try:
        return read_strict_json(text, deepest=_DEEPEST)
    except NestedTooDeeplyError:
        raise ModelFileError(f"{where}: expected JSON, got one nested too deeply") from None
    except ValueError as error:  # also JSONDecodeError
        raise _no_json(where, error) from None


def _no_json(where: str, error: ValueError) -> ModelFileError:
    return ModelFileError(f"{where}: expected JSON in UTF-8, got: {error}")


def _excerpt(value: object) -> str:
    from minivgg_edge.strict_json import excerpt  # for messages, never for a start

    return excerpt(value)


def _one_line(text: str) -> str:
    from minivgg_edge.strict_json import one_line

    return one_line(text)


class Fields:
    """One JSON object and its place in the document."""

    __slots__ = ("_escapes", "_path", "_values", "_where")

    def __init__(self, value: object, where: str, path: str = "", *, escapes: bool = False) -> None:
        """Check that `value` is an object.

        Args:
            value: A value from `json.loads`.
            where: What the document is, as the start of every message.
            path: The dotted place of `value` in the document; empty at the top level.
            escapes: Whether the document may have escapes, which can spell half a surrogate pair:
                text that UTF-8 cannot hold.

        Raises:
            ModelFileError: `value` is not an object.
        """
        self._where = where
        self._path = path
        self._escapes = escapes
        if not isinstance(value, dict):
            place = f"{where}: {_one_line(path)}" if path else where
            raise ModelFileError(f"{place}: expected an object, got {_excerpt(value)}")
        self._values: dict[str, Any] = value

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the fields.

        Raises:
            ModelFileError: A name is no text that UTF-8 can hold.
        """
        if self._escapes:
            for name in self._values:
                self._check_encodable(name, name)
        return iter(self._values)

    def refuse(self, key: str, expected: str, got: object) -> NoReturn:
        """Raise the `ModelFileError` of one field."""
        raise ModelFileError(
            f"{self._where}: {_one_line(self._place(key))}: expected {expected}, "
            f"got {_excerpt(got)}"
        )

    def text(self, key: str) -> str:
        """Return a string that UTF-8 can hold."""
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
        return Fields(self._value(key), self._where, self._place(key), escapes=self._escapes)

    def list_of_fields(self, key: str) -> tuple[Fields, ...]:
        """Return a list of objects."""
        return tuple(
            Fields(v, self._where, f"{self._place(key)}[{i}]", escapes=self._escapes)
            for i, v in enumerate(self._list(key))
        )

    def free(self, key: str) -> dict[str, Any]:
        """Return an object whose content nobody but its author defines."""
        value = self.fields(key)._values
        self._check_encodable(key, value)
        return value

    def _place(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _value(self, key: str) -> Any:
        if key not in self._values:
            place = _one_line(self._place(key))
            raise ModelFileError(f"{self._where}: expected a field {place}, got none")
        return self._values[key]

    def _list(self, key: str) -> list[Any]:
        value = self._value(key)
        if not isinstance(value, list):
            self.refuse(key, "a list", value)
        return value

    def _check_text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            self.refuse(key, "a string", value)
        self._check_encodable(key, value)
        return value

    def _check_encodable(self, key: str, value: object) -> None:
        if self._escapes:
            from minivgg_edge.strict_json import is_text

            if not is_text(value):
                self.refuse(key, "text that UTF-8 can hold", value)
