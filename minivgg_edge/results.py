"""What a classifier returns: predictions, and the facts about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.manifest import Manifest
from minivgg_edge.record import Record

if TYPE_CHECKING:
    from minivgg_edge.unverified import Unverified


class Prediction(Record):
    """One answer.

    Attributes:
        label: The label as the model's author wrote it.
        index: Its place in the model's output, from 0.
        score: From 0 to 1; the scores of a model with 8-bit output are multiples of its scale.
    """

    label: str
    index: int
    score: float


class ModelInfo(Record):
    """What is loaded, from where, and what runs it.

    Attributes:
        name: The model's name in its manifest.
        source: The file it was read from.
        sha256: SHA-256 of that file, in lower-case hex.
        size_bytes: Length of that file.
        manifest: All that the model says about itself; of an unverified one, what its tensors show
            and the caller said.
        runtime: The runtime that runs it.
        num_threads: Threads of the native kernels.
        unverified: What the caller said about a model without a manifest; None if it is verified.
    """

    name: str
    source: str
    sha256: str
    size_bytes: int
    manifest: Manifest
    runtime: RuntimeInfo
    num_threads: int
    unverified: Unverified | None = None

    @property
    def is_verified(self) -> bool:
        """Whether every byte of the model was compared with its manifest."""
        return self.unverified is None
