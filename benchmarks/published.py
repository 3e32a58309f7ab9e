"""The models that are published in `models/`, with their records."""

from __future__ import annotations

import hashlib
import json
import shlex
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.models import PUBLISHED
from convert.errors import DataError
from minivgg_edge.catalog import DEFAULT_MODEL, load_model
from minivgg_edge.model_file import ModelFile, read_model_file


@dataclass(frozen=True, slots=True)
class Run:
    """One training and its compilation.

    Attributes:
        training: content of training.json.
        quantization: content of quantization.json.
        command: that trains it again: the recorded one, with its teachers' files where they are
            now (a published model that is replaced moves to `models/teachers` if it taught).
    """

    training: Mapping[str, Any]
    quantization: Mapping[str, Any]
    command: str

    @property
    def seed(self) -> int:
        """Of the training."""
        return int(self.training["recipe"]["seed"])

    @property
    def epoch_s(self) -> float:
        """Median of what an epoch took, validation included; the machine did other work beside."""
        history = self.training["history"]
        return statistics.median(epoch["train_s"] + epoch["validation_s"] for epoch in history)

    def comparison(self, split: str) -> Mapping[str, Any]:
        """The comparison of int8 with float32 on the pictures of a split.

        Raises:
            DataError: there is none, or more than one.
        """
        found = [entry for entry in self.quantization["comparisons"] if entry["split"] == split]
        if len(found) != 1:
            raise DataError(f"expected one comparison on {split} pictures, got {len(found)}")
        one: Mapping[str, Any] = found[0]
        return one


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A published model.

    Attributes:
        folder: its own, of its name.
        file: the compiled model.
        run: that made it.
        others: the same with other seeds, by seed; their weights are not published.
    """

    folder: Path
    file: ModelFile
    run: Run
    others: tuple[Run, ...]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.name


def published_models(folder: Path = PUBLISHED) -> list[PublishedModel]:
    """Read all published models, the bundled one first.

    The bundled model's compiled file is the package's own; the others' lie beside their records.

    Raises:
        ModelError: a compiled file is damaged.
        OSError: a record is missing.
    """
    names = sorted(path.parent.name for path in folder.glob("*/training.json"))
    names.sort(key=lambda name: name != DEFAULT_MODEL)
    files = _float_models(folder)
    return [_read(folder / name, files) for name in names]


def _read(folder: Path, files: Mapping[str, str]) -> PublishedModel:
    bundled = folder.name == DEFAULT_MODEL
    file = load_model() if bundled else read_model_file(folder / f"{folder.name}.tflite")
    others = (_run(path, files) for path in folder.glob("seed-*"))
    return PublishedModel(
        folder, file, _run(folder, files), tuple(sorted(others, key=lambda run: run.seed))
    )


def _run(folder: Path, files: Mapping[str, str]) -> Run:
    names = ("training.json", "quantization.json")
    training, quantization = (json.loads((folder / name).read_bytes()) for name in names)
    return Run(training, quantization, _command(training, files))


def _float_models(folder: Path) -> dict[str, str]:
    """Where the float models lie, seen from the repository's root, by SHA-256."""
    found = [*folder.glob("teachers/*/model.keras"), *folder.glob("*/model.keras")]
    return {
        hashlib.sha256(
            path.read_bytes()
        ).hexdigest(): f"models/{path.relative_to(folder).as_posix()}"
        for path in found
    }


def _command(training: Mapping[str, Any], files: Mapping[str, str]) -> str:
    words = shlex.split(training["command"])
    if "--out" in words:
        place = words.index("--out")
        if words[place + 1] == f"runs/{training['name']}":  # which it is unless one says otherwise
            del words[place : place + 2]
    if "--teacher" not in words:
        return shlex.join(words)
    members = training["choices"].get("teacher", {}).get("members")
    digests = (
        [member["sha256"] for member in members]
        if members
        else [training["recipe"]["distillation"]["teacher_sha256"]]
    )
    start = words.index("--teacher") + 1
    for place, digest in enumerate(digests, start):
        words[place] = files.get(digest, words[place])
    return shlex.join(words)
