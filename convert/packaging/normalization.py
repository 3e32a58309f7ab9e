"""What a foreign model's input tensor means in pixels: real value = pixel * scale + offset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from convert.int8.graph import Tensor
from convert.packaging.errors import AdoptionError
from minivgg_edge.quantization import QuantizedDtype, input_table

_CHANNELS = 3
# The three ways that image classifiers are trained; how their ranges are recognized.
_USUAL = {
    (0.0, 255.0): "--scale 1",
    (0.0, 1.0): "--scale 1/255",
    (-1.0, 1.0): "--scale 1/127.5 --offset -1",
}
# Of the range: a quantization's ends lie within a step (1/255) of what it was calibrated on.
_RANGE_TOLERANCE = 0.01
# Scales are float32 and typed by hand: of a whole range of 255 codes this is a fiftieth of one.
_SAME_SCALE = 1e-4
_SAME = 1e-5
_MOST_CUT_OFF = 0.25
_FEWEST_CODES = 16


@dataclass(frozen=True, slots=True)
class Normalization:
    """How pixels, 0-255, become the real values that a model was trained on.

    Attributes:
        scale: of R, G and B.
        offset: of R, G and B, added after the scale.
        origin: who says so: "option", "metadata" or "quantization".
    """

    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    origin: str

    def __post_init__(self) -> None:
        """Raise `AdoptionError` where every picture would look the same to the model."""
        if 0.0 in self.scale:
            raise AdoptionError(f"scale: expected numbers other than 0, got {list(self.scale)}")

    @property
    def uniform(self) -> bool:
        """Whether the three channels are treated alike."""
        return len(set(self.scale)) == 1 and len(set(self.offset)) == 1

    def agrees(self, other: Normalization) -> bool:
        """Say whether two normalizations are the same but for rounding."""
        pairs = zip((*self.scale, *self.offset), (*other.scale, *other.offset), strict=True)
        return all(math.isclose(a, b, rel_tol=_SAME_SCALE, abs_tol=_SAME) for a, b in pairs)

    def words(self) -> str:
        """Return it as a person would write it."""
        pairs = list(zip(self.scale, self.offset, strict=True))
        return ", ".join(f"{a:.6g} * pixel {b:+.6g}" for a, b in pairs[: 1 if self.uniform else 3])


@dataclass(frozen=True, slots=True)
class PixelQuantization:
    """Scale and zero point under which an integer input's codes stand for pixels, 0-255.

    Attributes:
        scale: pixels per step.
        zero_point: the code of black.
        worst_steps: largest distance of a pixel's code from its exact value, in steps; rounding
            alone makes 0.5.
    """

    scale: float
    zero_point: int
    worst_steps: float


def per_channel(values: tuple[float, ...], *, option: str) -> tuple[float, float, float]:
    """Return one value as three, or three as they are.

    Raises:
        AdoptionError: another number of values, or one that is not finite.
    """
    if len(values) not in (1, _CHANNELS) or not all(map(math.isfinite, values)):
        raise AdoptionError(
            f"{option}: expected one number, or one each for R, G and B, got {list(values)}"
        )
    red, green, blue = values * _CHANNELS if len(values) == 1 else values
    return red, green, blue


def by_quantization(tensor: Tensor) -> Normalization | None:
    """Return the normalization of an input whose quantization reaches from 0 to 255, else None."""
    if tensor.scales and _is_range(tensor, (0.0, 255.0)):
        return Normalization((1.0,) * 3, (0.0,) * 3, "quantization")
    return None


def advice(tensor: Tensor) -> str:
    """Say what to add to the command line where nothing tells what the pixels mean."""
    for limits, options in _USUAL.items():
        if tensor.scales and _is_range(tensor, limits):
            low, high = limits
            return f"its quantization reaches from {low:g} to {high:g}, which suggests {options}"
    usual = ", ".join(f"{options} ({a:g} to {b:g})" for (a, b), options in _USUAL.items())
    return f"usual are {usual}"


def pixel_quantization(tensor: Tensor, normalization: Normalization) -> PixelQuantization:
    """Express a normalization by the scale and zero point of an integer input alone.

    The tensor's code of a pixel p is round((p * a + b) / s + z) with the normalization a, b and
    the tensor's s, z; that of a model file is round(p / S + Z). They are the same for S = s / a
    and Z = z + b / s, if Z is a whole number that the dtype has; a Z between two of them is
    rounded, which moves all pixels by up to half a step.

    Raises:
        AdoptionError: there is no such scale and zero point.
    """
    if not normalization.uniform:
        raise AdoptionError(
            f"expected a normalization that is the same for R, G and B for an input of "
            f"{tensor.dtype}, which has one scale for the three, got {normalization.words()}: "
            "convert the float model again with the normalization inside its graph"
        )
    a, b = normalization.scale[0], normalization.offset[0]
    s, z = tensor.scales[0], tensor.zero_points[0]
    if a <= 0:
        raise AdoptionError(f"expected a positive scale of the pixels, got {a:g}")
    limits = np.iinfo(tensor.dtype)
    scale, zero_point = s / a, round(z + b / s)
    if not limits.min <= zero_point <= limits.max:
        raise AdoptionError(
            f"expected black to lie among the codes of {tensor.dtype}, {limits.min} to "
            f"{limits.max}, got code {zero_point} by {normalization.words()}: " + advice(tensor)
        )
    for rounder in (s, 1.0):
        if math.isclose(scale, rounder, rel_tol=_SAME_SCALE):
            scale = rounder
            break
    exact = (np.arange(256) * a + b) / s + z
    cut_off = (exact < limits.min - 1) | (exact > limits.max + 1)
    table = input_table(scale, zero_point, cast(QuantizedDtype, tensor.dtype))
    codes = np.arange(256) if table is None else table.astype(np.int64)
    if cut_off.mean() > _MOST_CUT_OFF or len(np.unique(codes)) < _FEWEST_CODES:
        raise AdoptionError(
            f"expected a normalization that fits the input's quantization, scale {s:g} and zero "
            f"point {z}, got {normalization.words()}, under which {cut_off.mean():.0%} of the "
            f"pixel values are cut off and {len(np.unique(codes))} codes are left: "
            + advice(tensor)
        )
    worst = np.abs(codes - np.clip(exact, limits.min, limits.max)).max()
    return PixelQuantization(scale, zero_point, float(worst))


def _is_range(tensor: Tensor, limits: tuple[float, float]) -> bool:
    codes = np.iinfo(tensor.dtype)
    scale, zero_point = tensor.scales[0], tensor.zero_points[0]
    ends = (scale * (codes.min - zero_point), scale * (codes.max - zero_point))
    allowed = _RANGE_TOLERANCE * (limits[1] - limits[0])
    return all(abs(end - limit) <= allowed for end, limit in zip(ends, limits, strict=True))
