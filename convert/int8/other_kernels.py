"""A flatbuffer's answers by the runtime's own kernels, without XNNPACK, as in tflite-runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.quiet import quiet


def without_xnnpack(
    flatbuffer: bytes, pictures: NDArray[np.uint8], table: NDArray[Any] | None
) -> NDArray[Any]:
    """Run a model without XNNPACK.

    Args:
        flatbuffer: a TFLite classifier.
        pictures: uint8 (n, height, width, 3), RGB, 0-255.
        table: of its input, see `minivgg_edge.scoring.pixel_table`.

    Returns:
        (n, classes) of the output's dtype, not dequantized.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with quiet():
        interpreter = Interpreter(
            model_content=flatbuffer,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    outputs = []
    for picture in pictures:
        tensor = picture if table is None else table[picture]
        interpreter.set_tensor(source, tensor[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target)[0])
    return np.stack(outputs)
