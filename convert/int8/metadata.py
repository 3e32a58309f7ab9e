"""Standard TFLite Metadata: what other tools need to feed the model and to name its answer.

Written by slot number after the public schema, `metadata_schema.fbs` of tensorflow/tflite-support
(identifier M001), since the packages that write it are heavy or broken. The labels stand in
`labels.txt`, an entry of the zip that is appended to the flatbuffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import flatbuffers

from convert.int8.writing import read_model, write_model

IDENTIFIER = b"M001"
LABELS_FILE = "labels.txt"
_METADATA_NAME = b"TFLITE_METADATA"
# The first parser that knows every field used here.
_MIN_PARSER_VERSION = "1.0.0"

# Enumerations and union members of the schema.
_TENSOR_AXIS_LABELS = 2
_RGB = 1
_FEATURE_PROPERTIES = 1
_IMAGE_PROPERTIES = 2
_NORMALIZATION_OPTIONS = 1


def add_metadata(
    flatbuffer: bytes,
    *,
    name: str,
    description: str,
    height: int,
    width: int,
    output: Literal["score", "logit"] = "score",
) -> bytes:
    """Return the model with metadata for an image classifier; same arguments, same bytes.

    The normalization is the identity (mean 0, standard deviation 1): the graph takes raw pixels.

    Args:
        flatbuffer: a TFLite model from (1, height, width, 3) to (1, classes).
        name: the model's name.
        description: one sentence.
        height: of the input, in pixels.
        width: of the input, in pixels.
        output: what its values are.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(flatbuffer)
    model.metadata = [m for m in model.metadata or [] if m.name != _METADATA_NAME]
    entry = schema.MetadataT()
    entry.name = _METADATA_NAME
    entry.buffer = len(model.buffers)
    model.metadata.append(entry)
    added = schema.BufferT()
    added.data = metadata_buffer(
        name=name, description=description, height=height, width=width, output=output
    )
    model.buffers.append(added)
    return write_model(model)


def metadata_buffer(
    *,
    name: str,
    description: str,
    height: int,
    width: int,
    output: Literal["score", "logit"] = "score",
) -> bytes:
    """Return a `ModelMetadata` flatbuffer; the arguments are those of `add_metadata`."""
    builder = flatbuffers.Builder(1024)
    subgraph = _table(
        builder,
        10,
        {
            2: _vector(builder, [_input(builder, height, width)]),
            3: _vector(builder, [_output(builder, output)]),
        },
    )
    root = _table(
        builder,
        8,
        {
            0: builder.CreateString(name),
            1: builder.CreateString(description),
            3: _vector(builder, [subgraph]),
            7: builder.CreateString(_MIN_PARSER_VERSION),
        },
    )
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, height: int, width: int) -> int:
    """TensorMetadata of the picture."""
    builder.StartObject(2)  # ImageSize
    builder.PrependUint32Slot(0, width, 0)
    builder.PrependUint32Slot(1, height, 0)
    size = builder.EndObject()
    builder.StartObject(2)  # ImageProperties
    builder.PrependInt8Slot(0, _RGB, 0)
    builder.PrependUOffsetTRelativeSlot(1, size, 0)
    image = builder.EndObject()
    options = _table(  # NormalizationOptions
        builder, 2, {0: _floats(builder, [0.0]), 1: _floats(builder, [1.0])}
    )
    unit = _union(builder, 2, _NORMALIZATION_OPTIONS, options)
    stats = _table(builder, 2, {0: _floats(builder, [255.0]), 1: _floats(builder, [0.0])})
    return _table(
        builder,
        7,
        {
            0: builder.CreateString("image"),
            1: builder.CreateString("RGB pixels, 0-255, not normalized"),
            3: _union(builder, 3, _IMAGE_PROPERTIES, image),
            4: _vector(builder, [unit]),
            5: stats,
        },
    )


def _output(builder: flatbuffers.Builder, kind: str) -> int:
    """TensorMetadata of the scores, with the labels as an associated file."""
    name = builder.CreateString(LABELS_FILE)
    description = builder.CreateString("one label per line, in the order of the scores")
    builder.StartObject(5)  # AssociatedFile
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, description, 0)
    builder.PrependInt8Slot(2, _TENSOR_AXIS_LABELS, 0)
    labels = builder.EndObject()
    features = _table(builder, 0, {})
    return _table(
        builder,
        7,
        {
            0: builder.CreateString(kind),
            1: builder.CreateString(f"{kind} of each class"),
            3: _union(builder, 3, _FEATURE_PROPERTIES, features),
            6: _vector(builder, [labels]),
        },
    )


def _table(builder: flatbuffers.Builder, slots: int, offsets: dict[int, int]) -> int:
    """A table of which only offset fields are set: slot -> offset."""
    builder.StartObject(slots)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def _union(builder: flatbuffers.Builder, slots: int, kind: int, value: int) -> int:
    """A table whose first field is a union: its type in slot 0, its value in slot 1."""
    builder.StartObject(slots)
    builder.PrependUint8Slot(0, kind, 0)
    builder.PrependUOffsetTRelativeSlot(1, value, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
