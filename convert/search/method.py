"""`Method`: how ranges are chosen and weights are changed before quantization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

RangeRule = Literal["minmax", "percentile", "mse"]
Equalization = Literal["activations", "weights", "both"]

RANGE_RULES: tuple[RangeRule, ...] = get_args(RangeRule)
EQUALIZATIONS: tuple[Equalization, ...] = get_args(Equalization)
DEFAULT_PERCENTILE = 99.99
DEFAULT_EQUALIZATION: Equalization = "both"


@dataclass(frozen=True, slots=True)
class Method:
    """What is done to a calibrated model before it is quantized.

    Attributes:
        ranges: rule for the range of each activation, see `convert.search.clipping`.
        percentile: of the absolute values, 50-100; only of the rule "percentile".
        equalize: what is made equal between channels, see `convert.search.equalization`; None for
            nothing.
        bias_correction: whether biases are corrected, see `convert.search.bias_correction`.
    """

    ranges: RangeRule = "minmax"
    percentile: float = DEFAULT_PERCENTILE
    equalize: Equalization | None = None
    bias_correction: bool = False

    def __post_init__(self) -> None:
        if not 50.0 <= self.percentile <= 100.0:
            raise ValueError(f"expected a percentile from 50 to 100, got {self.percentile}")

    @property
    def is_plain(self) -> bool:
        """Whether this is what TensorFlow's converter does by itself."""
        return self.ranges == "minmax" and self.equalize is None and not self.bias_correction

    @property
    def parts(self) -> int:
        """How many things it does beyond the plain conversion: its complexity."""
        changes_weights = (self.equalize is not None) + self.bias_correction
        return (self.ranges != "minmax") + changes_weights

    @property
    def title(self) -> str:
        """For people, as the options of `convert.quantize` name it."""
        parts = [f"percentile {self.percentile:g}" if self.ranges == "percentile" else self.ranges]
        if self.equalize is not None:
            parts.append(f"equalize {self.equalize}")
        if self.bias_correction:
            parts.append("bias correction")
        return " + ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """What the manifest and the report say about it; nothing for the plain conversion."""
        if self.is_plain:
            return {}
        found: dict[str, Any] = {"ranges": self.ranges}
        if self.ranges == "percentile":
            found["percentile"] = self.percentile
        return found | {"equalize": self.equalize, "bias_correction": self.bias_correction}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Method:
        """Return the method of which `to_json` is a part of `record`."""
        return cls(
            record.get("ranges", "minmax"),
            record.get("percentile", DEFAULT_PERCENTILE),
            record.get("equalize"),
            record.get("bias_correction", False),
        )


PLAIN = Method()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method with its calibration pictures: `count` of them, chosen by `seed`."""

    method: Method
    count: int
    seed: int | None

    @property
    def title(self) -> str:
        """For people."""
        rule = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.method.title}, {self.count} pictures{rule}"
