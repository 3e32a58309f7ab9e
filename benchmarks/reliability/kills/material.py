"""A model small enough to train and to compile in a second, and the jobs that are interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.reliability.kills import child
from benchmarks.reliability.kills.jobs import Main, ReplacingJob
from benchmarks.reliability.kills.train_job import TrainJob

_SIDE = 16
_PER_CLASS = 60
_ANY_LOSS = "100"  # the model is no good; that is not what is looked at
_TRAIN = (
    *("--size", str(_SIDE), "--blocks", "8|8", "--head", "dense", "--dense-units", "16"),
    *("--batch-size", "16", "--epochs", "2", "--seed", "1", "--ema-decay", "0.9"),
)


class MaterialError(Exception):
    """A command failed though nothing disturbed it."""


def make_jobs(work: Path) -> tuple[ReplacingJob, TrainJob, ReplacingJob]:
    """Train and compile the model below `work`.

    Returns:
        `convert.quantize`, `convert.train` and `convert.package` with what they shall write.

    Raises:
        MaterialError: a command fails.
    """
    import convert.package
    import convert.quantize
    import convert.train

    data = _write_pictures(work / "pictures")
    train = TrainJob(convert.train.main, ("--data", str(data), *_TRAIN))
    run = work / "run"
    train.prepare(run)
    _succeed(lambda: train.run(run), work)
    train.weights_sha256 = json.loads((run / "training.json").read_bytes())["weights_sha256"]

    options = (str(run / "model.keras"), "--data", str(data), "--max-drop", _ANY_LOSS)
    split = ("--split-file", str(run / "split.json"))
    quantize = _replacing_job(
        "convert.quantize",
        convert.quantize.main,
        (*options, *split),
        old_options=("--calibration-seed", "3", "--name", "earlier"),
        output="{folder}/tiny.tflite",
        # In the order of writing.
        names=("tiny.report.json", "tiny.report.html", "tiny.float.tflite", "tiny.tflite"),
        work=work,
    )
    model = work / "tiny.tflite"
    model.write_bytes(quantize.new["tiny.tflite"])
    package = _replacing_job(
        "convert.package",
        convert.package.main,
        (str(model), "--version", "1.0"),
        old_options=("--description", "An earlier one"),
        output="{folder}",
        names=("tiny-1.0-py3-none-any.whl",),
        work=work,
    )
    return quantize, train, package


def _replacing_job(
    name: str,
    main: Main,
    options: tuple[str, ...],
    *,
    old_options: tuple[str, ...],
    output: str,
    names: tuple[str, ...],
    work: Path,
) -> ReplacingJob:
    folder = work / "made"

    def make(*more: str) -> tuple[int, dict[str, bytes]]:
        job = ReplacingJob(name, main, (*options, *more), output, {}, {}, 0)
        job.prepare(folder)
        ending = _succeed(lambda: job.run(folder), work)
        return ending, {file: (folder / file).read_bytes() for file in names}

    _, old = make(*old_options)
    ending, new = make()
    if any(old[file] == new[file] for file in names):
        raise MaterialError(f"{name}: expected two different sets of files")
    return ReplacingJob(name, main, options, output, old, new, ending)


def _succeed(action: Callable[[], int], work: Path) -> int:
    """Run in a child; 3, too few pictures to tell, is a success here."""
    ended = child.run(action, work / "log")
    if ended.code not in (0, 3):
        raise MaterialError(f"ended with {ended.code}: {ended.output[-500:]}")
    return ended.code


def _write_pictures(folder: Path) -> Path:
    """Write noise in three classes, each brighter in another channel."""
    from PIL import Image

    random = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(_PER_CLASS):
            pixels = random.integers(0, 120, (_SIDE, _SIDE, 3), dtype=np.uint8)
            pixels[:, :, channel] += 100
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder
