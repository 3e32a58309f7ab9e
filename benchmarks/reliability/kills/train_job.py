"""Training, interrupted: how its folder may look, and that it ends as if nothing had happened."""

from __future__ import annotations

import copy
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.reliability.kills.jobs import Main, unexpected
from convert.command import run_command


class TrainJob:
    """`convert.train` in an empty folder: what it leaves is whole, and --resume ends as ever."""

    name = "convert.train"
    _FILES = (
        "checkpoint.npz",
        "curves.svg",
        "log.csv",
        "model.keras",
        "report.html",
        "split.json",
        "tensorboard",
        "training.json",
    )

    def __init__(self, main: Main, options: Sequence[str]) -> None:
        """Take the command's main function and its arguments but the output."""
        self._main = main
        self._options = options
        self._prepared = False
        self.ending = 0
        self.weights_sha256 = ""

    def untouched(self) -> TrainJob:
        """Return the job with a `prepare` that leaves the folder as it is."""
        job = copy.copy(self)
        job._prepared = True
        return job

    def prepare(self, folder: Path) -> None:
        """Begin with nothing."""
        if self._prepared:
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def arguments(self, folder: Path) -> list[str]:
        """Return the command's arguments."""
        split = str(folder / "split.json")
        return [*self._options, "--quiet", "--split-file", split, "-o", str(folder)]

    def run(self, folder: Path) -> int:
        """Run the command in this process."""
        return run_command(self._main, self.arguments(folder))

    def resume(self, folder: Path) -> int:
        """Run the command with --resume in this process and load what it leaves."""
        code = run_command(self._main, [*self.arguments(folder), "--resume"])
        if code == self.ending:
            from convert.int8.float_model import load_float_model
            from convert.int8.inputs import check_weights
            from convert.int8.labels import read_training_record

            path = folder / "model.keras"
            check_weights(read_training_record(path), load_float_model(path), path)
        return code

    def problems(self, folder: Path) -> list[str]:
        """Read every file that is there; TensorFlow is not needed for it."""
        found = unexpected(folder, self._FILES)
        readers: dict[str, Callable[[Path], object]] = {
            "checkpoint.npz": _read_checkpoint,
            "curves.svg": _read_svg,
            "log.csv": _read_log,
            "model.keras": _read_zip,
            "split.json": lambda path: json.loads(path.read_bytes()),
            "training.json": lambda path: json.loads(path.read_bytes()),
        }
        for name, read in readers.items():
            path = folder / name
            if path.exists():
                try:
                    read(path)
                except (ValueError, zipfile.BadZipFile) as error:
                    found.append(f"{name}: expected a whole file: {error}")
        return found

    def is_finished(self, folder: Path) -> bool:
        """Whether nothing was left to do but to end: --resume would say so and do nothing."""
        return (folder / "model.keras").exists() and not (folder / "checkpoint.npz").exists()

    def final_problems(self, folder: Path) -> list[str]:
        """Say what is wrong with a folder whose run is said to be finished."""
        record = json.loads((folder / "training.json").read_bytes())
        found = self.problems(folder)
        if record["weights_sha256"] != self.weights_sha256:
            found.append("the weights are not those of an uninterrupted run")
        if (folder / "checkpoint.npz").exists():
            found.append("checkpoint.npz is still there")
        return found


def _read_checkpoint(path: Path) -> None:
    from convert.errors import TrainingError
    from convert.training.checkpoint import load_checkpoint

    try:
        load_checkpoint(path.parent)
    except TrainingError as error:
        raise ValueError(str(error)) from error


def _read_svg(path: Path) -> None:
    if not path.read_text().rstrip().endswith("</svg>"):
        raise ValueError("it does not end with </svg>")


def _read_log(path: Path) -> None:
    lines = path.read_text().splitlines()
    if len({line.count(",") for line in lines}) != 1 or not path.read_bytes().endswith(b"\n"):
        raise ValueError("a line is cut off")


def _read_zip(path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        if archive.testzip() is not None:
            raise ValueError("a member is damaged")
