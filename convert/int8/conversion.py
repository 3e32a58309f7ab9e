"""The TensorFlow Lite converter: a frozen Keras model in, a flatbuffer out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.pixel_ranges import cover_pixels, spans_all
from convert.int8.ranges import has_dead, widen_dead
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras

Io = Literal["uint8", "int8"]

# MLIR puts the chain of callers before each message, which says more about TensorFlow than about
# the model, and dumps the whole graph behind it.
_LOCATION = re.compile(r"<unknown>:0: |loc\(.*\): (?=error:|note:)|error: loc\(.*\)\): ")
_DUMP = ("note:", "Details:", "see current operation")


def convert_int8(model: keras.Model, calibration: NDArray[np.uint8], *, io: Io = "uint8") -> bytes:
    """Convert to a static int8 flatbuffer: the same arguments give the same bytes.

    Weights are quantized per output channel, activations per tensor, over the ranges that they
    take on the calibration pictures. The pixels' range is 0-255 whatever the pictures hold: the
    input's scale is 1.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        io: dtype of the graph's input and output.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def prepare(converter: Any, tf: Any) -> None:
        _ask_for_int8(converter, tf, calibration)
        dtype = tf.uint8 if io == "uint8" else tf.int8
        converter.inference_input_type = converter.inference_output_type = dtype

    if spans_all(calibration):
        quantized = _convert(model, prepare)
        # Kernels refuse the scale that the converter gives a layer of nothing but zeros.
        if not has_dead(quantized):
            return quantized
    return quantize(convert_calibrated(model, calibration), io=io)


def convert_calibrated(model: keras.Model, calibration: NDArray[np.uint8]) -> bytes:
    """Do the first half of `convert_int8`: a float32 flatbuffer with each activation's range.

    That of the pixels, and of what only scales them, is the one of 0-255.

    `quantize` does the second half; `convert.int8.ranges` reads and changes the ranges between.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def prepare(converter: Any, tf: Any) -> None:
        _ask_for_int8(converter, tf, calibration)
        # What TensorFlow's own QuantizationDebugger sets; there is no public name for it.
        converter._experimental_calibrate_only = True

    calibrated = widen_dead(_convert(model, prepare))
    return calibrated if spans_all(calibration) else cover_pixels(calibrated)


def quantize(
    calibrated: bytes, *, io: Io | None = "uint8", float_operators: Collection[str] = ()
) -> bytes:
    """Do the second half of `convert_int8`, in tenths of a second.

    With the ranges that `convert_calibrated` found, the answers are those of `convert_int8`.

    Args:
        calibrated: from `convert_calibrated`, its ranges changed or not.
        io: dtype of the graph's input and output; None for float32.
        float_operators: names of the output tensors of operators that stay in float32. It
            shows what a layer's quantization costs; the result is no int8 model.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def run(tf: Any) -> bytes:
        from tensorflow.lite.python.convert import mlir_quantize

        dtype = {"uint8": tf.uint8, "int8": tf.int8, None: tf.float32}[io]
        return bytes(
            mlir_quantize(
                calibrated,
                input_data_type=dtype,
                output_data_type=dtype,
                denylisted_nodes=list(float_operators),
            )
        )

    return _guarded(run)


def convert_float(model: keras.Model) -> bytes:
    """Convert to a float32 flatbuffer of the same graph: the reference of every comparison.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """
    return _convert(model, lambda converter, tf: None)


def convert_float16(model: keras.Model) -> bytes:
    """Convert to a float32 graph whose weights are stored as float16.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def prepare(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    return _convert(model, prepare)


def convert_dynamic_range(model: keras.Model) -> bytes:
    """Convert to a float32 graph with int8 weights, whose kernels quantize what they get.

    Weights of fewer than 1,024 values stay float32: that is the converter's own rule.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def prepare(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

    return _convert(model, prepare)


def _ask_for_int8(converter: Any, tf: Any, calibration: NDArray[np.uint8]) -> None:
    def representative_dataset() -> Iterator[list[NDArray[np.float32]]]:
        for picture in calibration:
            yield [picture[np.newaxis].astype(np.float32)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def _convert(model: keras.Model, prepare: Callable[[Any, Any], None]) -> bytes:
    def run(tf: Any) -> bytes:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        prepare(converter, tf)
        return bytes(converter.convert())

    return _guarded(run)


def _guarded(run: Callable[[Any], bytes]) -> bytes:
    """Run the converter in silence; its errors become one with its own words."""
    failure: Exception | None = None
    with quiet() as captured:
        import tensorflow as tf
        from tensorflow.lite.python.convert import ConverterError

        # ConverterError for an operator without an int8 kernel; the others come from tracing the
        # model, from the temporary SavedModel, and from running on the calibration pictures.
        errors = (ConverterError, tf.errors.OpError, LookupError, RuntimeError, TypeError)
        try:
            flatbuffer = run(tf)
        except (*errors, ValueError) as error:
            failure = error
    if failure is not None:
        text = _reason(str(failure)) or _reason(captured.text) or type(failure).__name__
        raise ConversionError(f"the converter failed: {text}") from failure
    return flatbuffer


def _reason(text: str) -> str:
    """The converter's own words, without locations and dumps of the graph."""
    kept: list[str] = []
    for line in _LOCATION.sub("", text).splitlines():
        if line.strip().startswith(_DUMP):
            if "Details:" in line:
                break
            continue
        if line.strip() and line.strip() not in kept:
            kept.append(line.strip())
    return "\n".join(kept)
