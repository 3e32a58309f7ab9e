"""Every activation of a flatbuffer, picture by picture, as the kernels of the device compute it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.int8.outputs import with_outputs
from convert.int8.predict import NUM_THREADS
from convert.quiet import quiet

Values = dict[int, NDArray[np.float32]]


def activations(
    flatbuffer: bytes, tensors: Sequence[int], images: NDArray[np.uint8]
) -> Iterator[Values]:
    """Yield the values of some tensors for each picture, dequantized.

    The tensors become outputs of the graph: this keeps the delegate, which an interpreter that
    preserves all tensors does without.

    Args:
        flatbuffer: a verified TFLite model with one float32 input of pixels, 0-255.
        tensors: numbers of the tensors in the flatbuffer, none of them constant.
        images: uint8 (n, height, width, 3), RGB, 0-255.

    Yields:
        By number: float32 in the tensor's shape. The arrays are the caller's own.
    """
    from ai_edge_litert.interpreter import Interpreter

    source = with_outputs(flatbuffer, tensors)
    with quiet():  # the runtime announces its delegate on stderr
        interpreter = Interpreter(model_content=source, num_threads=NUM_THREADS)
        interpreter.allocate_tensors()
    (input_details,) = interpreter.get_input_details()
    outputs = {entry["index"]: entry["quantization"] for entry in interpreter.get_output_details()}
    for picture in images:
        values = picture[np.newaxis].astype(np.float32)
        interpreter.set_tensor(input_details["index"], values)
        interpreter.invoke()
        yield {
            number: values
            if number == input_details["index"]
            else _real(interpreter.get_tensor(number), *outputs[number])
            for number in tensors
        }


def _real(values: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    if values.dtype == np.float32:
        return values
    real: NDArray[np.float32] = (values.astype(np.float32) - np.float32(zero_point)) * np.float32(
        scale
    )
    return real
