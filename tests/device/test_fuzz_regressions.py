"""Damages that once got through: small inputs, built here, each with the answer it has to get."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minivgg_edge import ModelFileError
from minivgg_edge.archive import read_stored_zip, stored_zip
from minivgg_edge.golden import GoldenVectors, parse_golden_vectors
from minivgg_edge.manifest import (
    EntryDigest,
    InputSpec,
    Manifest,
    Operator,
    OutputSpec,
    RuntimeSpec,
    parse_manifest,
)
from minivgg_edge.model_file import pack_model_file, parse_model_file
from minivgg_edge.quantization import output_table, softmax

MANIFEST = Manifest(
    name="tiny",
    description="a model",
    input=InputSpec(height=2, width=3, dtype="uint8", scale=1.0, zero_point=0),
    output=OutputSpec(classes=2, dtype="uint8", scale=1 / 256, zero_point=0),
    labels=("cat", "dog"),
    runtime=RuntimeSpec((Operator("CONV_2D", 3, 1),), "2.10.0", {"ai-edge-litert": 1}),
    tools={"tensorflow": "2.21.0"},
    flatbuffer=EntryDigest("0" * 64, 8),
    entries={"labels.txt": EntryDigest("1" * 64, 8)},
)
FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(100)
GOLDEN = GoldenVectors(np.zeros((4, 2, 3, 3), np.uint8), np.ones((4, 2), np.uint8))
HALF_A_PAIR = "\ud800"  # JSON can spell it, UTF-8 cannot hold it


def _message(read: Callable[[], object]) -> str:
    with pytest.raises(ModelFileError) as caught:
        read()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    return message


def _with_field(place: str, name: str, value: Any) -> bytes:
    document = json.loads(MANIFEST.to_json())
    document[place][name] = value
    return json.dumps(document).encode("ascii")


# --- names in the manifest ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value"),
    [("tools", "1.0"), ("entries", {"sha256": "0" * 64, "size_bytes": 1})],
)
def test_names_that_utf_8_cannot_hold(place: str, value: Any) -> None:
    # Such a manifest was read, and could not be written or printed.
    data = _with_field(place, HALF_A_PAIR, value)
    message = _message(lambda: parse_manifest(data, source="m"))
    assert message.endswith(rf'{place}.\ud800: expected text that UTF-8 can hold, got "\ud800"')


def test_names_of_runtimes_that_utf_8_cannot_hold() -> None:
    data = MANIFEST.to_json().replace(b'"ai-edge-litert"', b'"\\ud800"')
    assert "tolerance_steps.\\ud800" in _message(lambda: parse_manifest(data, source="m"))


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", HALF_A_PAIR, "x" * 100_000])
@pytest.mark.parametrize("place", ["tools", "entries"])
def test_messages_show_odd_names_on_one_short_line(place: str, name: str) -> None:
    data = _with_field(place, name, 5)
    assert "expected" in _message(lambda: parse_manifest(data, source="m"))


# --- numbers in the manifest ----------------------------------------------------------------------


def test_scales_whose_values_float32_cannot_hold() -> None:
    # Logits of such a model were infinite, and their softmax no number.
    largest = float(np.finfo(np.float32).max) / 256
    outputs = {"dtype": "int8", "zero_point": -128, "activation": "logits"}
    document = json.loads(MANIFEST.to_json())
    document["output"] |= {**outputs, "scale": largest}
    output = parse_manifest(json.dumps(document).encode(), source="m").output
    assert output.scale == largest
    table = output_table(largest, -128, "int8")
    assert np.isfinite(softmax(table)).all()
    document["output"]["scale"] = np.nextafter(largest, np.inf)
    data = json.dumps(document).encode()
    assert "output.scale: expected a number" in _message(lambda: parse_manifest(data, source="m"))


# --- names in the zip -----------------------------------------------------------------------------


def _model(change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """A compiled model with other entries; its manifest's digests are those of the true ones."""
    packed = pack_model_file(FLATBUFFER, MANIFEST, golden=GOLDEN)
    entries, start = read_stored_zip(packed, where="m")
    document = json.loads(entries["manifest.json"])
    change(entries, document)
    entries["manifest.json"] = json.dumps(document).encode()
    return stored_zip(entries, prefix=packed[:start])


def test_many_and_long_names_of_entries_are_cut_in_messages() -> None:
    def add(entries: dict[str, bytes], _: dict[str, Any]) -> None:
        entries.update({f"entry {number}": b"x" for number in range(1000)})
        entries["x" * 60_000] = b"x"

    data = _model(add)
    assert "expected the entries ['golden.npz'" in _message(
        lambda: parse_model_file(data, source="m")
    )
    bare = stored_zip({"x" * 60_000: b"x"}, prefix=FLATBUFFER)
    assert "expected manifest.json" in _message(lambda: parse_model_file(bare, source="m"))
    damaged = bare.replace(b"x" * 60_000 + b"x", b"x" * 60_000 + b"y")
    assert "another CRC-32" in _message(lambda: parse_model_file(damaged, source="m"))


