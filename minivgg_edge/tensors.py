"""The input and output tensor of a model: read from the runtime, compared with the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minivgg_edge.errors import ModelFileError
from minivgg_edge.manifest import Manifest
from minivgg_edge.record import Record


class TensorSpec(Record):
    """Shape, dtype and quantization of a tensor; scale and zero point are None for float32."""

    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


def read_tensor_spec(role: str, details: Sequence[Mapping[str, Any]], *, source: str) -> TensorSpec:
    """Read the one tensor of a model's input or output.

    Args:
        role: "input" or "output".
        details: What `get_input_details` or `get_output_details` of the interpreter returns.
        source: The model file's name for messages.

    Raises:
        ModelFileError: There is not exactly one tensor, the input is not (1, H, W, 3), the output
            not (1, classes), or it has more than one scale.
    """
    if len(details) != 1:
        raise ModelFileError(f"{source!r}: expected one {role} tensor, got {len(details)}")
    shape = tuple(map(int, details[0]["shape"]))
    if role == "input":
        wanted = "(1, H, W, 3)"
        fits = shape == (1, *shape[1:3], 3)
    else:
        wanted = "(1, classes)"
        fits = shape == (1, *shape[-1:])
    if not fits:
        raise ModelFileError(f"{source!r}: {role} tensor: expected shape {wanted}, got {shape}")
    dtype = np.dtype(details[0]["dtype"]).name
    parameters = details[0]["quantization_parameters"]
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if len(scales) == 0:
        return TensorSpec(shape, dtype, None, None)
    if len(scales) > 1:
        raise ModelFileError(f"{source!r}: {role} tensor: expected one scale, got {len(scales)}")
    return TensorSpec(shape, dtype, float(scales[0]), int(zero_points[0]))


def check_tensor_specs(
    manifest: Manifest, got_input: TensorSpec, got_output: TensorSpec, *, source: str
) -> None:
    """Compare a model's tensors with its manifest.

    Raises:
        ModelFileError: A shape, dtype, scale or zero point differs.
    """
    spec, out = manifest.input, manifest.output
    input_shape = (1, spec.height, spec.width, 3)
    expected_input = TensorSpec(input_shape, spec.dtype, _stored(spec.scale), spec.zero_point)
    expected_output = TensorSpec((1, out.classes), out.dtype, _stored(out.scale), out.zero_point)
    pairs = (("input", expected_input, got_input), ("output", expected_output, got_output))
    for role, expected, got in pairs:
        if got != expected:
            raise ModelFileError(
                f"{source!r}: {role} tensor: expected, by the manifest, {expected}, got {got}"
            )


def _stored(scale: float | None) -> float | None:
    """Return a scale as the flatbuffer holds it, in float32; JSON may have more digits."""
    return None if scale is None else float(np.float32(scale))
