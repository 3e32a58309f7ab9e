"""One small class per inference engine: a model file in, a picture in, scores out.

This file stands alone: it imports numpy and, when a model is loaded, the one engine that is asked
for. Worker processes run it in virtual environments with old numpy versions and without this
project, and it runs on emulated boards.

Every engine takes the same uint8 picture. What `run` does around the graph is what the engine's
user has to do: quantize or widen the pixels for a TFLite model, unpack them for ncnn; the ONNX
graphs do it inside. `invoke` repeats the last inference from an input that is already in the
graph's own form to an output in the graph's own form.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


class Engine(Protocol):
    """A loaded model.

    Attributes:
        version: of the engine's distribution.
    """

    version: str

    def run(self, picture: Picture) -> Scores:
        """Return float32 (classes,) for a uint8 (H, W, 3) picture, RGB, 0-255."""

    def invoke(self) -> None:
        """Repeat the last inference: set the input, compute, fetch the output."""


class Tflite:
    """A TFLite flatbuffer on ai-edge-litert or tflite-runtime; the same interface under two names.

    A quantized input takes real pixel values 0-255 by the tensor's own scale and zero point.
    """

    def __init__(self, module: Any, version: str, path: Path, num_threads: int) -> None:
        self.version = version
        # Bytes, as the device package loads them: a mapped file can be truncated under the process.
        self._interpreter = module.Interpreter(
            model_content=path.read_bytes(), num_threads=num_threads
        )
        self._interpreter.allocate_tensors()
        (source,), (target,) = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        self._source, self._target = source["index"], target["index"]
        self._output_quantization = _quantization(target)
        self._table = _pixel_table(source)
        self._tensor: npt.NDArray[Any] = np.zeros(source["shape"], dtype=source["dtype"])

    def run(self, picture: Picture) -> Scores:
        """See `Engine.run`."""
        self._tensor = self._table[picture][np.newaxis]
        self.invoke()
        scores = self._interpreter.get_tensor(self._target)[0]
        if self._output_quantization is None:
            return np.asarray(scores, dtype=np.float32)
        scale, zero_point = self._output_quantization
        # Widened first: the difference of two 8-bit values does not fit 8 bits.
        return (scores.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)

    def invoke(self) -> None:
        """See `Engine.invoke`."""
        self._interpreter.set_tensor(self._source, self._tensor)
        self._interpreter.invoke()
        self._interpreter.get_tensor(self._target)


class OnnxRuntime:
    """An ONNX graph with a uint8 (1, H, W, 3) input, on the CPU provider with its defaults."""

    def __init__(self, path: Path, num_threads: int) -> None:
        import onnxruntime

        self.version = str(onnxruntime.__version__)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; a board's missing GPU is no news
        self._session = onnxruntime.InferenceSession(
            os.fspath(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        (source,), (target,) = self._session.get_inputs(), self._session.get_outputs()
        self._name, self._outputs = source.name, [target.name]
        self._feed = {self._name: np.zeros(source.shape, dtype=np.uint8)}

    def run(self, picture: Picture) -> Scores:
        """See `Engine.run`."""
        self._feed = {self._name: picture[np.newaxis]}
        (scores,) = self._session.run(self._outputs, self._feed)
        return np.asarray(scores[0], dtype=np.float32)

    def invoke(self) -> None:
        """See `Engine.invoke`."""
        self._session.run(self._outputs, self._feed)


class OpenVino:
    """An ONNX graph with a uint8 (1, H, W, 3) input, on OpenVINO's CPU plug-in."""

    def __init__(self, path: Path, num_threads: int) -> None:
        import openvino

        self.version = str(openvino.__version__).split("-", 1)[0]
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": num_threads,
            # Without it the plug-in may compute a float32 graph in bfloat16.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(os.fspath(path), "CPU", settings)
        self._request = compiled.create_infer_request()
        self._tensor = self._request.get_input_tensor().data
        self._output = self._request.get_output_tensor()
        self._picture: Picture = np.zeros(self._tensor.shape, dtype=np.uint8)

    def run(self, picture: Picture) -> Scores:
        """See `Engine.run`."""
        self._picture = picture[np.newaxis]
        self.invoke()
        return np.array(self._output.data[0], dtype=np.float32)

    def invoke(self) -> None:
        """See `Engine.invoke`."""
        self._tensor[:] = self._picture
        self._request.infer()
        self._output.data.copy()


