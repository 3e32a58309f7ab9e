"""The networks whose times are published, written as files for the engines that ran them.

Weights are random or zero: what a network costs does not depend on them. The inputs of int8 TFLite
networks are quantized over random pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.arm import efficientdet, ncnn_networks
from benchmarks.arm.efficientdet import LITE0, LITE1, Scaling
from convert.atomic import write_output
from convert.int8.conversion import convert_float, convert_int8

NCNN = "ncnn"
_TFLITE_NETWORKS: Mapping[str, Scaling] = {
    "EfficientDet-Lite0": LITE0,
    "EfficientDet-Lite1": LITE1,
}
_CALIBRATION_PICTURES = 2
_MEBIBYTE = 1 << 20  # more than biases and scales take in any of the networks


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A network as an engine loads it.

    Attributes:
        path: The graph.
        weights: The file with its weights if they are not in the graph.
        size: Pixels of the input's edge.
    """

    path: Path
    weights: Path | None
    size: int


def build(network: str, precision: str, engine: str, *, folder: Path) -> NetworkFile:
    """Write a network into `folder`; one that is there already is taken as it is.

    Args:
        network: A name of `published.json`.
        precision: "float32" or "int8".
        engine: "ncnn", or any other name for TFLite.
        folder: Where to; made if it is missing.

    Raises:
        ValueError: There is no such network for the engine.
        ConversionError: The converter failed.
    """
    if precision not in ("float32", "int8"):
        raise ValueError(f"expected float32 or int8, got {precision!r}")
    name = f"{network.replace(' ', '-')}.{precision}"
    folder.mkdir(parents=True, exist_ok=True)
    if engine == NCNN:
        return _write_ncnn(network, folder / f"{name}.param", int8=precision == "int8")
    if network not in _TFLITE_NETWORKS:
        raise ValueError(f"expected one of {', '.join(_TFLITE_NETWORKS)}, got {network!r}")
    scaling = _TFLITE_NETWORKS[network]
    path = folder / f"{name}.tflite"
    if not path.is_file():
        write_output(path, _convert(scaling, int8=precision == "int8"), force=True)
    return NetworkFile(path, None, scaling.size)


def _convert(scaling: Scaling, *, int8: bool) -> bytes:
    import keras

    keras.utils.set_random_seed(1)
    model = efficientdet.build(scaling)
    if not int8:
        return convert_float(model)
    shape = (_CALIBRATION_PICTURES, scaling.size, scaling.size, 3)
    return convert_int8(model, np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def _write_ncnn(network: str, path: Path, *, int8: bool) -> NetworkFile:
    if network not in ncnn_networks.NETWORKS:
        raise ValueError(f"expected one of {', '.join(ncnn_networks.NETWORKS)}, got {network!r}")
    graph = ncnn_networks.build(network, int8=int8)
    write_output(path, graph.text().encode("ascii"), force=True)
    weights = path.with_suffix(".bin")
    room = 4 * graph.weights + _MEBIBYTE
    if not weights.is_file() or weights.stat().st_size != room:  # another run may be reading it
        with weights.open("wb") as file:
            # A hole. In ncnn's format it reads as weights in float32, which int8 layers quantize.
            file.truncate(room)
    return NetworkFile(path, weights, graph.size)
