"""Start from the weights of a trained model, where they have the same shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.data.held_out import check_start
from convert.data.pictures import Splits
from convert.errors import TrainingError
from convert.int8.inputs import check_weights
from convert.int8.labels import read_training_record

if TYPE_CHECKING:
    import keras

PUBLISHED_MODELS = Path(__file__).resolve().parents[2] / "models"
PUBLISHED = "published"
_KERNELS = frozenset({"Conv2D", "Dense"})

Blocks = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was taken over.

    Attributes:
        source: name of the model file and of its folder.
        sha256: of the model file, hex.
        layers: names of the layers whose weights were copied.
        whole: whether these are all that have weights.
        notes: what could not be told about its training.
    """

    source: str
    sha256: str
    layers: tuple[str, ...]
    whole: bool = False
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the transfer as JSON values."""
        return {"source": self.source, "sha256": self.sha256, "layers": list(self.layers)}


def init_path(
    text: str, blocks: Blocks, *, required: bool = True, models: Path = PUBLISHED_MODELS
) -> Path | None:
    """Return the model file that `--init` names.

    Args:
        text: "none", "published" or a path.
        blocks: widths of the convolutions that are to begin with learned kernels.
        required: refuse "published" where no convolution fits; otherwise that gives None.
        models: a folder for each published model, and one of their teachers.

    Raises:
        TrainingError: no published model fits.
    """
    if text == "none":
        return None
    if text != PUBLISHED:
        return Path(text)
    found = fitting_model(blocks, models)
    if found is None and required:
        shown = " | ".join(",".join(map(str, widths)) for widths in blocks)
        raise TrainingError(f"no published model has a convolution that fits {shown}: --init none")
    return found


def fitting_model(blocks: Blocks, models: Path) -> Path | None:
    """Return the published model, or teacher of one, with the most convolutions that fit.

    Those fit that have the same place and shape. Of equals the one with fewer convolutions of other
    shapes, whose kernels expect them less, and the published before the teacher; None where nothing
    fits.
    """
    wanted = _shapes(blocks)
    best: tuple[int, int, int] | None = None
    place: Path | None = None
    published, teachers = (
        sorted(models.glob(f"{folders}/training.json")) for folders in ("*", "teachers/*")
    )
    for position, record in enumerate([*published, *teachers]):
        architecture = json.loads(record.read_bytes())["architecture"]
        found = _shapes(architecture["blocks"])
        shared = len(wanted & found)
        rank = (-shared, len(found) - shared, position)
        if shared and architecture["order"] == "conv-bn-relu" and (best is None or rank < best):
            best, place = rank, record.with_name("model.keras")
    return place


def _shapes(blocks: Blocks) -> set[tuple[int, int, int, int]]:
    """Block, place in it, channels in and channels out of each convolution of color pictures."""
    shapes, channels = set(), 3
    for block, widths in enumerate(blocks):
        for place, width in enumerate(widths):
            shapes.add((block, place, channels, width))
            channels = width
    return shapes


def transfer_weights(
    model: keras.Model,
    path: Path,
    splits: Splits,
    *,
    crop: str = "none",
    required: bool = True,
) -> Transfer | None:
    """Copy weights by layer name into an untrained model.

    A 3x3 kernel works on pictures of any size and of any things: each convolution is copied that
    has a namesake of the same shapes. The dense layers are of certain classes: they are copied as
    well where everything fits and the file's record has the classes of the pictures, in their
    order, so that the training goes on with the whole model. Other layers keep their random
    weights.

    Args:
        model: what `build_minivgg` returned; changed in place.
        path: a `.keras` file.
        splits: the pictures that the model is for.
        crop: how they were brought to its size.
        required: refuse a file of which nothing fits; otherwise that gives None.

    Raises:
        FloatModelError: the file cannot be loaded safely.
        TrainingError: there is nothing to take over.
        DataError: it was trained on pictures that are held out now, or its record is of another
            model.
    """
    from convert.int8.float_model import load_float_model

    trained = load_float_model(path)
    record = read_training_record(path)
    known = {layer.name: layer for layer in trained.layers}
    groups = _weighted_layers(model)
    fitting = [group for group in groups if _fits(model, known, group)]
    classes = list(splits.train.class_names)
    same_classes = record.get("labels") == classes
    if len(fitting) < len(groups) or not same_classes:
        fitting = [group for group in fitting if _is_convolution(model.get_layer(group[0]))]
    if not fitting and not required:
        return None
    if not fitting:
        raise TrainingError(
            f"{path}: expected convolutions with the names and shapes of {model.name}'s, got none"
        )
    check_weights(record, trained, path)
    notes = check_start(record, splits, crop=crop, source=str(path))
    copied = [name for group in fitting for name in group]
    for name in copied:
        model.get_layer(name).set_weights(known[name].get_weights())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Transfer(
        f"{path.parent.name}/{path.name}",
        digest,
        tuple(copied),
        whole=fitting == groups,
        notes=notes,
    )


def _weighted_layers(model: keras.Model) -> list[tuple[str, ...]]:
    """Names of the layers with weights, each with its normalization.

    Without that the channels of a convolution would have other scales.
    """
    names = [layer.name for layer in model.layers]
    kernels = [layer.name for layer in model.layers if type(layer).__name__ in _KERNELS]
    return [tuple(name for name in (kernel, f"{kernel}_bn") if name in names) for kernel in kernels]


def _is_convolution(layer: keras.Layer) -> bool:
    return type(layer).__name__ == "Conv2D"


def _fits(model: keras.Model, known: Mapping[str, keras.Layer], group: Sequence[str]) -> bool:
    return all(name in known and _fit(model.get_layer(name), known[name]) for name in group)


def _fit(own: keras.Layer, other: keras.Layer) -> bool:
    shapes = [tuple(weight.shape) for weight in own.weights]
    return type(own) is type(other) and shapes == [tuple(weight.shape) for weight in other.weights]
