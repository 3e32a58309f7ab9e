"""A changed TFLite model back to bytes, as kernels need them."""

from __future__ import annotations

from typing import Any

import flatbuffers

# TFLite's schema asks for it (`force_align: 16`); kernels read weights in place. The Python code
# generated from the schema ignores it.
_BUFFER_ALIGNMENT = 16
_OVERHEAD_BYTES = 4096  # of a small model without its buffers; only a start, the builder grows


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
