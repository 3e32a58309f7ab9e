"""The ranges of the pixels, and of what is made of single pixels: known beforehand, not measured.

Calibration pictures need not have a pixel of 255: those of dark rooms have none. Their range would
make all that is brighter one value, in a model that works by day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convert.int8.graph import read_graph
from convert.int8.ranges import read_ranges, write_ranges
from convert.int8.running import run_values

# With a constant beside the pixels: how normalization is written where it cannot be folded. Each
# value depends on one pixel, rises or falls with it, and has its ends where the pixel has them.
_ELEMENTWISE = ("ADD", "DIV", "MUL", "SUB")
_LOWEST, _HIGHEST = 0, 255


def spans_all(images: NDArray[np.uint8]) -> bool:
    """Whether some pixel is 0 and some is 255: then the measured range is the known one.

    Args:
        images: uint8 of any shape, not empty.
    """
    return int(images.min()) == _LOWEST and int(images.max()) == _HIGHEST


def cover_pixels(calibrated: bytes) -> bytes:
    """Return the model with ranges that hold what any pixel can become in front of the first layer.

    The input's is 0 to 255, so that a quantized pixel is the pixel.

    Args:
        calibrated: what `convert.int8.conversion.convert_calibrated` returns.

    Raises:
        ConversionError: there is no range in it.
    """
    graph = read_graph(calibrated)
    (pixels,) = graph.inputs
    followed = [pixels]
    for operation in graph.operations:
        changing = [n for n in operation.inputs if not graph.tensors[n].constant]
        if operation.name in _ELEMENTWISE and len(changing) == 1 and changing[0] in followed:
            followed += operation.outputs
    shape = graph.tensors[pixels].shape[1:]
    ends = np.stack([np.full(shape, end, np.uint8) for end in (_LOWEST, _HIGHEST)])
    found = list(run_values(calibrated, followed, ends))
    known = read_ranges(calibrated)
    ranges = {}
    for number in followed:
        name = graph.tensors[number].name
        if name in known:
            values = [
                float(bound) for one in found for bound in (one[number].min(), one[number].max())
            ]
            ranges[name] = (min(values), max(values))
    return write_ranges(calibrated, ranges)
