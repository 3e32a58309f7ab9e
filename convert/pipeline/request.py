"""What a run of the pipeline was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.pipeline.places import Places


@dataclass(frozen=True, slots=True)
class Request:
    """A run as the command line describes it.

    Attributes:
        folder: the pictures.
        places: where results go.
        version: of the model, in its normal form (PEP 440).
        board: the board without a network that a tar is made for; None: none.
        training: further words for `convert.train`.
        quantization: further words for `convert.quantize`.
        packaging: further words for `convert.package`.
        quiet: print problems only.
    """

    folder: Path
    places: Places
    version: str
    board: str | None = None
    training: tuple[str, ...] = ()
    quantization: tuple[str, ...] = ()
    packaging: tuple[str, ...] = ()
    quiet: bool = False
