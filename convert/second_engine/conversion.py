"""ai-edge-quantizer: a float flatbuffer and ranges in, a static int8 flatbuffer out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.conversion import Io
from convert.int8.graph import Graph, read_graph
from convert.int8.ranges import Range
from convert.quiet import quiet
from convert.second_engine.ends import with_uint8_ends
from convert.second_engine.versions import with_versions

DenseBits = Literal[4, 8]

_T = TypeVar("_T")
_ACTIVATION_BITS = 8
_WEIGHT_BITS = 8


def quantize_static(
    float_model: bytes,
    ranges: Mapping[str, Range],
    *,
    io: Io = "uint8",
    dense_bits: DenseBits = 8,
    dense_names: Sequence[str] | None = None,
) -> bytes:
    """Quantize weights per output channel and activations per tensor: the same in, the same out.

    The library itself gives the graph int8 ends only, and leaves the operators the versions of the
    float graph; both are put right here.

    Args:
        float_model: what `convert.int8.conversion.convert_float` returns.
        ranges: lowest and highest value of each activation by tensor name, as
            `convert.int8.ranges.read_ranges` gives them. Nothing else is calibrated.
        io: dtype of the graph's input and output.
        dense_bits: of the weights of dense layers; the graph is no int8 model with 4.
        dense_names: names of the output tensors of the dense layers that get `dense_bits`; None:
            all of them.

    Raises:
        ConversionError: the library is not installed or failed, or a range is missing.
    """
    graph = read_graph(float_model)
    statistics = _statistics(graph, ranges)

    def run(quantizer: Any) -> bytes:
        engine = quantizer.Quantizer(bytearray(float_model))
        for kind in ("*", "INPUT", "OUTPUT"):
            engine.add_static_config(".*", kind, _ACTIVATION_BITS, _WEIGHT_BITS)
        if dense_bits != _WEIGHT_BITS:
            for scope in [".*"] if dense_names is None else map(re.escape, dense_names):
                engine.add_static_config(scope, "FULLY_CONNECTED", _ACTIVATION_BITS, dense_bits)
        found = engine.quantize(statistics, enable_progress_bar=False, enable_progress_report=False)
        return bytes(found.quantized_model)

    int8_ends = with_versions(_guarded(run))
    return with_uint8_ends(int8_ends) if io == "uint8" else int8_ends


def calibrate(float_model: bytes, pictures: NDArray[np.uint8]) -> dict[str, Range]:
    """Let the library find the ranges: lowest and highest value over all pictures.

    Its own default, an average that moves from picture to picture, is not used: it forgets the
    extremes, which then saturate.

    Args:
        float_model: what `convert.int8.conversion.convert_float` returns.
        pictures: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.

    Returns:
        What `quantize_static` takes, in the order of the graph.

    Raises:
        ConversionError: the library is not installed or failed.
    """
    graph = read_graph(float_model)

    def run(quantizer: Any) -> dict[str, Range]:
        from ai_edge_quantizer import calibrator, recipe_manager
        from ai_edge_quantizer.utils import qsv_utils

        manager = recipe_manager.RecipeManager()
        for kind in ("*", "INPUT", "OUTPUT"):
            manager.add_static_config(".*", kind, _ACTIVATION_BITS, _WEIGHT_BITS)
        engine = calibrator.Calibrator(
            bytes(float_model), num_threads=1, qsv_update_func=qsv_utils.min_max_update
        )
        signature, name = _signature(engine)
        engine.calibrate({signature: list(_samples(name, pictures))}, manager)
        found = engine.get_model_qsvs()
        return {
            name: (float(np.min(found[name]["min"])), float(np.max(found[name]["max"])))
            for name in _activations(graph)
        }

    return _guarded(run)


def _signature(engine: Any) -> tuple[str, str]:
    """The one signature of the model and the name of its one input."""
    signature = next(iter(engine.get_signature_list()))
    runner = engine._tfl_interpreter.get_signature_runner(signature)
    return signature, next(iter(runner.get_input_details()))


def _samples(name: str, pictures: NDArray[np.uint8]) -> Iterator[dict[str, NDArray[np.float32]]]:
    for picture in pictures:
        yield {name: picture[np.newaxis].astype(np.float32)}


def _activations(graph: Graph) -> list[str]:
    order = [*graph.inputs, *(index for op in graph.operations for index in op.outputs)]
    return [graph.tensors[index].name for index in order]


def _statistics(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, dict[str, Any]]:
    """Ranges in the library's form: arrays of one value, with the tensor's number of axes."""
    axes = {tensor.name: len(tensor.shape) for tensor in graph.tensors}
    names = _activations(graph)
    missing = [name for name in names if name not in ranges]
    if missing:
        raise ConversionError(f"expected a range of every activation, got none of {missing[0]!r}")
    return {
        name: {
            side: np.full((1,) * axes[name], value, dtype=np.float32)
            for side, value in zip(("min", "max"), ranges[name], strict=True)
        }
        for name in names
    }


def _guarded(run: Callable[[Any], _T]) -> _T:
    """Run the library in silence; its errors become one with its own words."""
    failure: Exception | None = None
    with quiet(), warnings.catch_warnings():
        # It preserves all tensors on purpose, and the runtime warns of the memory that takes.
        warnings.simplefilter("ignore", UserWarning)
        try:
            from ai_edge_quantizer import quantizer
        except ModuleNotFoundError as error:
            raise ConversionError(
                f"expected ai-edge-quantizer, got none ({error.name}); run "
                '`pip install "minivgg-edge[second-engine]"`'
            ) from error
        try:
            result = run(quantizer)
        except (ValueError, RuntimeError, LookupError, TypeError, NotImplementedError) as error:
            failure = error
    if failure is not None:
        raise ConversionError(f"ai-edge-quantizer failed: {failure}") from failure
    return result
