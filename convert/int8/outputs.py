"""A flatbuffer that also gives what is inside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convert.int8.writing import read_model, write_model


def with_outputs(flatbuffer: bytes, tensors: Sequence[int]) -> bytes:
    """Return the model with more outputs, behind its own; the runtime keeps their values.

    Args:
        flatbuffer: a TFLite model.
        tensors: indices; the graph's inputs and outputs among them change nothing.
    """
    model = read_model(flatbuffer)
    graph = model.subgraphs[0]
    own = [int(number) for number in graph.outputs]
    known = {*own, *map(int, graph.inputs)}
    added = dict.fromkeys(number for number in tensors if number not in known)
    graph.outputs = np.array([*own, *added], dtype=np.int32)
    model.signatureDefs = None  # they would name the old outputs only
    return write_model(model)
