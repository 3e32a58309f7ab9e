"""Records, property by property, against `dataclasses.dataclass(frozen=True, slots=True)`."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge.record import Record, field
from minivgg_edge.results import Prediction


class Shape(Record):
    """A record with every kind of field."""

    height: int
    name: str = "none"
    tags: Mapping[str, int] = field(default_factory=dict)
    data: bytes = field(default=b"", repr=False)

    limit = 7  # not annotated: no field

    @property
    def doubled(self) -> int:
        return 2 * self.height


class Solid(Shape):
    depth: float = 1.0


class Plain(Record, eq=False):
    height: int


class Oracles:
    """The same classes as dataclasses."""

    @dataclasses.dataclass(frozen=True, slots=True)
    class Shape:
        """A record with every kind of field."""

        height: int
        name: str = "none"
        tags: Mapping[str, int] = dataclasses.field(default_factory=dict)
        data: bytes = dataclasses.field(default=b"", repr=False)

        limit = 7

        @property
        def doubled(self) -> int:
            return 2 * self.height

    @dataclasses.dataclass(frozen=True, slots=True)
    class Solid(Shape):
        depth: float = 1.0

    @dataclasses.dataclass(frozen=True, slots=True, eq=False)
    class Plain:
        height: int


PAIRS = [(Shape, Oracles.Shape), (Solid, Oracles.Solid), (Plain, Oracles.Plain)]
pairs = pytest.mark.parametrize(("record", "oracle"), PAIRS, ids=["shape", "solid", "plain"])

_NAMES = st.sampled_from(["height", "name", "tags", "data", "depth", "self", "other"])
_VALUES = st.one_of(st.integers(0, 2), st.sampled_from(["a", "b"]), st.tuples(st.integers(0, 1)))


def _outcome(call: Callable[[], Any]) -> tuple[str, str]:
    """What a call returns, or which error it raises, as text without the name `Oracles`."""
    try:
        got = call()
    except (TypeError, AttributeError) as error:
        kind, text = type(error).__name__, str(error)
    else:
        kind, text = "value", repr(got)
    return kind, text.replace("Oracles.", "")


@settings(deadline=None)
@given(values=st.lists(_VALUES, max_size=6), named=st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_arguments_fit_or_are_refused_alike(values: list[Any], named: dict[str, Any]) -> None:
    for record, oracle in PAIRS[:2]:
        if "self" in named:  # a record has its own `self` by place only, so that it may be a field
            continue
        assert _outcome(lambda r=record: r(*values, **named)) == _outcome(
            lambda o=oracle: o(*values, **named)
        )


def test_a_message_names_the_class_and_the_arguments() -> None:
    with pytest.raises(TypeError, match=r"Prediction.__init__\(\) missing 1 .*: 'score'"):
        Prediction("cat", 3)  # type: ignore[call-arg]


@settings(deadline=None)
@given(
    first=st.tuples(_VALUES, _VALUES, _VALUES, _VALUES),
    second=st.tuples(_VALUES, _VALUES, _VALUES, _VALUES),
)
def test_equality_and_hash(first: tuple[Any, ...], second: tuple[Any, ...]) -> None:
    a, b, x, y = Shape(*first), Shape(*second), Oracles.Shape(*first), Oracles.Shape(*second)
    assert (a == b) is (x == y)
    assert (a != b) is (x != y)
    assert hash(a) == hash(x)


def test_equality_with_other_classes_and_of_identity() -> None:
    assert Shape(1) != (1, "none", {}, b"")
    assert Shape(1) != Solid(1)
    assert Shape.__eq__(Shape(1), 1) is NotImplemented
    assert Plain(1) != Plain(1)
    assert len({Plain(1), Plain(1)}) == 2
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        hash(Shape(1))


@pairs
def test_no_attribute_changes(record: Any, oracle: Any) -> None:
    for made in (record(1), oracle(1)):
        with pytest.raises(
            dataclasses.FrozenInstanceError, match="cannot assign to field 'height'"
        ):
            made.height = 2
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'height'"):
            del made.height
        assert made.height == 1
        assert not hasattr(made, "__dict__")
        with pytest.raises(TypeError, match="cannot create weak reference"):
            weakref.ref(made)
    # The dataclass of Python 3.11 answers this with a TypeError about `super`.
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'new'"):
        record(1).new = 2


@pairs
def test_what_dataclasses_says(record: Any, oracle: Any) -> None:
    assert dataclasses.is_dataclass(record)
    assert dataclasses.is_dataclass(record(1))
    assert repr(dataclasses.fields(record)) == repr(dataclasses.fields(oracle))
    assert repr(dataclasses.fields(record(1))) == repr(dataclasses.fields(oracle(1)))
    assert repr(record.__dataclass_params__) == repr(oracle.__dataclass_params__)
    assert dataclasses.asdict(record(1)) == dataclasses.asdict(oracle(1))
    assert dataclasses.astuple(record(1)) == dataclasses.astuple(oracle(1))
    changed = dataclasses.replace(record(1), height=5)
    assert type(changed) is record
    assert dataclasses.asdict(changed) == dataclasses.asdict(
        dataclasses.replace(oracle(1), height=5)
    )
    assert _outcome(lambda: dataclasses.replace(record(1), size=5)) == _outcome(
        lambda: dataclasses.replace(oracle(1), size=5)
    )


@pairs
def test_what_inspect_and_match_say(record: Any, oracle: Any) -> None:
    assert str(inspect.signature(record)) == str(inspect.signature(oracle))
    assert record.__match_args__ == oracle.__match_args__
    # Its own fields alone: the dataclass of Python 3.10 has a slot for each inherited one again.
    assert record.__slots__ == tuple(oracle.__annotations__)
    assert record.__annotations__ == oracle.__annotations__
    assert record.__doc__ == oracle.__doc__ or oracle.__doc__.startswith(oracle.__name__)


def test_matching() -> None:
    match Prediction("cat", 3, 0.5):
        case Prediction(label, index, score=score):
            assert (label, index, score) == ("cat", 3, 0.5)
        case _:
            pytest.fail("expected a match")


@pytest.mark.parametrize("made", [Shape(1, tags={"a": 1}), Solid(1, "x", {}, b"y", 2.0)])
def test_copies(made: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(made, protocol)) == made
    assert copy.copy(made) == made
    assert copy.copy(made).tags is made.tags
    assert copy.deepcopy(made) == made
    assert copy.deepcopy(made).tags is not made.tags
    assert made.__replace__(height=9).height == 9
    if sys.version_info >= (3, 13):
        assert copy.replace(made, height=9).height == 9


def test_what_is_no_field_stays() -> None:
    assert Shape.limit == 7
    assert Shape(4).doubled == 8
    assert Shape(1).tags is not Shape(1).tags
    assert Shape.__module__ == __name__


def test_defaults_are_slots_like_any_field() -> None:
    assert type(Shape.name) is type(Shape.height)


def test_only_a_need_imports_dataclasses() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


SCRIPT = """
import sys
for name in ("dataclasses", "inspect"):  # should the environment have imported them
    sys.modules.pop(name, None)
from minivgg_edge.record import Record, field

class Point(Record):
    x: int
    y: int = 0
    tags: dict = field(default_factory=dict)

assert Point(1, 2, {}) == Point(x=1, y=2)
assert Point(1).y == 0
assert not {"dataclasses", "inspect"} & set(sys.modules)
assert repr(Point(1)) == "Point(x=1, y=0, tags={})"
assert "dataclasses" in sys.modules
"""
