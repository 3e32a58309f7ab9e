"""What each operator of an int8 model rounds, in real numbers: its constants and its output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.writing import read_model
from convert.layer_error.matching import Match, Matching

# They hand on stored values, so with the scale of their input they round nothing.
_EXACT = frozenset(
    {
        "CONCATENATION",
        "EXPAND_DIMS",
        "MAX_POOL_2D",
        "PAD",
        "RESHAPE",
        "SLICE",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TRANSPOSE",
    }
)
_WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
# Half a step is what rounding costs; float32 arithmetic of the converter comes on top.
_MOST_STEPS = 0.51


@dataclass(frozen=True, slots=True)
class Constant:
    """A quantized constant of an operator.

    Attributes:
        true: in the float model, float64.
        rounded: in the int8 model, in real numbers, float64, of the same shape.
        scales: of each element, float64, broadcastable to the shape.
    """

    true: NDArray[np.float64]
    rounded: NDArray[np.float64]
    scales: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rounding:
    """What one operator rounds.

    Attributes:
        scale: of its output.
        zero_point: of its output.
        constants: by the position among the operator's inputs.
        exact: it only hands on values: its output is not rounded anew.
        channel_axis: axis of the weights that numbers the outputs; None without weights.
        source: number of its first input in the float model; None of the input itself.
    """

    scale: float
    zero_point: int
    constants: Mapping[int, Constant]
    exact: bool
    channel_axis: int | None
    source: int | None

    @property
    def weights(self) -> Constant | None:
        """Of a convolution or dense layer."""
        return None if self.channel_axis is None else self.constants.get(1)

    @property
    def rounds(self) -> bool:
        """Whether the operator adds an error of its own."""
        return not self.exact or bool(self.constants)


def read_roundings(reference: bytes, target: bytes, matching: Matching) -> tuple[Rounding, ...]:
    """Return what the matched operators round, in their order.

    Args:
        reference: the float32 model.
        target: the int8 model.
        matching: of the two.

    Raises:
        ConversionError: the weights of the int8 model are not those of the float model.
    """
    ours, theirs = read_model(reference), read_model(target)
    return tuple(_rounding(ours, theirs, match) for match in matching.matches)


def _rounding(reference: Any, target: Any, match: Match) -> Rounding:
    output = target.subgraphs[0].tensors[match.target].quantization
    scale, zero_point = float(output.scale[0]), int(output.zeroPoint[0])
    if match.float_operation is None or match.int8_operation is None:
        return Rounding(scale, zero_point, {}, False, None, None)
    ours = reference.subgraphs[0].operators[match.float_operation]
    theirs = target.subgraphs[0].operators[match.int8_operation]
    constants = {}
    for position, (a, b) in enumerate(zip(ours.inputs, theirs.inputs, strict=False)):
        found = _constant(reference, target, int(a), int(b)) if min(a, b) >= 0 else None
        if found is not None:
            constants[position] = found
    weighted = _WEIGHTED.get(match.kind)
    if weighted is not None and 1 in constants:
        _check_weights(constants[1], match)
    before = target.subgraphs[0].tensors[theirs.inputs[0]].quantization
    exact = match.kind in _EXACT and _same_scale(before, output)
    return Rounding(scale, zero_point, constants, exact, weighted, int(ours.inputs[0]))


def _constant(reference: Any, target: Any, ours: int, theirs: int) -> Constant | None:
    """Return a constant of both models, None if it is computed or not quantized."""
    true = _stored(reference, ours)
    codes = _stored(target, theirs)
    tensor = target.subgraphs[0].tensors[theirs]
    quantization = tensor.quantization
    if true is None or codes is None or quantization is None or quantization.scale is None:
        return None
    if true.shape != codes.shape:
        raise ConversionError(
            f"{tensor.name.decode()}: expected constants of {true.shape} as in the float model, "
            f"got {codes.shape}: it is another model's"
        )
    shape = [1] * codes.ndim
    if len(quantization.scale) > 1:
        shape[quantization.quantizedDimension] = -1
    scales = np.asarray(quantization.scale, dtype=np.float64).reshape(shape)
    zero_points = np.asarray(quantization.zeroPoint, dtype=np.float64).reshape(shape)
    return Constant(true, (codes - zero_points) * scales, scales)


def _stored(model: Any, number: int) -> NDArray[np.float64] | None:
    """The values of a constant tensor as they are stored; None if it is computed."""
    from ai_edge_litert import schema_py_generated as schema

    tensor = model.subgraphs[0].tensors[number]
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0:
        return None
    dtypes = {
        value: name.lower()
        for name, value in vars(schema.TensorType).items()
        if isinstance(value, int)
    }
    shape = () if tensor.shape is None else tuple(tensor.shape)
    if tensor.type == schema.TensorType.INT4:
        # Two codes in a byte, the lower four bits first.
        packed = np.frombuffer(bytes(data), dtype=np.uint8)
        codes = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)[: math.prod(shape)]
        stored = codes.astype(np.int8) - 16 * (codes > 7)
    else:
        stored = np.frombuffer(bytes(data), dtype=dtypes[tensor.type])
    return stored.reshape(shape).astype(np.float64)


def _check_weights(weights: Constant, match: Match) -> None:
    steps = np.abs(weights.true - weights.rounded) / weights.scales
    if steps.max() > _MOST_STEPS:
        raise ConversionError(
            f"{match.layer}: expected weights within half a step of the float model's, got "
            f"{steps.max():.1f} steps: the int8 model was made of other weights"
        )


def _same_scale(before: Any, after: Any) -> bool:
    if before is None or before.scale is None or len(before.scale) != 1:
        return False
    return bool(before.scale[0] == after.scale[0] and before.zeroPoint[0] == after.zeroPoint[0])