class Ncnn:
    """An ncnn `.param` file with the `.bin` file of the same name beside it."""

    def __init__(self, path: Path, num_threads: int) -> None:
        import ncnn

        self.version = str(ncnn.__version__)
        self._ncnn = ncnn
        self._net = ncnn.Net()
        self._net.opt.num_threads = num_threads
        self._net.opt.use_vulkan_compute = False
        # By default it keeps weights and results in half precision: faster, but no float32.
        self._net.opt.use_fp16_packed = False
        self._net.opt.use_fp16_storage = False
        self._net.opt.use_fp16_arithmetic = False
        for load, file in (
            (self._net.load_param, path),
            (self._net.load_model, path.with_suffix(".bin")),
        ):
            if load(os.fspath(file)) != 0:
                raise ValueError(f"{file.name}: ncnn {self.version} cannot load it")
        self._input: Any = None

    def run(self, picture: Picture) -> Scores:
        """See `Engine.run`."""
        height, width, _ = picture.shape
        pixel_type = self._ncnn.Mat.PixelType.PIXEL_RGB
        self._input = self._ncnn.Mat.from_pixels(
            np.ascontiguousarray(picture), pixel_type, width, height
        )
        return self._scores()

    def invoke(self) -> None:
        """See `Engine.invoke`."""
        self._scores()

    def _scores(self) -> Scores:
        # An extractor keeps every blob that it has computed: one inference, one extractor.
        extractor = self._net.create_extractor()
        if extractor.input("pixels", self._input) != 0:
            raise ValueError("ncnn: expected an input blob 'pixels'")
        code, scores = extractor.extract("scores")
        if code != 0:
            raise ValueError(f"ncnn: no scores, code {code}")
        return np.array(scores, dtype=np.float32)


def load(engine: str, path: str | os.PathLike[str], num_threads: int) -> Engine:
    """Load a model file.

    Args:
        engine: a key of `ENGINES`.
        path: of the model file.
        num_threads: of the engine's kernels, at least 1.

    Raises:
        KeyError: there is no engine of that name here.
        ImportError: the engine is not installed.
        OSError: the file cannot be read.
        ValueError, RuntimeError: the engine refuses the model.
    """
    return ENGINES[engine](Path(path), num_threads)


def _litert(path: Path, num_threads: int) -> Engine:
    import ai_edge_litert
    from ai_edge_litert import interpreter

    return Tflite(interpreter, str(ai_edge_litert.__version__), path, num_threads)


def _tflite_runtime(path: Path, num_threads: int) -> Engine:
    import tflite_runtime
    from tflite_runtime import interpreter

    return Tflite(interpreter, str(tflite_runtime.__version__), path, num_threads)


ENGINES: dict[str, Callable[[Path, int], Engine]] = {
    "ai-edge-litert": _litert,
    "tflite-runtime": _tflite_runtime,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "ncnn": Ncnn,
}


def _quantization(details: Any) -> tuple[float, int] | None:
    """Scale and zero point of a tensor; None for a float tensor."""
    parameters = details["quantization_parameters"]
    if len(parameters["scales"]) == 0:
        return None
    return float(parameters["scales"][0]), int(parameters["zero_points"][0])


def _pixel_table(details: Any) -> npt.NDArray[Any]:
    """The input value of each pixel value, of the tensor's dtype, (256,)."""
    pixels = np.arange(256, dtype=np.float64)
    quantization = _quantization(details)
    if quantization is None:
        return pixels.astype(details["dtype"])
    scale, zero_point = quantization
    limits = np.iinfo(details["dtype"])
    codes = np.rint(pixels / scale) + zero_point
    return np.clip(codes, limits.min, limits.max).astype(details["dtype"])
