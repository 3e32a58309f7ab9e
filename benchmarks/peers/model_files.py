"""The files that the contenders are run from, all made from one float model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.chain import input_ranges, read_chain
from benchmarks.peers.ncnn_graph import build_ncnn
from benchmarks.peers.onnx_graph import build_onnx, quantize_onnx
from convert.int8.calibration import choose_calibration
from convert.int8.conversion import convert_float
from convert.int8.freeze import freeze
from convert.quiet import quiet
from minivgg_edge.atomic import write_atomically

if TYPE_CHECKING:
    import keras

    from convert.data.pictures import PictureSet


@dataclass(frozen=True, slots=True)
class Material:
    """What the contenders' files are made from, and where they go.

    Attributes:
        int8_file: our compiled model.
        float_model: the Keras model that it was compiled from.
        calibration: training pictures to choose calibration pictures from.
        mlperf_folder: of the published models; it need not exist.
        work_folder: for models and virtual environments.
    """

    int8_file: Path
    float_model: keras.Model
    calibration: PictureSet
    mlperf_folder: Path
    work_folder: Path


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """One model: "int8" or "float32", and its files, the one that an engine is given first."""

    precision: str
    files: tuple[Path, ...]


def tflite_files(material: Material) -> list[ModelFiles]:
    """Our compiled model, and the float32 flatbuffer of the same graph."""
    flatbuffer = convert_float(freeze(material.float_model))
    return [
        ModelFiles("int8", (material.int8_file,)),
        ModelFiles("float32", (_write(material, "minivgg-float32.tflite", flatbuffer),)),
    ]


def onnx_files(material: Material) -> list[ModelFiles]:
    """The same weights as ONNX, quantized by ONNX Runtime on our calibration pictures."""
    pictures = choose_calibration(material.calibration).pictures.images
    with quiet():  # the quantizer advises to simplify the graph first; this one is simple
        graph = build_onnx(read_chain(material.float_model))
        int8 = quantize_onnx(graph, pictures)
    return [
        ModelFiles("int8", (_write(material, "minivgg-int8.onnx", int8),)),
        ModelFiles(
            "float32", (_write(material, "minivgg-float32.onnx", graph.SerializeToString()),)
        ),
    ]


def ncnn_files(material: Material) -> list[ModelFiles]:
    """The same weights for ncnn, quantized over their ranges on our calibration pictures."""
    pictures = choose_calibration(material.calibration).pictures.images
    chain = read_chain(material.float_model)
    ranges = input_ranges(material.float_model, pictures)
    written = []
    for precision, found in (("int8", ranges), ("float32", None)):
        model = build_ncnn(chain, found)
        param = _write(material, f"minivgg-{precision}.param", model.param)
        weights = _write(material, f"minivgg-{precision}.bin", model.weights)
        written.append(ModelFiles(precision, (param, weights)))
    return written


def _write(material: Material, name: str, data: bytes) -> Path:
    path = material.work_folder / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path
