"""Frozen, slotted data classes that a program's start hardly notices.

`dataclasses` imports `inspect`, and it compiles the source of several methods for each class. For
the classes behind `Classifier` that was half of what importing this package cost an emulated
Raspberry Pi 5 (`make arm` prints that phase). The methods here are compiled once.

Type checkers take a subclass of `Record` for a frozen dataclass (PEP 681), and at run time it is
one for whoever asks: `dataclasses.fields`, `replace`, `asdict` and `is_dataclass` accept it. For
them, for messages and for `repr`, `dataclass_twin` makes a real dataclass of the same fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

_set_attribute = object.__setattr__  # past the record's own, which refuses


class _FieldOptions:
    """The arguments of a call of `field`, for `dataclasses.field` later on."""

    __slots__ = ("options",)

    def __init__(self, **options: Any) -> None:
        self.options = options


if TYPE_CHECKING:
    from dataclasses import Field
    from dataclasses import field as field
    from typing import ClassVar

    from typing_extensions import dataclass_transform
else:
    # Of the arguments of `dataclasses.field`, records know `default`, `default_factory` and `repr`.
    field = _FieldOptions

    def dataclass_transform(**_):
        """Stand in for the decorator of `typing`, which Python 3.10 does not have."""
        return lambda decorated: decorated


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class RecordType(type):
    """The type of records: it makes slots of a class's annotated attributes."""

    if TYPE_CHECKING:  # of every record
        __match_args__: tuple[str, ...]
        __field_options__: dict[str, dict[str, Any]]

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, eq: bool = True
    ) -> RecordType:
        """Make a record of a class body.

        Args:
            name: As for `type`.
            bases: One record.
            namespace: As for `type`.
            eq: Whether equal values make instances equal, and hashable; else identity does.
        """
        # A name in `own` that has a value would be a conflict with its slot, hence `pop`.
        own = tuple(namespace.get("__annotations__", ()))
        options = {key: namespace.pop(key) for key in own if key in namespace}
        for key, value in options.items():
            options[key] = value.options if type(value) is _FieldOptions else {"default": value}
        names: tuple[str, ...] = ()
        base: Any
        for base in bases:
            names += base.__match_args__
            options = base.__field_options__ | options
        namespace["__slots__"] = own
        namespace["__match_args__"] = names + own
        namespace["__field_options__"] = options
        if not eq:
            namespace["__eq__"], namespace["__hash__"] = object.__eq__, object.__hash__
        return type.__new__(cls, name, bases, namespace)


class _OfTwin:
    """A class attribute that is read from the dataclass twin."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: RecordType) -> Any:
        from minivgg_edge.dataclass_twin import twin_of

        return getattr(twin_of(owner), self._name)


class Record(metaclass=RecordType):
    """Base class of records.

    Values are given by place or by name, and never change. A subclass of a record has the fields of
    both. Every annotated name is a field; what else stands in the class body stays what it is.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _OfTwin("__dataclass_fields__")
        __dataclass_params__ = _OfTwin("__dataclass_params__")
        __signature__ = _OfTwin("__signature__")

    def __init__(self, /, *values: Any, **named: Any) -> None:
        """Set all fields.

        Raises:
            TypeError: The arguments do not fit; the message is that of a function.
        """
        names: tuple[str, ...] = self.__match_args__
        if named or len(values) != len(names):
            values = _arranged(type(self), values, named)
        for name, value in zip(names, values):  # noqa: B905 - as many, and checking costs each answer
            _set_attribute(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Compare with another instance of the same class, value by value."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        """Return the hash of the values."""
        return hash(_values(self))

    def __repr__(self) -> str:
        """Return a call that would make the record."""
        from minivgg_edge.dataclass_twin import twin_of

        text: str = twin_of(type(self)).__repr__(self)
        return text

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse.

        Raises:
            dataclasses.FrozenInstanceError: Always.
        """
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse.

        Raises:
            dataclasses.FrozenInstanceError: Always.
        """
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what `copy` and `pickle` make an equal record of."""
        return type(self), _values(self)

    def __replace__(self, /, **changes: Any) -> Any:
        """Return a record with some other values, for `copy.replace` of Python 3.13."""
        import dataclasses

        return dataclasses.replace(self, **changes)


def _values(record: Any) -> tuple[Any, ...]:
    return tuple([getattr(record, name) for name in record.__match_args__])


def _arranged(cls: RecordType, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """Return one value for each field, in order, from the arguments of a call."""
    names = cls.__match_args__
    given = {**dict(zip(names, values, strict=False)), **named}
    # Fewer than were passed: too many by place, or one by place and by name.
    fits = len(given) == len(values) + len(named)
    arranged = []
    for name in names:
        if name in given:
            arranged.append(given.pop(name))
            continue
        options = cls.__field_options__.get(name, {})
        if "default_factory" in options:
            arranged.append(options["default_factory"]())
        elif "default" in options:
            arranged.append(options["default"])
        else:
            fits = False
    if given or not fits:
        from minivgg_edge.dataclass_twin import refuse

        refuse(cls, values, named)
    return tuple(arranged)
