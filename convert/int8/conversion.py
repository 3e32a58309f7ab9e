"""The TensorFlow Lite converter: a frozen Keras model in, a flatbuffer out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
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
    take on the calibration pictures. The input's scale is 1.0 when the pictures hold a pixel of 0
    and one of 255; otherwise the range is theirs, and the device quantizes by a table.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        io: dtype of the graph's input and output.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """

    def representative_dataset() -> Iterator[list[NDArray[np.float32]]]:
        for picture in calibration:
            yield [picture[np.newaxis].astype(np.float32)]

    def prepare(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative_dataset
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        dtype = tf.uint8 if io == "uint8" else tf.int8
        converter.inference_input_type = converter.inference_output_type = dtype

    return _convert(model, prepare)


def convert_float(model: keras.Model) -> bytes:
    """Convert to a float32 flatbuffer of the same graph: the reference of every comparison.

    Raises:
        ConversionError: the converter failed; the message holds its own words.
    """
    return _convert(model, lambda converter, tf: None)


def _convert(model: keras.Model, prepare: Any) -> bytes:
    failure: Exception | None = None
    with quiet() as captured:
        import tensorflow as tf
        from tensorflow.lite.python.convert import ConverterError

        # ConverterError for an operator without an int8 kernel; the others come from tracing the
        # model, from the temporary SavedModel, and from running on the calibration pictures.
        errors = (ConverterError, tf.errors.OpError, LookupError, RuntimeError, TypeError)
        try:
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
            prepare(converter, tf)
            flatbuffer = bytes(converter.convert())
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
