"""The float model of a compiled one, to compare the two anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import DataError
from convert.int8.comparison import Comparison
from convert.int8.gate import SIGNIFICANCE

if TYPE_CHECKING:
    from minivgg_edge.model_file import ModelFile

# Quantization does not make a model better by so much: the float model gets other values then.
_TOO_MUCH_BETTER = 0.05


def read_reference(
    path: Path, target: ModelFile, *, scale: float | None = None, offset: float = 0.0
) -> bytes:
    """Return the float flatbuffer to compare with.

    Args:
        path: the by-product of `convert.quantize`, or a `.keras` file. One without a training
            record has no labels: the number of its classes has to do.
        target: the compiled model.
        scale: for a `.keras` file that expects scaled pixels: it is fed `pixel * scale + offset`.
        offset: see `scale`.

    Raises:
        DataError: its labels or its size are not those of `target`, or the training record beside
            it is of another model.
        ConvertError: it is refused; the message says why.
        ModelFileError: so is a `.tflite` file.
        OSError: the file cannot be read.
    """
    from minivgg_edge.model_file import read_model_file

    if path.suffix == ".keras":
        from convert.int8.conversion import convert_float
        from convert.int8.float_model import load_float_model, picture_size
        from convert.int8.freeze import freeze
        from convert.int8.inputs import check_weights, load_identity

        model = load_float_model(path)
        identity = load_identity(path, name=target.manifest.name)
        check_weights(identity.training, model, path)
        labels = identity.labels
        classes = int(model.outputs[0].shape[1])
        _check_reference(path, target, labels, classes, picture_size(model))
        return convert_float(freeze(model, scale=scale, offset=offset))
    file = read_model_file(path)
    size = (file.manifest.input.height, file.manifest.input.width)
    _check_reference(path, target, file.labels, len(file.labels), size)
    return file.flatbuffer


def pixels_warning(path: Path, result: Comparison) -> str | None:
    """Return a sentence where a Keras model seems to be fed other values than it was trained on.

    Args:
        path: the float model; of a `.tflite` file there is nothing to say, it takes pixels.
        result: with its answers to pixels that nobody scaled.
    """
    too_bad = result.drop < -_TOO_MUCH_BETTER and result.p_value < SIGNIFICANCE
    if path.suffix != ".keras" or not too_bad:
        return None
    return (
        f"{path}: the float model is right on only {100 * result.reference_top1:.1f} % of the "
        f"pictures, the compiled one on {100 * result.target_top1:.1f} %: if it was compiled with "
        "--scale and --offset, name them here too"
    )


def _check_reference(
    path: Path, target: ModelFile, labels: tuple[str, ...], classes: int, size: tuple[int, int]
) -> None:
    if labels not in ((), target.labels) or classes != len(target.labels):
        raise DataError(
            f"{path}: expected the labels of {target.source}, {list(target.labels)}, "
            f"got {list(labels) or f'{classes} classes'}"
        )
    height, width = target.manifest.input.height, target.manifest.input.width
    if size != (height, width):
        raise DataError(
            f"{path}: expected an input of {height}x{width} pixels, as {target.source} has, "
            f"got {size[0]}x{size[1]}"
        )