def test_an_odd_name_of_a_listed_entry_is_shown_on_one_line() -> None:
    def add(entries: dict[str, bytes], document: dict[str, Any]) -> None:
        entries["two\nlines"] = b"x"
        digest = hashlib.sha256(b"y").hexdigest()
        document["entries"]["two\nlines"] = {"sha256": digest, "size_bytes": 1}

    data = _model(add)
    assert r"two\nlines: expected SHA-256" in _message(lambda: parse_model_file(data, source="m"))


# --- headers of golden vectors --------------------------------------------------------------------


def _golden(header: str, *, version: bytes = b"\1\0", size: int | None = None) -> bytes:
    """An npz whose `inputs` have this header."""
    text = header.encode("latin-1") + b"\n"
    prefix = b"\x93NUMPY" + version + struct.pack("<H", len(text) if size is None else size)
    entries, _ = read_stored_zip(GOLDEN.to_npz(), where="m")
    entries["inputs.npy"] = prefix + text + GOLDEN.inputs.tobytes()
    return stored_zip(entries)


def _header(descr: str = "'|u1'", order: str = "False", shape: str = "(4, 2, 3, 3)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def test_the_header_that_is_accepted() -> None:
    golden = parse_golden_vectors(_golden(_header()), MANIFEST, source="m")
    np.testing.assert_array_equal(golden.inputs, GOLDEN.inputs)
    np.testing.assert_array_equal(golden.outputs, GOLDEN.outputs)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        # numpy answered the first four with an IndexError, a TypeError, three lines of text and,
        # by its version, a RecursionError or a MemoryError.
        (_header(descr="()"), "expected the header of an npy file"),
        ("{[]: 1}", "expected the header of an npy file"),
        (_header() + " " * 12_000 + "#", "expected the header of an npy file"),
        ("-" * 9000 + "1", "expected the header of an npy file"),
        (_header(descr="'|O'"), r"expected uint8 \(1..1000, 2, 3, 3\) in C order, got |O \(4,"),
        (_header(descr="'|i1'"), r"in C order, got int8 \(4, 2, 3, 3\)$"),
        (_header(order="True"), r"got uint8 \(4, 2, 3, 3\) in Fortran order$"),
        (_header(shape="()"), r"got uint8 \(\)$"),
        (_header(shape="(4,)"), r"got uint8 \(4,\)$"),
        (_header(shape="(0, 2, 3, 3)"), r"got uint8 \(0, 2, 3, 3\)$"),
        (_header(shape="(1001, 2, 3, 3)"), r"got uint8 \(1001, 2, 3, 3\)$"),
        (_header(shape="(5, 2, 3, 3)"), "expected 90 bytes of values, got 72$"),
        (_header(shape="(3, 2, 3, 3)"), "expected 54 bytes of values, got 72$"),
        (_header(shape="(-4, 2, 3, 3)"), "expected the header of an npy file"),
        (_header(shape="(4L, 2, 3, 3)"), "expected the header of an npy file"),
    ],
)  # fmt: skip
def test_headers_of_golden_vectors(header: str, message: str) -> None:
    with pytest.raises(ModelFileError, match=f"'m': golden.npz: inputs: .*{message}") as caught:
        parse_golden_vectors(_golden(header), MANIFEST, source="m")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_other_versions_and_cut_off_headers_of_golden_vectors() -> None:
    for data in (_golden(_header(), version=b"\2\0"), _golden(_header(), size=60_000)):
        with pytest.raises(ModelFileError, match=r"inputs: expected (npy version|the header)"):
            parse_golden_vectors(data, MANIFEST, source="m")
    entries, _ = read_stored_zip(GOLDEN.to_npz(), where="m")
    whole = entries["inputs.npy"]
    for size in range(len(whole)):
        data = stored_zip({**entries, "inputs.npy": whole[:size]})
        with pytest.raises(ModelFileError, match=r"golden\.npz: inputs: expected"):
            parse_golden_vectors(data, MANIFEST, source="m")
    del entries["inputs.npy"]
    message = r"inputs: expected an entry inputs.npy, got \['outputs.npy'\]"
    with pytest.raises(ModelFileError, match=message):
        parse_golden_vectors(stored_zip(entries), MANIFEST, source="m")


def test_what_numpy_writes_is_what_is_read() -> None:
    for dtype in ("uint8", "int8", "float32"):
        output = dataclasses.replace(MANIFEST.output, dtype=dtype)
        manifest = dataclasses.replace(MANIFEST, output=output)
        golden = dataclasses.replace(GOLDEN, outputs=GOLDEN.outputs.astype(dtype))
        read = parse_golden_vectors(golden.to_npz(), manifest, source="m")
        np.testing.assert_array_equal(read.outputs, golden.outputs)
        assert read.outputs.dtype == np.dtype(dtype)
