"""Operator versions and minimum runtime as a graph's dtypes need them."""

from __future__ import annotations

import numpy as np

from convert.int8.graph import read_graph
from convert.int8.operator_version import version_of
from convert.int8.runtime_version import minimum_runtime
from convert.int8.writing import read_model, write_model

_NOTE = b"min_runtime_version"
_NOTE_BYTES = 16  # the converter pads it so


def with_versions(flatbuffer: bytes) -> bytes:
    """Return the model with versions that make a runtime refuse what it cannot compute.

    Raises:
        AuditError: the bytes are no TFLite model, or an operator is not known here.
    """
    graph = read_graph(flatbuffer)
    model = read_model(flatbuffer)
    for node, operation in zip(model.subgraphs[0].operators, graph.operations, strict=True):
        code = model.operatorCodes[node.opcodeIndex]
        # Nodes share a code: it needs the highest of what they need.
        code.version = max(code.version, version_of(graph, operation))
    note = minimum_runtime(graph).encode("ascii").ljust(_NOTE_BYTES, b"\0")
    for entry in model.metadata or ():
        if entry.name == _NOTE:
            model.buffers[entry.buffer].data = np.frombuffer(note, dtype=np.uint8)
    return write_model(model)
