"""The models that are published in `models/`, with their records."""

from __future__ import annotations

import json
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
    """

    training: Mapping[str, Any]
    quantization: Mapping[str, Any]

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
    return [_read(folder / name) for name in names]


def _read(folder: Path) -> PublishedModel:
    bundled = folder.name == DEFAULT_MODEL
    file = load_model() if bundled else read_model_file(folder / f"{folder.name}.tflite")
    others = (_run(path) for path in folder.glob("seed-*"))
    return PublishedModel(
        folder, file, _run(folder), tuple(sorted(others, key=lambda run: run.seed))
    )


def _run(folder: Path) -> Run:
    names = ("training.json", "quantization.json")
    return Run(*(json.loads((folder / name).read_bytes()) for name in names))
