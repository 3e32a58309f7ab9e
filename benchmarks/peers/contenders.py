"""Which models on which engines take part, and the files they are run from."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.engines import ENGINES
from benchmarks.peers.environments import ensure_environment
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.peers.model_files import (
    Material,
    ModelFiles,
    ncnn_files,
    onnx_files,
    tflite_files,
)

REFERENCE_ENGINE = "ai-edge-litert"
# MLPerf Tiny's published image classifiers, by the names of their files.
RESNET8 = "mlperf-tiny-resnet8"
MLPERF_FILES = (
    (RESNET8, "int8", "pretrainedResnet_quant.tflite"),
    (RESNET8, "float32", "pretrainedResnet.tflite"),
    ("mlperf-tiny-large", "int8", "pretrainedResnet_large_int8.tflite"),
    ("mlperf-tiny-large", "float32", "pretrainedResnet_large_float.tflite"),
)


@dataclass(frozen=True, slots=True)
class Contender:
    """One model file on one engine.

    Attributes:
        model: its name.
        precision: "int8" or "float32".
        engine: a key of `engines.ENGINES`.
        files: the model; the engine is given the first.
        python: interpreter of the environment that has the engine.
    """

    model: str
    precision: str
    engine: str
    files: tuple[Path, ...]
    python: Path

    @property
    def is_reference(self) -> bool:
        """Whether all ratios are to this one."""
        return (self.model, self.precision, self.engine) == ("minivgg", "int8", REFERENCE_ENGINE)

    @property
    def title(self) -> str:
        """Model, precision and engine in words."""
        return f"{self.model} {self.precision}, {self.engine}"

    @property
    def size_bytes(self) -> int:
        """Length of all files."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the files' contents, one behind the other."""
        return hashlib.sha256(b"".join(file.read_bytes() for file in self.files)).hexdigest()


@dataclass(frozen=True, slots=True)
class Missing:
    """A peer that takes no part, and why."""

    engine: str
    reason: str


def find_contenders(
    material: Material, engines: Collection[str], say: Callable[[str], None]
) -> tuple[list[Contender], list[Missing]]:
    """Write the model files, make the environments, and list who can take part.

    The reference always takes part.

    Args:
        material: see there.
        engines: those that are wanted, of `ENGINES`.
        say: told what is being done.
    """
    made = {tflite_files: tflite_files(material)}
    here = Path(sys.executable)
    contenders = [_ours(files, REFERENCE_ENGINE, here) for files in made[tflite_files]]
    missing: list[Missing] = []
    if REFERENCE_ENGINE in engines:
        published, missing = find_mlperf(material.mlperf_folder)
        contenders += published
    else:
        contenders = [contender for contender in contenders if contender.is_reference]
    for engine in ENGINES:
        if engine == REFERENCE_ENGINE or engine not in engines:
            continue
        say(f"preparing {engine}")
        try:
            python = _python(engine, material.work_folder)
            write = _WRITERS[engine]
            if write not in made:
                made[write] = write(material)
        except PeerUnavailableError as error:
            missing.append(Missing(engine, str(error)))
            continue
        contenders += [_ours(files, engine, python) for files in made[write]]
    return contenders, missing


def find_mlperf(folder: Path) -> tuple[list[Contender], list[Missing]]:
    """List the published models that are in `folder`, and those that are not."""
    contenders, missing = [], []
    for model, precision, name in MLPERF_FILES:
        if (folder / name).is_file():
            python = Path(sys.executable)
            contender = Contender(model, precision, REFERENCE_ENGINE, (folder / name,), python)
            contenders.append(contender)
        else:
            reason = f"{model} {precision}: {name} is not there (set MINIVGG_SHARED)"
            missing.append(Missing(REFERENCE_ENGINE, reason))
    return contenders, missing


def _ours(written: ModelFiles, engine: str, python: Path) -> Contender:
    return Contender("minivgg", written.precision, engine, written.files, python)


_WRITERS: dict[str, Callable[[Material], list[ModelFiles]]] = {
    "tflite-runtime": tflite_files,
    "onnxruntime": onnx_files,
    "openvino": onnx_files,
    "ncnn": ncnn_files,
}


def _python(engine: str, work_folder: Path) -> Path:
    """The interpreter that has the engine, its environment made first where it needs its own."""
    if engine in ("onnxruntime", "openvino"):  # OpenVINO reads what ONNX Runtime's tool quantized
        _check_extra()
    if engine == "onnxruntime":
        return Path(sys.executable)
    return ensure_environment(engine, work_folder)


def _check_extra() -> None:
    absent = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if absent:
        raise PeerUnavailableError(
            f"not installed: no {' and no '.join(absent)}; run `pip install '.[peers]'`"
        )
