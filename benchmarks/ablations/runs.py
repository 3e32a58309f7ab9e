"""Run the trainings one after another; what is finished is read, what was killed goes on."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minivgg_edge.errors import MinivggEdgeError


class AblationError(MinivggEdgeError):
    """A training failed, or its folder holds another one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished training.

    Attributes:
        variant: name of what was trained.
        seed: of the training.
        validation_accuracy: top-1, a fraction of the validation pictures.
        epoch_s: median of the epochs' training times, whatever else the machine did.
        command: that made it, without the folders.
    """

    variant: str
    seed: int
    validation_accuracy: float
    epoch_s: float
    command: str


def run_training(variant: str, words: Sequence[str], *, data: Path, seed: int, folder: Path) -> Run:
    """Train, or take up what is in `folder`.

    Args:
        variant: name of what is trained.
        words: the options of `python -m convert.train` beside data, seed and folder.
        data: the data set.
        seed: of the training.
        folder: of the run.

    Raises:
        AblationError: the training failed, or the folder holds a run with other options.
    """
    options = [*words, "--seed", str(seed)]
    arguments = ["--data", str(data), "-o", str(folder), "--quiet", *options]
    if not (folder / "model.keras").exists():
        program = [sys.executable, "-m", "convert.train", *arguments, "--resume"]
        ended = subprocess.run(program, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if ended.returncode:
            reason = ended.stderr.strip().splitlines()
            raise AblationError(
                f"{variant}, seed {seed}: the training ended with exit code {ended.returncode}: "
                f"{reason[-1] if reason else 'it said nothing'}"
            )
    record = json.loads((folder / "training.json").read_bytes())
    expected = shlex.join(["python", "-m", "convert.train", *arguments])
    if record["command"] != expected:
        raise AblationError(
            f"{folder}: expected the run of '{expected}', got that of '{record['command']}': "
            "delete the folder or name another one"
        )
    return Run(
        variant,
        seed,
        record["results"]["validation"]["accuracy"],
        statistics.median(epoch["train_s"] for epoch in record["history"]),
        shlex.join(["python", "-m", "convert.train", *options]),
    )
