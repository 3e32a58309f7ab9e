"""Does a board answer as this machine does: raw outputs of the same model, picture by picture."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.arm.candidates import Candidate
from benchmarks.arm.emulator import WORKLOADS, Emulator
from convert.int8.predict import predict


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the int8 outputs of a board differ from those of this machine.

    Attributes:
        pictures: How many were answered.
        top1_identical: For how many the first label is the same.
        ties: How many of the others are ties: on one of the two sides, the two answers lie within
            one step of the output's scale.
        max_step: Largest difference of any output value, in steps of the output's scale.
        differing_outputs: How many output values differ at all.
        labels: Index of the board's first label for each picture.
    """

    pictures: int
    top1_identical: int
    ties: int
    max_step: int
    differing_outputs: int
    labels: tuple[int, ...]

    def to_json(self, *, board: str, engine: str, version: str) -> dict[str, Any]:
        """The comparison as JSON values; the labels are left out."""
        return {
            "board": board,
            "engine": engine,
            "engine_version": version,
            "pictures": self.pictures,
            "top1_identical": self.top1_identical,
            "ties": self.ties,
            "max_step": self.max_step,
            "differing_outputs": self.differing_outputs,
        }


def compare_outputs(reference: NDArray[Any], target: NDArray[Any]) -> Agreement:
    """Compare raw integer outputs, both (n, classes) of the same dtype.

    Raises:
        ValueError: Shape or dtype differ, or they are not integers.
    """
    if reference.shape != target.shape or reference.dtype != target.dtype:
        raise ValueError(
            f"expected {reference.dtype} {reference.shape}, got {target.dtype} {target.shape}"
        )
    if not np.issubdtype(reference.dtype, np.integer):
        raise ValueError(f"expected integer outputs, got {reference.dtype}")
    ours, theirs = reference.astype(np.int32), target.astype(np.int32)
    first, second = ours.argmax(axis=1), theirs.argmax(axis=1)
    rows = np.flatnonzero(first != second)
    # The margin between the two answers, on the side where it is smaller.
    margins = np.minimum(
        ours[rows, first[rows]] - ours[rows, second[rows]],
        theirs[rows, second[rows]] - theirs[rows, first[rows]],
    )
    steps = np.abs(ours - theirs)
    return Agreement(
        pictures=len(ours),
        top1_identical=len(ours) - len(rows),
        ties=int((margins <= 1).sum()),
        max_step=int(steps.max(initial=0)),
        differing_outputs=int((steps > 0).sum()),
        labels=tuple(map(int, second)),
    )


def board_agreement(
    candidate: Candidate, emulator: Emulator, pictures: NDArray[np.uint8]
) -> Agreement:
    """Run a model on a board and on this machine, and compare.

    Args:
        candidate: A TFLite model with an integer output.
        emulator: The board.
        pictures: uint8 (n, H, W, 3) of the model's size.

    Raises:
        LaneError: The model does not run there.
        ValueError: The outputs are not integers.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, outputs = Path(folder) / "pictures.npy", Path(folder) / "outputs.npy"
        np.save(source, pictures)
        emulator.run(WORKLOADS / "answers.py", str(candidate.path), str(source), str(outputs))
        target = np.load(outputs)
    reference = predict(candidate.path.read_bytes(), pictures, num_threads=1)
    return compare_outputs(reference, target)
