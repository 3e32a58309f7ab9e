"""The manifest: round trip, version policy, and a refusal with a reason for every wrong field."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any

import pytest

from minivgg_edge import ModelFileError, ModelVersionError
from minivgg_edge.manifest import (
    SCHEMA_MAJOR,
    AccuracyRecord,
    EntryDigest,
    InputSpec,
    Manifest,
    Operator,
    OutputSpec,
    RuntimeSpec,
    parse_manifest,
)

SHA = "0123456789abcdef" * 4

MANIFEST = Manifest(
    name="minivgg",
    description="Katzen und Vögel",
    input=InputSpec(height=32, width=48, dtype="uint8", scale=1.0, zero_point=0),
    output=OutputSpec(classes=3, dtype="int8", scale=0.00390625, zero_point=-128, threshold=0.5),
    labels=("cat", "7 eleven", "Vögel"),
    runtime=RuntimeSpec(
        ops=(Operator("CONV_2D", 3, 4), Operator("SOFTMAX", 2, 1)),
        minimum_runtime="2.10.0",
        tolerance_steps={"ai-edge-litert": 1, "tflite-runtime": 2},
    ),
    accuracy=(AccuracyRecord("cifar-10", "test", 10000, 0.89, 0.888, 0.002, -0.001, 0.005, 0.99),),
    training={"seed": 1, "nested": {"list": [1, 2.5, None, True, "x"]}},
    calibration={"count": 500},
    tools={"tensorflow": "2.21.0"},
    flatbuffer=EntryDigest(SHA, 1000),
    entries={"labels.txt": EntryDigest(SHA, 10), "golden.npz": EntryDigest(SHA, 20)},
)


def _changed(path: str, value: Any) -> bytes:
    """The JSON of MANIFEST with one field changed, or removed if `value` is ..."""
    document = json.loads(MANIFEST.to_json())
    *parents, key = [int(p) if p.isdigit() else p for p in path.split("/")]
    place = document
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return json.dumps(document).encode()


def test_round_trip() -> None:
    assert parse_manifest(MANIFEST.to_json(), source="m") == MANIFEST


def test_float32_tensors_have_null_quantization() -> None:
    manifest = dataclasses.replace(
        MANIFEST,
        input=InputSpec(32, 32, "float32", None, None, crop="center"),
        output=OutputSpec(3, "float32", None, None, activation="logits", temperature=1.5),
    )
    assert parse_manifest(manifest.to_json(), source="m") == manifest


def test_bytes_are_stable() -> None:
    text = MANIFEST.to_json()
    assert text == copy.deepcopy(MANIFEST).to_json()
    assert text.endswith(b"}\n")
    assert "Vögel".encode() in text
    document = json.loads(text)
    assert list(document) == sorted(document)
    assert document["schema"] == {"name": "minivgg-edge-model", "major": 1, "minor": 0}


def test_writing_refuses_nan() -> None:
    manifest = dataclasses.replace(MANIFEST, training={"loss": math.nan})
    with pytest.raises(ValueError, match="not JSON compliant"):
        manifest.to_json()


def test_higher_minor_version_and_unknown_fields_are_read() -> None:
    document = json.loads(MANIFEST.to_json())
    document["schema"]["minor"] = 7
    document["new"] = document["input"]["new"] = {"x": 1}
    assert parse_manifest(json.dumps(document).encode(), source="m") == MANIFEST


@pytest.mark.parametrize(("major", "age"), [(SCHEMA_MAJOR + 1, "a newer"), (0, "an older")])
def test_other_major_version(major: int, age: str) -> None:
    with pytest.raises(ModelVersionError, match=f"'m': made for {age} minivgg-edge.*got version"):
        parse_manifest(_changed("schema/major", major), source="m")


WRONG_FIELDS: list[tuple[str, Any, str]] = [
    ("schema", ..., r"expected a field schema, got none"),
    ("schema/name", "other", r'schema.name: expected minivgg-edge-model, got "other"'),
    ("schema/major", True, r"schema.major: expected an integer from 0 to \d+, got true"),
    ("schema/major", "1", r'schema.major: expected an integer from 0 to \d+, got "1"'),
    ("schema/minor", -1, r"schema.minor: expected an integer from 0"),
    ("name", "", r'name: expected a name like minivgg-2, got ""'),
    ("name", "../x", r"name: expected a name"),
    ("name", ".hidden", r"name: expected a name"),
    ("name", "-option", r"name: expected a name"),
    ("name", "x" * 101, r"name: expected a name"),
    ("name", 5, r"name: expected a string, got 5"),
    ("description", None, r"description: expected a string, got null"),
    ("description", "\ud800", r"description: expected text that UTF-8 can hold"),
    ("flatbuffer/sha256", SHA.upper(), r"flatbuffer.sha256: expected 64 lower-case hex digits"),
    ("flatbuffer/sha256", SHA + "\n", r"flatbuffer.sha256: expected 64 lower-case hex digits"),
    ("flatbuffer/size_bytes", -1, r"flatbuffer.size_bytes: expected an integer from 1 to"),
    ("flatbuffer/size_bytes", 2**40, r"flatbuffer.size_bytes: expected an integer from 1 to"),
    ("flatbuffer/size_bytes", 1000.0, r"flatbuffer.size_bytes: .*, got 1000.0"),
    ("entries", [], r"entries: expected an object, got \[\]"),
    ("entries/labels.txt", 1, r"entries.labels.txt: expected an object, got 1"),
    ("input/height", 0, r"input.height: expected an integer from 1 to 4096, got 0"),
    ("input/width", 10**30, r"input.width: expected an integer from 1 to 4096, got 10000"),
    ("input/color", "bgr", r'input.color: expected one of \["rgb"\], got "bgr"'),
    ("input/resampler", "nearest", r"input.resampler: expected one of"),
    ("input/crop", ["none"], r'input.crop: expected one of .*, got \["none"\]'),
    ("input/dtype", "int16", r"input.dtype: expected one of"),
    ("input/scale", None, r"input.scale: expected a number from .*, got null"),
    ("input/scale", 0, r"input.scale: expected a number from 1.17549e-38"),
    ("input/scale", -1.0, r"input.scale: expected a number"),
    ("input/scale", True, r"input.scale: expected a number .*, got true"),
    ("input/scale", 1e300, r"input.scale: expected a number"),
    # A float32, but 255 steps of it are none: they would be infinite.
    ("input/scale", 2.0**121, r"input.scale: expected a number"),
    ("input/zero_point", 256, r"input.zero_point: expected an integer from 0 to 255, got 256"),
    ("input/zero_point", 0.0, r"input.zero_point: expected an integer from 0 to 255, got 0.0"),
    ("input/dtype", "float32", r"input.scale: expected null, since the dtype is float32"),
    ("output/zero_point", -129, r"output.zero_point: expected an integer from -128 to 127"),
    ("output/classes", 1, r"output.classes: expected an integer from 2 to 100000, got 1"),
    ("output/classes", 4, r'labels: expected 4 labels, one per class, got "3 labels"'),
    ("output/activation", "sigmoid", r"output.activation: expected one of"),
    ("output/temperature", 0, r"output.temperature: expected a number from 0.001 to 1000"),
    ("output/scale", 1.0, r"activation: expected logits, since .* reach from 0 to 255, got \"soft"),
    ("output/scale", 1 / 253, r"output.activation: expected logits, since outputs with this scale"),
    ("output/scale", 1 / 254.25, r"output.activation: expected logits"),  # 3/4 of a step beyond 1
    ("output/zero_point", -127, r"output.activation: expected logits, .* from -0.00390625 to"),
    ("output/threshold", 1.01, r"output.threshold: expected a number from 0 to 1, got 1.01"),
    ("output/threshold", ..., r"expected a field output.threshold, got none"),
    ("labels", "cat", r'labels: expected a list, got "cat"'),
    ("labels/1", 7, r"labels\[1\]: expected a string, got 7"),
    ("labels/1", "cat", r'labels\[1\]: expected each label once, got "cat"'),
    ("labels/1", "", r"labels\[1\]: expected one line of text without outer spaces"),
    ("labels/1", "a\nb", r"labels\[1\]: expected one line of text"),
    ("labels/1", "a\u2028b", r"labels\[1\]: expected one line of text"),
    ("labels/1", " a", r"labels\[1\]: expected one line of text without outer spaces"),
    ("training", [1], r"training: expected an object, got \[1\]"),
    ("training", {"a": "\ud800"}, r"training: expected text that UTF-8 can hold"),
    ("accuracy", {}, r"accuracy: expected a list, got \{\}"),
    ("accuracy/0/split", "train", r"accuracy\[0\].split: expected one of"),
    ("accuracy/0/count", 0, r"accuracy\[0\].count: expected an integer from 1"),
    ("accuracy/0/float_top1", 89.0, r"accuracy\[0\].float_top1: expected a number from 0 to 1"),
    ("accuracy/0/drop", -1.5, r"accuracy\[0\].drop: expected a number from -1 to 1"),
    ("accuracy/0/drop_low", 0.5, r"drop_low: expected at most drop_high, which is 0.005, got 0.5"),
    ("runtime/minimum_runtime", "2.10", r'expected a version like 2.14.0, got "2.10"'),
    ("runtime/minimum_runtime", "2.x.0", r"expected a version like"),
    ("runtime/minimum_runtime", "2..0", r"expected a version like"),
    ("runtime/minimum_runtime", "2.10.00000", r"expected a version like"),
    ("runtime/minimum_runtime", "", r"runtime.minimum_runtime: expected a version like"),
    ("runtime/ops/0/version", 0, r"runtime.ops\[0\].version: expected an integer from 1"),
    ("runtime/tolerance_steps/ai-edge-litert", 1.5, r"tolerance_steps.ai-edge-litert: expected an"),
    ("tools/tensorflow", 2, r"tools.tensorflow: expected a string, got 2"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG_FIELDS)
def test_wrong_field(path: str, value: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=r"^'a\\nb': manifest.json: .*" + message):
        parse_manifest(_changed(path, value), source="a\nb")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected JSON in UTF-8, got: Expecting value"),
        (b"\xff", "expected JSON in UTF-8, got: 'utf-8' codec"),
        (b"[1]", r"expected an object, got \[1\]"),
        (b'{"a": 1, "a": 2}', r'a name twice in the object with the names \["a", "a"\]'),
        (b'{"a": NaN}', "NaN, which is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity, which is no JSON number"),
        (b'{"a": 1e999}', "the number 1e999, which no float64 can hold"),
        (b"[" * 200_000, "expected JSON, got one nested too deeply"),
        (b'{"a": ' * 51 + b"1" + b"}" * 51, "expected JSON, got one nested too deeply"),
        (b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}", "expected JSON, got one nested too deeply"),
    ],
)
def test_not_a_json_object(data: bytes, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        parse_manifest(data, source="m")


def test_nesting_that_is_read_can_be_written() -> None:
    tree: object = "leaf"
    for _ in range(24):
        tree = {"nested": [tree]}
    nested = parse_manifest(_changed("training", {"x": tree}), source="m")
    assert parse_manifest(nested.to_json(), source="m") == nested


@pytest.mark.parametrize("scale", [1 / 254.75, 1 / 255, 1 / 256, 0.001])
def test_scores_by_a_scale_that_keeps_them_in_range(scale: float) -> None:
    manifest = parse_manifest(_changed("output/scale", scale), source="m")
    assert manifest.output.scale == scale


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(ModelFileError) as caught:
        parse_manifest(_changed("input/dtype", "x" * 10_000), source="m")
    assert len(str(caught.value)) < 300
