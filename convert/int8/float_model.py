"""Float Keras models: loaded without running foreign code, and checked before anything is done."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.errors import FloatModelError
from convert.quiet import quiet

if TYPE_CHECKING:
    import keras

# Layers that carry code or load further files: Python byte code (Lambda), a pickle
# (TorchModuleWrapper), a SavedModel (TFSMLayer), a function of another framework.
UNSAFE_LAYERS = frozenset({"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"})
_CONFIG = "config.json"
_ENTRIES = frozenset({_CONFIG, "metadata.json", "model.weights.h5"})
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
            run code, or does not map one picture to one row of scores. The message names it.
    """
    _check_file(path)
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


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise FloatModelError(f"{path}: expected a .keras file, got a folder")
    if path.suffix.lower() != ".keras":
        raise FloatModelError(
            f"{path}: expected a .keras file, got {path.suffix or 'no suffix'!r} (older formats "
            "can run code while they load: open it with the Keras that wrote it and save it as "
            ".keras)"
        )
    if not path.exists():
        raise FloatModelError(f"{path}: expected a .keras file, got no such file")
    if not path.is_file():
        raise FloatModelError(f"{path}: expected a regular file, got a pipe, socket or device")
    if path.stat().st_size == 0:
        raise FloatModelError(f"{path}: expected a .keras file, got an empty file")
    if not zipfile.is_zipfile(path):
        raise FloatModelError(
            f"{path}: expected a .keras file (a zip), got other bytes or a truncated file"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            missing = _ENTRIES - set(archive.namelist())
            if missing:
                raise FloatModelError(f"{path}: expected {sorted(missing)} in the .keras file")
            # Reads every entry against its checksum: h5py would answer damage with a crash.
            damaged = archive.testzip()
            if damaged is not None:
                raise FloatModelError(f"{path}: {damaged}: the checksum does not match")
            config = json.loads(archive.read(_CONFIG))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise FloatModelError(f"{path}: damaged .keras file: {error}") from error
    for node in _objects(config):
        if node.get("class_name") in UNSAFE_LAYERS:
            settings = node.get("config")
            name = settings.get("name") if isinstance(settings, dict) else None
            raise FloatModelError(
                f"{path}: layer {name!r} is a {node['class_name']}, which can run foreign code: "
                "replace it by built-in layers"
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside `value`, at any depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
