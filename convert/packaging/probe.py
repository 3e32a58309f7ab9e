"""Foreign models run in a child process only: a crash of native code becomes a sentence."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.int8.golden import CANDIDATES, synthetic_pictures
from convert.int8.other_kernels import without_xnnpack
from convert.packaging.errors import AdoptionError
from convert.packaging.normalization import Normalization
from minivgg_edge.child_process import run_python
from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.interpreter import Engine
from minivgg_edge.scoring import pixel_table

_TIMEOUT_S = 900.0  # VGG-16 takes a second a picture
_ORIGINAL, _ADOPTED, _NORMALIZATION = "original.tflite", "adopted.tflite", "normalization.json"
_OUTPUTS = ("original.npy", "adopted.npy", "other-kernels.npy")
_PICTURES = "pictures.npy"
_REFUSAL = "refusal.txt"


@dataclass(frozen=True, slots=True)
class Answers:
    """Raw outputs (n, classes) of both models to the same pictures.

    Attributes:
        pictures: uint8 (n, height, width, 3).
        original: of the foreign model, fed as its normalization says.
        adopted: of the changed one, fed with pixels.
        other_kernels: the same without XNNPACK, as tflite-runtime computes integers.
    """

    pictures: NDArray[np.uint8]
    original: NDArray[Any]
    adopted: NDArray[Any]
    other_kernels: NDArray[Any]


def try_to_open(flatbuffer: bytes, *, source: str) -> str | None:
    """Load a model and run it once in a child process; return why LiteRT refuses it, or None.

    Raises:
        AdoptionError: the child crashed, or gave no answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="minivgg-edge-") as name:
        folder = Path(name)
        (folder / _ORIGINAL).write_bytes(flatbuffer)
        return _run("open_once", folder, source)


def answers(
    original: bytes, adopted: bytes, normalization: Normalization, *, source: str
) -> Answers:
    """Run both models over the candidates for golden vectors, in a child process.

    Raises:
        AdoptionError: the child crashed or refused a model, or a model answers a picture twice
            in two ways.
    """
    with tempfile.TemporaryDirectory(prefix="minivgg-edge-") as name:
        folder = Path(name)
        (folder / _ORIGINAL).write_bytes(original)
        (folder / _ADOPTED).write_bytes(adopted)
        document = {"scale": normalization.scale, "offset": normalization.offset}
        (folder / _NORMALIZATION).write_text(json.dumps(document))
        refusal = _run("run_both", folder, source)
        if refusal is not None:
            raise AdoptionError(f"{source}: {refusal}")
        outputs = [np.load(folder / file, allow_pickle=False) for file in _OUTPUTS]
        pictures = np.load(folder / _PICTURES, allow_pickle=False)
    return Answers(pictures, *outputs)


def _run(function: str, folder: Path, source: str) -> str | None:
    program = f"import sys\nfrom convert.packaging import probe\nprobe.{function}(sys.argv[1])"
    run = run_python(program, str(folder), timeout_s=_TIMEOUT_S)
    if run.problem is not None:
        raise AdoptionError(
            f"{source}: expected a model that LiteRT can run, but the child process that tried "
            f"it {run.problem}"
        )
    refusal = folder / _REFUSAL
    return refusal.read_text(encoding="utf-8") if refusal.is_file() else None


# What follows runs in the child.


def open_once(folder: str) -> None:
    """Load a model and run it on a picture of zeros; a typed refusal becomes a file."""
    place = Path(folder)
    try:
        engine = Engine((place / _ORIGINAL).read_bytes(), source="model")
        engine.run(np.zeros(engine.input.shape[1:], dtype=engine.input.dtype))
    except MinivggEdgeError as error:
        (place / _REFUSAL).write_text(str(error), encoding="utf-8")


def run_both(folder: str) -> None:
    """Run both models over the same pictures; outputs and refusals become files."""
    place = Path(folder)
    try:
        _run_both(place)
    except MinivggEdgeError as error:
        (place / _REFUSAL).write_text(str(error), encoding="utf-8")


def _run_both(place: Path) -> None:
    original, adopted = (
        Engine((place / name).read_bytes(), source=name) for name in (_ORIGINAL, _ADOPTED)
    )
    _, height, width, _ = adopted.input.shape
    pictures = synthetic_pictures(CANDIDATES, height=height, width=width)
    table = pixel_table(adopted.input)
    # An integer input is fed with the same codes: what they mean in pixels has been compared
    # value by value already.
    target = np.stack([adopted.run(p if table is None else table[p]) for p in pictures])
    if original.input.scale is None:
        document = json.loads((place / _NORMALIZATION).read_text())
        scale, offset = (np.array(document[key], dtype=np.float32) for key in ("scale", "offset"))
        reference = np.stack(
            [original.run(p.astype(np.float32) * scale + offset) for p in pictures]
        )
    else:
        reference = np.stack([original.run(p if table is None else table[p]) for p in pictures])
    others = without_xnnpack((place / _ADOPTED).read_bytes(), pictures, table)
    for name, values in zip(_OUTPUTS, (reference, target, others), strict=True):
        if not np.isfinite(values).all():
            raise AdoptionError("expected finite outputs, got NaN or infinity")
        np.save(place / name, values)
    again = adopted.run(pictures[0] if table is None else table[pictures[0]])
    if not np.array_equal(again, target[0]):
        raise AdoptionError("expected the same answer to the same picture, got two")
    np.save(place / _PICTURES, pictures)
