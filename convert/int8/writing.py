"""A TFLite model as objects that can be changed, and back to bytes as kernels need them."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

# TFLite's schema asks for it (`force_align: 16`); kernels read weights in place. The Python code
# generated from the schema ignores it.
_BUFFER_ALIGNMENT = 16
_NO_OFFSET = 1  # the schema's words: 0 or 1 where the buffer is in the flatbuffer
_OVERHEAD_BYTES = 4096  # of a small model without its buffers; only a start, the builder grows


def read_model(flatbuffer: bytes) -> Any:
    """Return a model as a `ModelT` of LiteRT's schema module, with all its weights in it.

    Some writers lay the weights behind the flatbuffer and only say where: they are taken in, since
    what `write_model` writes begins elsewhere and ends with the flatbuffer.

    Args:
        flatbuffer: a TFLite model whose structure was read before; see `convert.int8.graph`.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    for buffer in model.buffers:
        if buffer.offset > _NO_OFFSET:
            data = flatbuffer[buffer.offset : buffer.offset + buffer.size]
            buffer.data = np.frombuffer(data, dtype=np.uint8)
            buffer.offset = buffer.size = 0
    return model


def write_model(model: Any) -> bytes:
    """Return the flatbuffer of a model with its buffers aligned; same model, same bytes.

    Args:
        model: a `ModelT` of LiteRT's schema module. Its buffers are replaced by equal ones.
    """
    from ai_edge_litert import schema_py_generated as schema

    class AlignedBuffer(schema.BufferT):
        def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - overrides
            data = b"" if self.data is None else bytes(self.data)
            vector = _aligned_bytes(builder, data) if data else None
            schema.BufferStart(builder)
            if vector is not None:
                schema.BufferAddData(builder, vector)
            return int(schema.BufferEnd(builder))

    buffers = []
    for buffer in model.buffers:
        aligned = AlignedBuffer()
        aligned.data = buffer.data
        buffers.append(aligned)
    model.buffers = buffers
    size = sum(len(buffer.data) for buffer in buffers if buffer.data is not None)
    builder = flatbuffers.Builder(size + _OVERHEAD_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _aligned_bytes(builder: flatbuffers.Builder, data: bytes) -> int:
    """A byte vector whose data starts at a multiple of 16, copied in one piece."""
    builder.StartVector(1, len(data), _BUFFER_ALIGNMENT)
    builder.head = builder.Head() - len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return int(builder.EndVector())
