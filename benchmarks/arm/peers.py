"""Other engines that have wheels for a board."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.arm.boards import BOOKWORM, TFLITE_RUNTIME, Board, System
from benchmarks.arm.candidates import ONNX, TFLITE


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine beside the board's own runtime.

    Attributes:
        engine: Its name in `benchmarks.peers.engines`.
        kind: Which model files it takes.
        requirements: Its wheels, pinned; the first one is its own.
        pythons: For which Pythons it has wheels; empty is all.
    """

    engine: str
    kind: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Version of its wheel."""
        return self.requirements[0].partition("==")[2]

    def system(self, board: Board) -> System | None:
        """Return the system to run it on: the board's, or the older one; None if there is none."""
        for system in (board.system, BOOKWORM):
            fits = not self.pythons or system.python in self.pythons
            if fits and system.machine == board.system.machine == "aarch64":
                return system
        return None


PEERS = (
    Peer("onnxruntime", ONNX, ("onnxruntime==1.23.2",)),
    # Its last release: built against numpy 1, for Python 3.11 at most.
    Peer(TFLITE_RUNTIME, TFLITE, ("tflite-runtime==2.14.0", "numpy==1.26.4"), ("3.11",)),
)
