"""What a finished run makes of validation pictures that are darker, out of focus or re-saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.robustness.changes import CHANGES, Change
from convert.data.pictures import PictureSet
from convert.int8.float_model import load_float_model
from convert.training.arguments import parse_arguments
from convert.training.kept import predict
from convert.training.reading import input_size, read_data
from minivgg_edge.atomic import write_atomically

_BY_TITLE = {change.title: change for change in CHANGES}
JUDGED: tuple[Change, ...] = (
    _BY_TITLE["saved as JPEG, quality 30"],
    _BY_TITLE["a quarter as bright"],
    _BY_TITLE["blurred, radius 0.5"],
    _BY_TITLE["blurred, radius 1"],
)
_NAME = "changed.json"


def changed_accuracies(arguments: Sequence[str], folder: Path) -> Mapping[str, float]:
    """Judge the float model of a run on changed validation pictures.

    Args:
        arguments: of `python -m convert.train`, by which its pictures are read.
        folder: of the run; what was judged is kept in it and read the next time.

    Returns:
        Top-1, 0-1, by the title of the change.
    """
    model = folder / "model.keras"
    judged = {
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "changes": [change.title for change in JUDGED],
    }
    kept = folder / _NAME
    if kept.exists():
        found = json.loads(kept.read_bytes())
        accuracies: dict[str, float] = found.pop("top1")
        if found == judged:
            return accuracies
    accuracies = _judge(model, _validation(arguments))
    document = json.dumps({**judged, "top1": accuracies}, indent=1) + "\n"
    write_atomically(kept, document.encode())
    return accuracies


def _judge(path: Path, pictures: PictureSet) -> dict[str, float]:
    model = load_float_model(path)
    return {
        change.title: float(
            np.mean(
                [
                    predict(model, variant(pictures.images)).argmax(axis=1) == pictures.labels
                    for variant in change.variants
                ]
            )
        )
        for change in JUDGED
    }


def _validation(arguments: Sequence[str]) -> PictureSet:
    options = parse_arguments(None, list(arguments))
    side = input_size(options.data, options.size).side
    return read_data(options, side, lambda *_: None).validation
