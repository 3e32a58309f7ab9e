"""Reads and checks the manifest of a compiled model, and holds the version policy.

Versions: a file of another major version is refused; a file of a higher minor version is read,
and the fields that this version does not know are ignored. The format is specified in
docs/model-file.md.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np

from minivgg_edge.errors import ModelVersionError
from minivgg_edge.json_fields import Fields, parse_json_object
from minivgg_edge.manifest_schema import (
    SCHEMA_MAJOR,
    SCHEMA_MINOR,
    SCHEMA_NAME,
    AccuracyRecord,
    Dtype,
    EntryDigest,
    InputSpec,
    Manifest,
    Operator,
    OutputSpec,
    RuntimeSpec,
)

__all__ = [
    "MAX_FILE_BYTES",
    "SCHEMA_MAJOR",
    "SCHEMA_MINOR",
    "SCHEMA_NAME",
    "AccuracyRecord",
    "Dtype",
    "EntryDigest",
    "InputSpec",
    "Manifest",
    "Operator",
    "OutputSpec",
    "RuntimeSpec",
    "parse_manifest",
]

MAX_FILE_BYTES = 512 * 2**20
"""Larger files are refused unread: the full VGG-16 in float32 takes 528 MiB, in int8 132 MiB."""

_DTYPES = ("uint8", "int8", "float32")
_MAX_SIDE = 4096
_MAX_CLASSES = 100_000
_MAX_COUNT = 2**31 - 1
_LONGEST_NAME = 100
# The flatbuffer stores scales as float32: a smaller one would be a subnormal number or zero there.
# IEEE 754 binary32; `np.finfo` would compute the same, and every other limit too.
_SMALLEST_SCALE = 2.0**-126
# 256 steps of the largest make the largest float32: no value that 8 bits stand for is infinite.
_LARGEST_SCALE = (2 - 2.0**-23) * 2.0 ** (127 - 8)
_SHA256_DIGITS = 64
_DIGITS = "0123456789"
_HEX_DIGITS = _DIGITS + "abcdef"
_ALPHANUMERIC = _DIGITS + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse_manifest(data: bytes, *, source: str) -> Manifest:
    """Read and check a manifest.

    Args:
        data: The bytes of ``manifest.json``.
        source: The model file's name for messages.

    Raises:
        ModelFileError: The manifest is not strict JSON, or a field is missing, of the wrong type,
            out of range or in contradiction to another.
        ModelVersionError: The manifest has another major version of the schema.
    """
    fields = parse_json_object(data, where=f"{source!r}: manifest.json")
    _check_schema(fields.fields("schema"), source)
    entries, tools = fields.fields("entries"), fields.fields("tools")
    output = _output_spec(fields.fields("output"))
    return Manifest(
        name=_name(fields),
        description=fields.text("description"),
        input=_input_spec(fields.fields("input")),
        output=output,
        labels=_labels(fields, output.classes),
        runtime=_runtime_spec(fields.fields("runtime")),
        accuracy=tuple(_accuracy_record(f) for f in fields.list_of_fields("accuracy")),
        training=fields.free("training"),
        calibration=fields.free("calibration"),
        tools={tool: tools.text(tool) for tool in tools},
        flatbuffer=_entry_digest(fields.fields("flatbuffer")),
        entries={name: _entry_digest(entries.fields(name)) for name in entries},
    )


def _check_schema(schema: Fields, source: str) -> None:
    name = schema.text("name")
    if name != SCHEMA_NAME:
        schema.refuse("name", SCHEMA_NAME, name)
    major = schema.integer("major", 0, _MAX_COUNT)
    schema.integer("minor", 0, _MAX_COUNT)
    if major != SCHEMA_MAJOR:
        age = "a newer" if major > SCHEMA_MAJOR else "an older"
        raise ModelVersionError(
            f"{source!r}: made for {age} minivgg-edge: expected a manifest of schema "
            f"version {SCHEMA_MAJOR}, got version {major}"
        )


# The texts are checked without `re`: to compile its patterns would cost a start more than all the
# other checks together.


def _name(fields: Fields) -> str:
    name = fields.text("name")
    fits = 1 <= len(name) <= _LONGEST_NAME and name[0] in _ALPHANUMERIC
    if not fits or name.strip(_ALPHANUMERIC + "._-"):
        fields.refuse("name", "a name like minivgg-2", name)
    return name


def _version(fields: Fields, key: str) -> str:
    version = fields.text(key)
    parts = version.split(".")
    if len(parts) != 3 or not all(1 <= len(p) <= 4 and not p.strip(_DIGITS) for p in parts):
        fields.refuse(key, "a version like 2.14.0", version)
    return version


def _entry_digest(fields: Fields) -> EntryDigest:
    sha256 = fields.text("sha256")
    if len(sha256) != _SHA256_DIGITS or sha256.strip(_HEX_DIGITS):
        fields.refuse("sha256", f"{_SHA256_DIGITS} lower-case hex digits", sha256)
    return EntryDigest(sha256, fields.integer("size_bytes", 1, MAX_FILE_BYTES))


def _quantization(fields: Fields, dtype: str) -> tuple[float | None, int | None]:
    """Return scale and zero point, both null for float32 and neither null otherwise."""
    if dtype != "float32":
        scale = fields.number("scale", _SMALLEST_SCALE, _LARGEST_SCALE)
        zero_point_range = np.iinfo(dtype)
        return scale, fields.integer("zero_point", zero_point_range.min, zero_point_range.max)
    for key in ("scale", "zero_point"):
        if not fields.is_null(key):
            fields.refuse(key, f"null, since the dtype is {dtype}", "a value")
    return None, None


def _input_spec(fields: Fields) -> InputSpec:
    dtype = fields.choice("dtype", _DTYPES)
    scale, zero_point = _quantization(fields, dtype)
    return InputSpec(
        height=fields.integer("height", 1, _MAX_SIDE),
        width=fields.integer("width", 1, _MAX_SIDE),
        dtype=cast("Dtype", dtype),
        scale=scale,
        zero_point=zero_point,
        color=cast('Literal["rgb"]', fields.choice("color", ("rgb",))),
        resampler=cast(
            'Literal["pillow-bilinear"]', fields.choice("resampler", ("pillow-bilinear",))
        ),
        crop=cast('Literal["none", "center"]', fields.choice("crop", ("none", "center"))),
    )


def _output_spec(fields: Fields) -> OutputSpec:
    dtype = fields.choice("dtype", _DTYPES)
    scale, zero_point = _quantization(fields, dtype)
    activation = fields.choice("activation", ("softmax", "logits"))
    if activation == "softmax" and scale is not None and zero_point is not None:
        _check_probabilities(fields, scale, zero_point, dtype)
    return OutputSpec(
        classes=fields.integer("classes", 2, _MAX_CLASSES),
        dtype=cast("Dtype", dtype),
        scale=scale,
        zero_point=zero_point,
        activation=cast('Literal["softmax", "logits"]', activation),
        temperature=fields.number("temperature", 1e-3, 1e3),
        threshold=None if fields.is_null("threshold") else fields.number("threshold", 0.0, 1.0),
    )


def _check_probabilities(fields: Fields, scale: float, zero_point: int, dtype: str) -> None:
    """Refuse outputs that stand for scores, but can lie more than half a step outside 0-1."""
    codes = np.iinfo(dtype)
    low, high = scale * (codes.min - zero_point), scale * (codes.max - zero_point)
    if low < -scale / 2 or high > 1.0 + scale / 2:
        fields.refuse(
            "activation",
            f"logits, since outputs with this scale and zero point reach from {low:g} to {high:g}",
            "softmax",
        )


def _labels(fields: Fields, classes: int) -> tuple[str, ...]:
    labels = fields.texts("labels")
    if len(labels) != classes:
        fields.refuse("labels", f"{classes} labels, one per class", f"{len(labels)} labels")
    seen: set[str] = set()
    for index, label in enumerate(labels):
        # splitlines() also finds the rarer line ends (U+2028, form feed) at which other readers
        # of labels.txt split.
        if label.strip() != label or label.splitlines() != [label]:
            fields.refuse(f"labels[{index}]", "one line of text without outer spaces", label)
        if label in seen:
            fields.refuse(f"labels[{index}]", "each label once", label)
        seen.add(label)
    return labels


def _accuracy_record(fields: Fields) -> AccuracyRecord:
    low, high = fields.number("drop_low", -1.0, 1.0), fields.number("drop_high", -1.0, 1.0)
    if low > high:
        fields.refuse("drop_low", f"at most drop_high, which is {high}", low)
    return AccuracyRecord(
        dataset=fields.text("dataset"),
        split=cast('Literal["validation", "test"]', fields.choice("split", ("validation", "test"))),
        count=fields.integer("count", 1, _MAX_COUNT),
        float_top1=fields.number("float_top1", 0.0, 1.0),
        target_top1=fields.number("target_top1", 0.0, 1.0),
        drop=fields.number("drop", -1.0, 1.0),
        drop_low=low,
        drop_high=high,
        agreement=fields.number("agreement", 0.0, 1.0),
    )


def _runtime_spec(fields: Fields) -> RuntimeSpec:
    steps = fields.fields("tolerance_steps")
    return RuntimeSpec(
        ops=tuple(
            Operator(
                f.text("name"),
                f.integer("version", 1, _MAX_COUNT),
                f.integer("count", 1, _MAX_COUNT),
            )
            for f in fields.list_of_fields("ops")
        ),
        minimum_runtime=_version(fields, "minimum_runtime"),
        tolerance_steps={name: steps.integer(name, 0, 255) for name in steps},
    )
