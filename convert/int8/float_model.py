"""Float Keras models: loaded without running foreign code, and checked before anything is done."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import FloatModelError
from convert.int8.keras_archive import check_keras_file
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras

# What Keras raises for a configuration or weights that it cannot read; by its source it has no
# common class for them.
_KERAS_ERRORS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)


def load_float_model(path: Path) -> keras.Model:
    """Load a `.keras` file with Keras' safe mode on, and check its input and output.

    Returns:
        A model from float (None or 1, height, width, 3) to (None or 1, classes).

    Raises:
        FloatModelError: the file is missing, damaged, of another type, holds a layer that could
            run code or weights that lie elsewhere, or does not map one picture to one row of
            scores. The message names it.
    """
    check_keras_file(path)
    with quiet():
        import keras

        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        except _KERAS_ERRORS as error:
            reason = " ".join(str(error).split())
            raise FloatModelError(f"{path}: Keras cannot load it: {reason}") from error
    check_float_model(model, source=str(path))
    return model


def check_float_model(model: keras.Model, *, source: str) -> None:
    """Check that `model` maps one float RGB picture to one row of class scores.

    Raises:
        FloatModelError: more than one input or output, no fixed picture size, no three channels,
            an integer input, or fewer than two classes.
    """
    # A Sequential without an input shape raises AttributeError instead of answering None.
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise FloatModelError(f"{source}: expected a built model, got one without an input shape")
    if len(inputs) != 1 or len(outputs) != 1:
        raise FloatModelError(
            f"{source}: expected one input and one output, got {len(inputs)} and {len(outputs)}"
        )
    shape, scores = tuple(inputs[0].shape), tuple(outputs[0].shape)
    if len(shape) != 4 or shape[3] != 3 or None in shape[1:] or shape[0] not in (None, 1):
        raise FloatModelError(
            f"{source}: expected an input (batch, height, width, 3) of fixed size with batch None "
            f"or 1, got {shape}"
        )
    if not str(inputs[0].dtype).startswith("float"):
        raise FloatModelError(f"{source}: expected a float input, got {inputs[0].dtype}")
    if len(scores) != 2 or scores[1] is None or scores[1] < 2 or scores[0] not in (None, 1):
        raise FloatModelError(
            f"{source}: expected an output (batch, classes) of at least 2 classes, got {scores}"
        )


def picture_size(model: keras.Model) -> tuple[int, int]:
    """Height and width in pixels of the pictures that `model` takes."""
    _, height, width, _ = model.inputs[0].shape
    return int(height), int(width)
