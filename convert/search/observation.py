"""What the activations of a calibrated model are like on the calibration pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.errors import DataError
from convert.int8.graph import Graph, read_graph
from convert.int8.ranges import SAME_SCALE, Range, read_ranges
from convert.int8.running import run_values
from convert.search.clipping import clipped_range
from convert.search.histogram import Histogram
from convert.search.layers import read_layers
from convert.search.method import Method

# The scale of their output is fixed by TFLite's specification of 8-bit quantization.
_FIXED_SCALE = ("LOGISTIC", "SOFTMAX", "TANH", "LOG_SOFTMAX")


@dataclass(frozen=True, slots=True)
class Observation:
    """Statistics of activations by name of tensor.

    Attributes:
        inputs: range of the pixels that went in, by name of the input.
        histograms: of every tensor whose range a rule decides. Where only max-pooling and
            reshaping read the tensor, which keep its scale, they are of what comes out behind
            these: what they drop needs no codes.
        peaks: largest absolute value per channel, float64 (channels,), of each layer's output.
        means: mean value, float64 in the tensor's shape, of each layer's input, by the name of the
            layer.
    """

    inputs: dict[str, Range]
    histograms: dict[str, Histogram]
    peaks: dict[str, NDArray[np.float64]]
    means: dict[str, NDArray[np.float64]]

    def ranges(self, method: Method) -> dict[str, Range]:
        """Return the range of every activation by the rule of `method`; the pixels keep theirs.

        An activation that was zero on all pictures is left out: the converter's own range stays.
        """
        live = {name: h for name, h in self.histograms.items() if h.span > 0.0}
        return self.inputs | {name: clipped_range(h, method) for name, h in live.items()}


def observe(calibrated: bytes, images: NDArray[np.uint8]) -> Observation:
    """Run the calibrated model over pictures and keep what the methods need.

    Args:
        calibrated: from `convert.int8.conversion.convert_calibrated`, weights changed or not.
        images: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.

    Raises:
        DataError: all of them are black, which no range can be chosen by.
    """
    if not images.any():
        raise DataError(
            f"calibration: expected pictures of what the model will see, got {len(images)} that "
            "are all black"
        )
    graph = read_graph(calibrated)
    observed = _observed(graph, set(read_ranges(calibrated)))
    layers = read_layers(calibrated)
    histograms = {name: Histogram() for name in observed}
    peaks = {layer.name: np.zeros(graph.tensors[layer.target].shape[-1]) for layer in layers}
    sums = {layer.name: np.zeros(graph.tensors[layer.source].shape) for layer in layers}
    ends = [layer.source for layer in layers] + [layer.target for layer in layers]
    wanted = sorted({*observed.values(), *ends})
    for values in run_values(calibrated, wanted, images):
        for name, number in observed.items():
            histograms[name].add(values[number])
        for layer in layers:
            sums[layer.name] += values[layer.source]
            output = np.abs(values[layer.target])
            highest = output.max(axis=tuple(range(output.ndim - 1)))
            np.maximum(peaks[layer.name], highest, out=peaks[layer.name])
    pixels = float(images.min()), float(images.max())
    return Observation(
        {graph.tensors[number].name: pixels for number in graph.inputs},
        histograms,
        peaks,
        {name: total / len(images) for name, total in sums.items()},
    )


def _observed(graph: Graph, known: set[str]) -> dict[str, int]:
    """By name of the tensor whose range is to be chosen, the tensor that is looked at."""
    readers: dict[int, list[int]] = {}
    for position, operation in enumerate(graph.operations):
        for number in operation.inputs:
            readers.setdefault(number, []).append(position)
    found = {}
    for operation in graph.operations:
        number = operation.outputs[0]
        name = graph.tensors[number].name
        if operation.name in (*SAME_SCALE, *_FIXED_SCALE) or name not in known:
            continue
        while len(readers.get(number, ())) == 1:
            (reader,) = (graph.operations[position] for position in readers[number])
            if reader.name not in SAME_SCALE:
                break
            number = reader.outputs[0]
        found[name] = number
    return found
