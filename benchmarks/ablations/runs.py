"""Run the trainings one after another; what is finished is read, what was killed goes on."""

from __future__ import annotations

import hashlib
import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.ablations.changed import changed_accuracies
from convert.data.split_file import SPLIT_FILE
from convert.training.arguments import parse_arguments, recipe_of
from convert.training.checkpoint import with_later_options
from convert.training.reading import is_folder
from convert.training.teacher import joint_digest
from minivgg_edge.atomic import write_atomically
from minivgg_edge.errors import MinivggEdgeError

# Where they lie does not matter: the recipe has a teacher's digest, and a split moves with its run.
_FILES = ("--teacher", "--split-file")


class AblationError(MinivggEdgeError):
    """A training failed, or its folder holds another one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished training.

    Attributes:
        variant: name of what was trained.
        seed: of the training.
        validation_accuracy: top-1, a fraction of the validation pictures.
        epoch_s: mean of the epochs' training times, whatever else the machine did. Not their
            median: smaller pictures or a teacher's answers make the first ones unlike the last.
        command: that made it, without the folders.
        changed: top-1 on validation pictures that are changed, 0-1, by the title of the change.
    """

    variant: str
    seed: int
    validation_accuracy: float
    epoch_s: float
    command: str
    changed: Mapping[str, float] = field(default_factory=dict)


def run_training(variant: str, words: Sequence[str], *, data: Path, seed: int, folder: Path) -> Run:
    """Train, or take up what is in `folder`.

    Args:
        variant: name of what is trained.
        words: the options of `python -m convert.train` beside data, seed and folder.
        data: the data set.
        seed: of the training.
        folder: of the run; beside it lies the split of a folder of images.

    Raises:
        AblationError: the training failed, or the folder holds a run with other options, another
            teacher or other defaults.
    """
    options = [*words, "--seed", str(seed)]
    places = ["--data", str(data), "-o", str(folder), *_split_words(data, folder.parent)]
    arguments = [*places, "--quiet", *options]
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
    expected = ["python", "-m", "convert.train", *arguments]
    if _without_files(shlex.split(record["command"])) != _without_files(expected):
        raise AblationError(
            f"{folder}: expected the run of '{shlex.join(expected)}', got that of "
            f"'{record['command']}': delete the folder or name another one"
        )
    if _without_pictures(record["recipe"]) != _without_pictures(_recipe(arguments, record, data)):
        raise AblationError(
            f"{folder}: the recipe of '{record['command']}' meant other values when it ran: "
            "delete the folder or name another one"
        )
    return Run(
        variant,
        seed,
        record["results"]["validation"]["accuracy"],
        statistics.fmean(epoch["train_s"] for epoch in record["history"]),
        shlex.join(["python", "-m", "convert.train", *options]),
        changed_accuracies(arguments, folder),
    )


def _recipe(arguments: Sequence[str], record: Mapping[str, Any], data: Path) -> dict[str, object]:
    """What the words of a command mean today, as JSON values."""
    options = parse_arguments(None, list(arguments))
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in options.teacher or ()]
    recipe = recipe_of(
        options,
        teacher_sha256=joint_digest(digests) if digests else None,
        folder_count=record["data"]["splits"]["train"]["count"] if is_folder(data) else None,
    )
    values: dict[str, object] = json.loads(json.dumps(recipe.to_json()))
    return values


def _split_words(data: Path, folder: Path) -> list[str]:
    """Options by which a folder of images is left as it is, and its split kept in `folder`.

    A split that an earlier training left among the pictures is taken over: what it holds out for
    testing must not choose between recipes.
    """
    if not is_folder(data):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    kept, found = folder / SPLIT_FILE, data / SPLIT_FILE
    if found.is_file() and not kept.exists():
        write_atomically(kept, found.read_bytes())
    return ["--split-file", str(kept)]


def _without_files(words: Sequence[str]) -> list[str]:
    """The words of a command but for the options that name files."""
    left: list[str] = []
    is_file = False
    for word in words:
        if word.startswith("-"):
            is_file = word in _FILES
        if not is_file:
            left.append(word)
    return left


def _without_pictures(recipe: Mapping[str, object]) -> dict[str, object]:
    """A recipe but for what follows from the pictures, with the options that came after it."""
    later = with_later_options({"recipe": recipe})["recipe"]
    assert isinstance(later, dict)
    return {**later, "class_weights": []}
