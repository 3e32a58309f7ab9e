"""Any manifest: what is sound is read and survives writing, all else is refused by type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minivgg_edge import ModelFileError, ModelVersionError
from minivgg_edge.json_fields import Fields, parse_json_object
from minivgg_edge.manifest import (
    AccuracyRecord,
    EntryDigest,
    InputSpec,
    Manifest,
    Operator,
    OutputSpec,
    RuntimeSpec,
    parse_manifest,
)
from minivgg_edge.plain_json import NotPlainError, read_plain_json
from minivgg_edge.strict_json import read_strict_json

Path = tuple[str | int, ...]
# Everything that UTF-8 can hold: no half of a surrogate pair.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FRACTIONS = st.floats(0, 1)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DIGESTS = st.builds(EntryDigest, HEX, st.integers(1, 512 * 2**20))
COUNTS = st.integers(1, 2**31 - 1)
JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**40), 10**40),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
FREE = st.dictionaries(TEXTS, JSON_VALUES, max_size=3)
# What no field takes, or only some do; half a surrogate pair as JSON can spell it.
ODD_VALUES = st.one_of(
    JSON_VALUES,
    st.sampled_from(
        [2**64, -1, 0.5, 1e308, float("nan"), float("inf"), "\ud800", "a\nb", "0" * 64]
    ),
)


def _is_label(text: str) -> bool:
    return text.strip() == text and text.splitlines() == [text]


LABELS = st.lists(TEXTS.filter(_is_label), min_size=2, max_size=5, unique=True).map(tuple)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """A manifest that keeps every rule."""
    labels = draw(LABELS)
    return Manifest(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)),
        description=draw(TEXTS),
        input=draw(_inputs()),
        output=draw(_outputs(len(labels))),
        labels=labels,
        runtime=draw(_runtimes()),
        accuracy=tuple(draw(st.lists(_records(), max_size=2))),
        training=draw(FREE),
        calibration=draw(FREE),
        tools=draw(st.dictionaries(TEXTS, TEXTS, max_size=3)),
        flatbuffer=draw(DIGESTS),
        entries=draw(st.dictionaries(TEXTS, DIGESTS, max_size=3)),
    )


@st.composite
def _quantizations(draw: st.DrawFn, dtype: str) -> tuple[float | None, int | None]:
    if dtype == "float32":
        return None, None
    limits = np.iinfo(dtype)
    scale = draw(st.floats(2.0**-126, float(np.finfo(np.float32).max) / 256))
    return scale, draw(st.integers(int(limits.min), int(limits.max)))


@st.composite
def _inputs(draw: st.DrawFn) -> InputSpec:
    dtype = draw(st.sampled_from(["uint8", "int8", "float32"]))
    crop = draw(st.sampled_from(["none", "center"]))
    sides = st.integers(1, 4096)
    return InputSpec(draw(sides), draw(sides), dtype, *draw(_quantizations(dtype)), crop=crop)


@st.composite
def _outputs(draw: st.DrawFn, classes: int) -> OutputSpec:
    dtype = draw(st.sampled_from(["uint8", "int8", "float32"]))
    activation = draw(st.sampled_from(["softmax", "logits"]))
    scale, zero_point = draw(_quantizations(dtype))
    if scale is not None and activation == "softmax":
        scale = draw(st.floats(2.0**-126, 1 / 256))
        zero_point = int(np.iinfo(dtype).min)
    return OutputSpec(
        classes,
        dtype,
        scale,
        zero_point,
        activation=activation,
        temperature=draw(st.floats(1e-3, 1e3)),
        threshold=draw(st.one_of(st.none(), FRACTIONS)),
    )


@st.composite
def _runtimes(draw: st.DrawFn) -> RuntimeSpec:
    operators = st.builds(Operator, TEXTS, COUNTS, COUNTS)
    version = draw(st.tuples(*[st.integers(0, 9999)] * 3))
    steps = st.dictionaries(TEXTS, st.integers(0, 255), max_size=2)
    ops = tuple(draw(st.lists(operators, max_size=3)))
    return RuntimeSpec(ops, ".".join(map(str, version)), draw(steps))


@st.composite
def _records(draw: st.DrawFn) -> AccuracyRecord:
    low, high = sorted(draw(st.tuples(st.floats(-1, 1), st.floats(-1, 1))))
    split = draw(st.sampled_from(["validation", "test"]))
    shares = draw(st.tuples(FRACTIONS, FRACTIONS))
    drop, agreement = draw(st.floats(-1, 1)), draw(FRACTIONS)
    return AccuracyRecord(draw(TEXTS), split, draw(COUNTS), *shares, drop, low, high, agreement)


def _read(data: bytes) -> Manifest | None:
    """The manifest, or None after a refusal, which is typed and one short printable line."""
    try:
        manifest = parse_manifest(data, source="m")
    except (ModelFileError, ModelVersionError) as error:
        assert str(error).startswith("'m': ")  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
        assert len(str(error)) < 1000  # noqa: PT017
        return None
    assert parse_manifest(manifest.to_json(), source="m") == manifest
    return manifest


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        yield (*path, step)
        yield from _paths(inner, (*path, step))


@settings(max_examples=100, deadline=None)
@given(manifest=manifests(), is_ascii=st.booleans())
def test_every_sound_manifest_is_read(manifest: Manifest, is_ascii: bool) -> None:
    data = manifest.to_json()
    assert _read(data) == manifest
    # Escapes in place of letters, another order and no spaces are the same document.
    document = json.loads(data)
    shuffled = {name: document[name] for name in sorted(document, reverse=True)}
    assert _read(json.dumps(shuffled, ensure_ascii=is_ascii).encode()) == manifest


@settings(max_examples=200, deadline=None)
@given(manifest=manifests(), odd=ODD_VALUES, data=st.data())
def test_a_value_that_is_replaced_removed_or_renamed(
    manifest: Manifest, odd: Any, data: st.DataObject
) -> None:
    document = json.loads(manifest.to_json())
    *parents, step = data.draw(st.sampled_from(list(_paths(document))))
    place = document
    for parent in parents:
        place = place[parent]
    action = data.draw(st.sampled_from(["replace", "remove", "rename"]))
    if action == "replace":
        place[step] = odd
    elif action == "remove":
        del place[step]
    else:
        assume(isinstance(place, dict))
        place[data.draw(st.one_of(TEXTS, st.just("\ud800"), st.just("a\nb")))] = place.pop(step)
    _read(json.dumps(document).encode())


@settings(max_examples=200, deadline=None)
@given(manifest=manifests(), data=st.data())
def test_bytes_that_are_cut_changed_or_inserted(manifest: Manifest, data: st.DataObject) -> None:
    text = manifest.to_json()
    start = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 6))
    inserted = data.draw(
        st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"\\", b"}", b"{", b",", b"\\u"]))
    )
    _read(text[:start] + inserted + text[start + removed :])


# --- the reader of plain JSON, on whole manifests -------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(manifest=manifests(), data=st.data())
def test_both_readers_of_json_agree_on_damaged_manifests(
    manifest: Manifest, data: st.DataObject
) -> None:
    text = manifest.to_json().decode()
    start = data.draw(st.integers(0, len(text)))
    piece = st.one_of(
        st.text(max_size=3), st.sampled_from([*'{}[],:"-+.eE01 \\\n\t', "null", "1e5", '""', '":'])
    )
    text = text[:start] + data.draw(piece) + text[start + data.draw(st.integers(0, 4)) :]
    try:
        got = read_plain_json(text, deepest=50)
    except NotPlainError:
        return
    assert repr(got) == repr(read_strict_json(text, deepest=50))


@settings(deadline=None)
@given(
    text=st.text(max_size=20), shape=st.sampled_from(["{%s}", "[%s]", '{"a": %s}', '{"a": "%s"}'])
)
def test_any_text_in_the_place_of_a_value(text: str, shape: str) -> None:
    data = (shape % text).encode("utf-8", errors="surrogatepass")
    try:
        fields = parse_json_object(data, where="m")
    except ModelFileError as error:
        assert str(error).startswith("m: ")  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
        return
    assert isinstance(fields, Fields)
    assert list(fields) == list(json.loads(data))
