"""Models as other people's converters write them, and the same with one thing wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from convert.int8 import metadata
from convert.int8.writing import write_model
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras


def convert_foreign(
    model: keras.Model,
    images: NDArray[np.uint8],
    *,
    scale: Sequence[float],
    offset: Sequence[float],
    dtype: str,
    output: str | None = None,
) -> bytes:
    """Convert a model of pixels to one that is fed pixel * scale + offset, with an open batch.

    Args:
        model: takes pixels, 0-255.
        images: uint8 (n, height, width, 3), to calibrate on.
        scale: of R, G and B.
        offset: of R, G and B.
        dtype: of the two ends: "float32", "uint8" or "int8"; "inside" is a model that is quantized
            with the converter's default ends, float32.
        output: of the output, where that is another.
    """
    with quiet():
        import keras
        import tensorflow as tf

        factors, shifts = np.array(scale, np.float32), np.array(offset, np.float32)
        picture = keras.Input(model.inputs[0].shape[1:], name="normalized")
        undone = keras.layers.Rescaling((1 / factors).tolist(), (-shifts / factors).tolist())
        foreign = keras.Model(picture, model(undone(picture)))
        converter = tf.lite.TFLiteConverter.from_keras_model(foreign)
        if dtype != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [(image * factors + shifts)[np.newaxis].astype(np.float32)] for image in images
            )
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            source = "float32" if dtype == "inside" else dtype
            converter.inference_input_type = getattr(tf, source)
            converter.inference_output_type = getattr(tf, output or source)
        return bytes(converter.convert())


def changed(flatbuffer: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a model after `change` of its object tree."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    change(model)
    return write_model(model)


def with_external_buffer(flatbuffer: bytes) -> bytes:
    """Return a model one of whose buffers lies behind the flatbuffer, as those of 2 GB have it."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    buffer = next(b for b in model.buffers if b.data is not None)
    buffer.data, buffer.offset, buffer.size = None, len(flatbuffer), 16
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output()) + bytes(4096)


def with_metadata(
    flatbuffer: bytes, *, mean: float, std: float, labels: Sequence[str] | None
) -> bytes:
    """Return a model with standard metadata and, compressed behind it, a file of labels."""

    def vector(value: float) -> bytes:
        return (1).to_bytes(4, "little") + np.float32(value).tobytes()

    tables = metadata.metadata_buffer(name="theirs", description="", height=16, width=16)
    # Ours states the identity: no other vector has the one element 1.0, two have 0.0 (also the
    # smallest value, which nobody reads).
    assert tables.count(vector(1.0)) == 1
    tables = tables.replace(vector(1.0), vector(std)).replace(vector(0.0), vector(mean))

    def add(model: Any) -> None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers)
        model.metadata = [*(model.metadata or []), entry]
        buffer = schema.BufferT()
        buffer.data = tables
        model.buffers.append(buffer)

    data = changed(flatbuffer, add)
    if labels is None:
        return data
    stream = io.BytesIO()
    stream.write(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "\n".join(labels))
    return stream.getvalue()
