"""The precisions that a model can be compiled to, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

Precision = Literal["int8", "int8-dense4", "float16", "dynamic", "float32"]
DEFAULT: Precision = "int8"


@dataclass(frozen=True, slots=True)
class Kind:
    """A precision.

    Attributes:
        summary: of the model, for the manifest's description: "… image classifier".
        calibrated: whether ranges of activations are measured on pictures.
        explanation: how weights are stored and what is computed with, one sentence.
        choose_when: when it is the right one, one sentence.
    """

    summary: str
    calibrated: bool
    explanation: str
    choose_when: str


KINDS: Mapping[Precision, Kind] = MappingProxyType(
    {
        "int8": Kind(
            "int8",
            True,
            "Weights and activations are int8, all arithmetic is of integers.",
            "Always, unless one of the others is needed: it runs on both runtimes and costs "
            "least on a board.",
        ),
        "int8-dense4": Kind(
            "int8 (4-bit dense weights)",
            True,
            "As int8, but the weights of dense layers have 4 bits; those of the layer that gives "
            "the scores keep 8.",
            "The file has to be smaller, most of it are weights of dense layers, and every board "
            "has LiteRT.",
        ),
        "float16": Kind(
            "float16-weight float32",
            False,
            "Weights are stored as float16 and expanded to float32 when the model is loaded; all "
            "arithmetic is of float32.",
            "The answers have to be those of the float model, and the file half its size.",
        ),
        "dynamic": Kind(
            "dynamic-range",
            False,
            "Weights are int8; activations are float32 between the operators, which quantize "
            "them anew for each picture.",
            "One range for each activation costs too much even with --search, the file has to be "
            "as small as that of int8, and every board has LiteRT.",
        ),
        "float32": Kind(
            "float32",
            False,
            "Nothing is quantized.",
            "As the reference of comparisons.",
        ),
    }
)
NAMES: tuple[Precision, ...] = cast("tuple[Precision, ...]", tuple(KINDS))
