"""Everything that a run has found out, collected for its page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.data.folder import read_folder
from convert.data.folder_splits import FolderSplits
from convert.data.grouping import grouping_of
from convert.data.picture_cache import cache_of
from convert.int8.compare import compare
from convert.int8.comparison import Comparison
from convert.packaging.instructions import install_lines
from convert.packaging.wheel import read_model
from convert.pipeline.errors import StateError
from convert.pipeline.places import Places
from convert.pipeline.request import Request
from convert.pipeline.state import read_state
from convert.pipeline.steps import commands, page_step, wheel_path, wheel_spec
from convert.quiet import quiet
from convert.report.mistakes import Mistake, worst_mistakes
from minivgg_edge import Classifier

_NUM_THREADS = 2


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the run: its path below the run's folder, length in bytes, SHA-256 (hex)."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, ready to be shown.

    Attributes:
        name: of the model.
        version: of the model.
        scan: content of scan.json.
        splits: the pictures in their roles, at the model's size.
        training: content of training.json.
        curves_svg: the training's curves; b"" without.
        quantization: content of quantization.json.
        quantization_page: name of the page about it, in the run's folder.
        familiar: float and compiled model on held-out pictures of trained groups; None without.
        mistakes: the worst of the compiled model on validation pictures.
        mistake_count: how many it made there.
        files: what is left, the most important first.
        commands: command line of each step by its name.
        install: what to type; empty if the gate refused the model.
    """

    name: str
    version: str
    scan: Mapping[str, Any]
    splits: FolderSplits
    training: Mapping[str, Any]
    curves_svg: bytes
    quantization: Mapping[str, Any]
    quantization_page: str
    familiar: Comparison | None
    mistakes: tuple[Mistake, ...]
    mistake_count: int
    files: tuple[KeptFile, ...]
    commands: Mapping[str, str]
    install: tuple[str, ...]


def collect(out: Path, folder: Path) -> Outcome:
    """Read a run's files, and let its models answer to its pictures.

    Args:
        out: the run's folder.
        folder: the pictures.

    Raises:
        StateError: there is no run, or it has not come as far as its compilation.
        ConvertError: a file of the run or the pictures cannot be read.
        ModelError: the compiled model is damaged.
    """
    state = read_state(out / "state.json")
    if state is None:
        raise StateError(f"{out}: expected the folder of a run of `python -m convert`")
    places = Places(out, state.name)
    request = Request(folder, places, state.version, state.board)
    quantization = _json(places.quantization)
    training = _json(places.training_record)
    _, height, width, _ = quantization["audit"]["input"]["shape"]
    splits = read_folder(
        folder,
        height=height,
        width=width,
        crop=training["crop"],
        class_names=training["labels"],
        split_file=places.split,
        scan_file=places.scan,
        grouping=grouping_of(None, places.split),
        cache=_cache(folder),
    )
    # What the gate refused was not written: a file of that name is of an earlier run.
    good = quantization["verdict"]["status"] != "fail"
    page = page_step(request, state, "")
    mistakes, count = _mistakes(places, splits) if good else ((), 0)
    return Outcome(
        name=state.name,
        version=state.version,
        scan=_json(places.scan),
        splits=splits,
        training=training,
        curves_svg=places.curves.read_bytes() if places.curves.is_file() else b"",
        quantization=quantization,
        quantization_page=places.quantization_page.name,
        familiar=_familiar(places, splits) if good else None,
        mistakes=mistakes,
        mistake_count=count,
        files=_files(request) if good else (),
        commands={**commands(state), page.name: page.command},
        install=tuple(
            install_lines(wheel_spec(request), request.places.wheels, board=request.board)
        )
        if good
        else (),
    )


def _cache(folder: Path) -> Path | None:
    """Return where training has kept decoded pictures; None if it has not."""
    cache = cache_of(folder, None)
    return cache if cache is not None and cache.is_dir() else None


def _familiar(places: Places, splits: FolderSplits) -> Comparison | None:
    if splits.familiar is None:
        return None
    reference, target = (read_model(path)[1] for path in (places.float_compiled, places.compiled))
    # They are held out of training as the validation pictures are.
    return compare(
        reference.flatbuffer,
        target.flatbuffer,
        splits.familiar,
        dataset=splits.name,
        split="validation",
        temperature=target.manifest.output.temperature,
    )


def _mistakes(places: Places, splits: FolderSplits) -> tuple[tuple[Mistake, ...], int]:
    """Let the compiled model answer as it does on the board; not to test pictures.

    Who moves those it gets wrong to other classes could measure nothing on them any more.
    """
    pictures = splits.validation
    with quiet():  # the runtime announces its delegate on stderr
        classifier = Classifier(places.compiled, num_threads=_NUM_THREADS)
    with classifier:
        scores = np.stack([classifier.scores(image) for image in pictures.images])
    count = int((scores.argmax(axis=1) != pictures.labels).sum())
    return worst_mistakes(scores, pictures), count


def _files(request: Request) -> tuple[KeptFile, ...]:
    places = request.places
    paths = (
        wheel_path(request),
        places.compiled,
        places.float_compiled,
        places.float_model,
        places.card,
        places.split,
        places.scan_page,
    )
    kept = []
    for path in paths:
        if path.is_file():
            data = path.read_bytes()
            below = path.relative_to(places.out).as_posix()
            kept.append(KeptFile(below, len(data), hashlib.sha256(data).hexdigest()))
    return tuple(kept)


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise StateError(f"{path}: expected what a step of the run leaves, got nothing") from error
    except ValueError as error:
        raise StateError(f"{path}: expected JSON, got: {error}") from error
    if not isinstance(document, dict):
        raise StateError(f"{path}: expected a JSON object, got {type(document).__name__}")
    return document
