"""The models whose cost is counted: ours, the same weights elsewhere, and what others published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.contenders import MLPERF_FILES
from convert.int8.audit import macs
from convert.int8.conversion import convert_float
from convert.int8.freeze import freeze
from convert.int8.graph import Graph, read_graph
from minivgg_edge.atomic import write_atomically
from minivgg_edge.model_file import read_model_file

if TYPE_CHECKING:
    import keras

TFLITE = "tflite"
ONNX = "onnx"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model file to count.

    Attributes:
        model: What it is called in results.
        precision: "int8" or "float32".
        kind: "tflite" or "onnx": which engines take it.
        path: The flatbuffer or graph, without anything appended.
        compiled: The compiled model file for `Classifier`; None for a model of others.
        size_bytes: Length of the file that a user ships.
        sha256: Of that file.
        macs: Multiply-accumulates of one inference.
        input_shape: (1, H, W, 3).
    """

    model: str
    precision: str
    kind: str
    path: Path
    compiled: Path | None
    size_bytes: int
    sha256: str
    macs: int
    input_shape: tuple[int, ...]


def our_candidates(compiled: Path, float_model: keras.Model, *, work: Path) -> list[Candidate]:
    """Return the compiled int8 model and the float32 model of the same graph.

    Args:
        compiled: The int8 model file.
        float_model: The Keras model it was compiled from.
        work: Folder of the lane; flatbuffers go to ``work/models``.
    """
    file = read_model_file(compiled)
    name = file.manifest.name
    folder = work.resolve() / "models"
    int8 = _written(folder / f"{name}-int8.tflite", file.flatbuffer)
    float32 = _written(folder / f"{name}-float32.tflite", convert_float(freeze(float_model)))
    return [
        _candidate(name, "int8", int8, compiled=compiled.resolve(), shipped=compiled),
        _candidate(name, "float32", float32, compiled=None, shipped=float32),
    ]


def family_candidates(folder: Path, *, work: Path) -> list[Candidate]:
    """Return the other compiled models that are published with the bundled one, by name.

    Args:
        folder: Of the published models: ``NAME/NAME.tflite`` for each but the bundled.
        work: Folder of the lane; flatbuffers go to ``work/models``.
    """
    found = []
    for path in sorted(folder.glob("*/*.tflite")):
        if path.stem != path.parent.name:
            continue
        flatbuffer = read_model_file(path).flatbuffer
        written = _written(work.resolve() / "models" / f"{path.stem}-int8.tflite", flatbuffer)
        found.append(_candidate(path.stem, "int8", written, compiled=None, shipped=path))
    return found


def onnx_candidates(ours: list[Candidate], files: dict[str, Path]) -> list[Candidate]:
    """Return the same models as ONNX graphs: same names, same multiply-accumulates.

    Args:
        ours: What `our_candidates` returns.
        files: The ONNX file for each precision.
    """
    return [
        Candidate(
            model=candidate.model,
            precision=candidate.precision,
            kind=ONNX,
            path=files[candidate.precision].resolve(),
            compiled=None,
            size_bytes=files[candidate.precision].stat().st_size,
            sha256=_sha256(files[candidate.precision]),
            macs=candidate.macs,
            input_shape=candidate.input_shape,
        )
        for candidate in ours
        if candidate.precision in files
    ]


def mlperf_candidates(folder: Path, *, say: Callable[[str], None]) -> list[Candidate]:
    """Return MLPerf Tiny's published models; those that are not in `folder` are said and left."""
    found = []
    for model, precision, name in MLPERF_FILES:
        path = folder / name
        if path.is_file():
            found.append(_candidate(model, precision, path.resolve(), compiled=None, shipped=path))
        else:
            say(f"{model}, {precision}: not measured, there is no {name} in {folder}")
    return found


def _candidate(
    model: str, precision: str, path: Path, *, compiled: Path | None, shipped: Path
) -> Candidate:
    graph = _one_picture(read_graph(path.read_bytes()))
    return Candidate(
        model=model,
        precision=precision,
        kind=TFLITE,
        path=path,
        compiled=compiled,
        size_bytes=shipped.stat().st_size,
        sha256=_sha256(shipped),
        macs=sum(macs(graph, operation) for operation in graph.operations),
        input_shape=graph.tensors[graph.inputs[0]].shape,
    )


def _one_picture(graph: Graph) -> Graph:
    """Return the graph for a batch of 1; published models leave that axis open."""
    tensors = [
        replace(tensor, shape=tuple(1 if size == -1 else size for size in tensor.shape))
        for tensor in graph.tensors
    ]
    return replace(graph, tensors=tuple(tensors))


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
