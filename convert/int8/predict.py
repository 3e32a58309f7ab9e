"""A flatbuffer's answers to many pictures, in the runtime that the device uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.quiet import quiet
from minivgg_edge.interpreter import Engine
from minivgg_edge.scoring import pixel_table

NUM_THREADS = 2


def predict(
    flatbuffer: bytes, images: NDArray[np.uint8], *, num_threads: int = NUM_THREADS
) -> NDArray[Any]:
    """Run a model over pictures of its own input size.

    Args:
        flatbuffer: a TFLite classifier with a uint8, int8 or float32 input of real pixels 0-255.
        images: uint8 (n, height, width, 3), RGB, 0-255.
        num_threads: of the runtime's kernels.

    Returns:
        (n, classes) of the output's dtype, not dequantized.

    Raises:
        ConversionError: a float32 model answers with NaN or infinity.
        ModelError: the runtime refuses the model.
    """
    with quiet():  # the runtime announces its delegate on stderr
        engine = Engine(flatbuffer, num_threads=num_threads)
    table = pixel_table(engine.input)
    outputs = np.empty((len(images), engine.output.shape[1]), dtype=engine.output.dtype)
    for index, picture in enumerate(images):
        outputs[index] = engine.run(picture if table is None else table[picture])
    if not np.isfinite(outputs).all():
        raise ConversionError("expected finite outputs of the float model, got NaN or infinity")
    return outputs
