"""The same weights as an ONNX graph: uint8 picture in, scores out; float32, or int8 as QDQ."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.chain import POOL, Chain, Convolution, Dense, MaxPooling

if TYPE_CHECKING:
    import onnx

INPUT_NAME = "pixels"
OUTPUT_NAME = "scores"
# Of ONNX 1.12 and newer: every engine here reads it.
_OPSET = 17
_IR_VERSION = 8


def build_onnx(chain: Chain) -> onnx.ModelProto:
    """Write a float32 graph from uint8 (1, height, width, 3) to float32 (1, classes).

    The widening of the pixels and the change to channels first are part of the graph, as they are
    part of what a TFLite model does with the same picture.
    """
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", [INPUT_NAME], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["wide"], ["planes"], perm=[0, 3, 1, 2]),
    ]
    weights: list[Any] = []
    value = "planes"
    flat = False
    for layer in chain.layers:
        if isinstance(layer, Dense) and not flat:
            nodes.append(helper.make_node("Flatten", [value], ["flat"], axis=1))
            value, flat = "flat", True
        nodes.append(_node(layer, value))
        value = layer.name
        if isinstance(layer, Convolution | Dense):
            weights.append(onnx.numpy_helper.from_array(layer.kernel, f"{layer.name}.kernel"))
            weights.append(onnx.numpy_helper.from_array(layer.bias, f"{layer.name}.bias"))
            if layer.relu:
                nodes.append(helper.make_node("Relu", [value], [f"{layer.name}.relu"]))
                value = f"{layer.name}.relu"
    nodes.append(helper.make_node("Softmax", [value], [OUTPUT_NAME], axis=1))
    shape = [1, chain.height, chain.width, 3]
    graph = helper.make_graph(
        nodes,
        "minivgg",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [1, chain.classes])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return onnx.shape_inference.infer_shapes(model)


def _node(layer: Any, value: str) -> Any:
    from onnx import helper

    if isinstance(layer, MaxPooling):
        window = [POOL, POOL]
        return helper.make_node(
            "MaxPool", [value], [layer.name], kernel_shape=window, strides=window
        )
    if not isinstance(layer, Convolution | Dense):
        return helper.make_node("GlobalAveragePool", [value], [layer.name])
    inputs = [value, f"{layer.name}.kernel", f"{layer.name}.bias"]
    if isinstance(layer, Dense):
        return helper.make_node("Gemm", inputs, [layer.name], transB=1)
    rows, columns = layer.kernel.shape[2:]
    pads = [rows // 2, columns // 2] * 2
    return helper.make_node("Conv", inputs, [layer.name], pads=pads)


def quantize_onnx(model: onnx.ModelProto, calibration: NDArray[np.uint8]) -> bytes:
    """Quantize with ONNX Runtime's own tool: QDQ, int8 weights per channel, int8 activations.

    Args:
        model: what `build_onnx` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255; ranges are the smallest and largest
            values that activations take on them.

    Returns:
        The int8 model's bytes.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class _Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds = ({INPUT_NAME: picture[np.newaxis]} for picture in calibration)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            return next(self._feeds, None)

    with tempfile.TemporaryDirectory() as folder:
        source, path = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model.SerializeToString())  # a model in memory would be changed
        quantize_static(
            source,
            path,
            _Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return path.read_bytes()
