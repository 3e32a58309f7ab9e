"""Any tensors of a flatbuffer, picture by picture, as the kernels of the device compute them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.int8.graph import Tensor, read_graph
from convert.int8.outputs import with_outputs
from convert.int8.predict import NUM_THREADS
from convert.quiet import quiet
from minivgg_edge.scoring import pixel_table
from minivgg_edge.tensors import read_tensor_spec

Tensors = dict[int, NDArray[Any]]


def run_tensors(
    flatbuffer: bytes, tensors: Sequence[int], images: NDArray[np.uint8]
) -> Iterator[Tensors]:
    """Yield some tensors for each picture, as they are stored; one picture's are held at a time.

    They become outputs of the graph: an interpreter that preserves all tensors does without the
    delegate that the device uses.

    Args:
        flatbuffer: a verified TFLite model whose input takes pixels, 0-255, of any dtype.
        tensors: numbers of tensors in the flatbuffer, none of them constant.
        images: uint8 (n, height, width, 3), RGB, 0-255.

    Yields:
        By number, in the tensor's dtype and shape. The arrays are the caller's own.
    """
    from ai_edge_litert.interpreter import Interpreter

    source = with_outputs(flatbuffer, tensors)
    with quiet():  # the runtime announces its delegate on stderr
        interpreter = Interpreter(model_content=source, num_threads=NUM_THREADS)
        interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    table = pixel_table(read_tensor_spec("input", details, source="the model"))
    number = details[0]["index"]
    for picture in images:
        fed = (picture if table is None else table[picture])[np.newaxis]
        interpreter.set_tensor(number, fed)
        interpreter.invoke()
        yield {
            index: fed if index == number else interpreter.get_tensor(index) for index in tensors
        }


def run_values(
    flatbuffer: bytes, tensors: Sequence[int], images: NDArray[np.uint8]
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """Yield what `run_tensors` does, dequantized.

    Args:
        flatbuffer: see `run_tensors`.
        tensors: numbers of tensors with at most one scale each, none of them constant.
        images: uint8 (n, height, width, 3), RGB, 0-255.

    Yields:
        By number: float32 in the tensor's shape. The arrays are the caller's own.
    """
    known = read_graph(flatbuffer).tensors
    for stored in run_tensors(flatbuffer, tensors, images):
        yield {number: _real(values, known[number]) for number, values in stored.items()}


def _real(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    if not tensor.scales:
        return values.astype(np.float32, copy=False)
    (scale,), (zero_point,) = tensor.scales, tensor.zero_points
    real: NDArray[np.float32] = (values.astype(np.float32) - np.float32(zero_point)) * np.float32(
        scale
    )
    return real
