"""The real dataclass of a record's fields, for whatever is not needed while a program starts."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, NoReturn

from minivgg_edge.record import RecordType


@functools.cache
def twin_of(record: RecordType) -> Any:
    """Return the dataclass; it has the name of the record, but none of its methods."""
    identity: Any = object
    annotations = {
        name: annotation
        for base in reversed(record.__mro__)
        if isinstance(base, RecordType)
        for name, annotation in base.__annotations__.items()
    }
    options = record.__field_options__
    twin: Any = dataclasses.make_dataclass(
        record.__name__,
        [
            (name, annotations[name], dataclasses.field(**options.get(name, {})))
            for name in record.__match_args__
        ],
        namespace={"__qualname__": record.__qualname__, "__doc__": record.__doc__},
        frozen=True,
        slots=True,
        eq=record.__hash__ is not identity.__hash__,
    )
    twin.__signature__ = inspect.signature(twin)
    return twin


def refuse(record: RecordType, values: tuple[Any, ...], named: dict[str, Any]) -> NoReturn:
    """Raise the `TypeError` of the dataclass for arguments that do not fit the fields."""
    twin_of(record)(*values, **named)
    raise AssertionError(f"expected {record.__qualname__} to refuse {values} and {named}")
