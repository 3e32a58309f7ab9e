"""Outputs of golden vectors beside those of the desk: how far off they are, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.manifest import Manifest

if TYPE_CHECKING:
    import numpy.typing as npt

FLOAT_TOLERANCE = 1e-4
"""How far float32 outputs may be off, in units of the largest expected one, but at least of 1.

Kernels add in different orders. Softmax scores of two ResNets on 16 pictures differ by at most
2.9e-6 between LiteRT on x86-64 and LiteRT or tflite-runtime on x86-64 and on emulated Raspberry Pi
3, 4, 5 and 3 with 32 bits. Half-precision kernels would differ by more than the tolerance.
"""

OTHER_KERNELS_STEPS = {"tflite-runtime": 8}
"""How many steps 8-bit outputs may be off on a runtime with other kernels than the desk's, by its
name, where the file says less.

A step of rounding in one layer may grow on its way to the output, in some graphs more than in
others: outputs of sound models are up to 4 off with tflite-runtime's kernels, or LiteRT's without
XNNPACK. A step is a 256th of the output's range, and the best class must be the same anyway.
"""

# Kernels with float32 in and out and int8 weights quantize each input anew. A value between two
# codes goes to either, by the last bits of what came before: scores of one model on 60 pictures
# differed by up to 1.8e-4 between x86-64 and an emulated Raspberry Pi 5. Source of the versions:
# TFLite's tools/versioning/op_version.cc.
_DYNAMIC_RANGE = {
    "CONV_2D": (2, 5),
    "DEPTHWISE_CONV_2D": (4, 6),
    "FULLY_CONNECTED": (3, 9, 12),
}

# An integer graph with float32 ends has these: what is one step off inside is more than rounding
# of float32 at the end, and the manifest does not say how much.
_INTEGER_INSIDE = {"QUANTIZE": (1, 2, 3), "DEQUANTIZE": (2,)}

_MAX_PROBLEMS = 3  # named one by one; a broken kernel fails all of them


def tolerance_of(manifest: Manifest, runtime: RuntimeInfo) -> float | None:
    """Return how far a model's outputs may be off, in the unit of `differences`.

    None if the manifest says nothing about the runtime, and for a model with integers inside and a
    float32 output, whose outputs have no such bound: the best classes alone are compared then.
    """
    if manifest.output.dtype == "float32":
        integers = any(
            op.version in (*_DYNAMIC_RANGE.get(op.name, ()), *_INTEGER_INSIDE.get(op.name, ()))
            for op in manifest.runtime.ops
        )
        return None if integers else FLOAT_TOLERANCE
    steps = manifest.runtime.tolerance_steps.get(runtime.name)
    return None if steps is None else allowed_steps(runtime.name, steps)


def allowed_steps(runtime_name: str, stated: int) -> int:
    """Return how many steps 8-bit outputs may be off on a runtime for which a file states so many.

    That is more than stated where `OTHER_KERNELS_STEPS` allows more.
    """
    return max(stated, OTHER_KERNELS_STEPS.get(runtime_name, 0))


def differences(outputs: npt.NDArray[Any], expected: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return how far raw outputs are off.

    Args:
        outputs: (k, classes) of an 8-bit dtype or float32.
        expected: The same of the desk.

    Returns:
        float64 (k, classes), from 0: quantization steps, or for float32 the difference divided by
        the largest expected output, which counts as 1 if it is smaller. NaN stays NaN.
    """
    off: npt.NDArray[np.float64]
    off = np.abs(outputs.astype(np.float64) - expected.astype(np.float64))
    if expected.dtype != np.float32:
        return off
    off /= np.maximum(1.0, np.abs(expected.astype(np.float64)).max(axis=1, keepdims=True))
    return off


def wrong_answers(
    outputs: npt.NDArray[Any],
    expected: npt.NDArray[Any],
    labels: Sequence[str],
    *,
    tolerance: float | None,
) -> list[str]:
    """Return what is wrong with the outputs of golden vectors, as sentences; none if all is right.

    Args:
        outputs: (k, classes) of this machine.
        expected: (k, classes) of the desk.
        labels: Of the classes.
        tolerance: In the unit of `differences`; None compares the best classes alone.
    """
    off = differences(outputs, expected).max(axis=1)
    problems = []
    for index, (got, wanted) in enumerate(
        zip(outputs.argmax(axis=1), expected.argmax(axis=1), strict=True)
    ):
        where = f"golden vector {index}"
        if got != wanted:
            problems.append(f"{where}: expected {labels[wanted]!r}, got {labels[got]!r}")
        elif tolerance is not None and not off[index] <= tolerance:  # true for NaN
            problems.append(
                f"{where}: expected outputs at most {tolerance:g} off, got {off[index]:g}"
            )
    more = len(problems) - _MAX_PROBLEMS
    return problems if more <= 0 else [*problems[:_MAX_PROBLEMS], f"and {more} more"]
