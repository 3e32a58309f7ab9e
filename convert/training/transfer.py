"""Start from the convolutions of a trained model, where its kernels have the same shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import TrainingError

if TYPE_CHECKING:
    import keras

PUBLISHED_MODELS = Path(__file__).resolve().parents[2] / "models"
PUBLISHED = "published"


Blocks = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was taken over.

    Attributes:
        source: name of the model file and of its folder.
        sha256: of the model file, hex.
        layers: names of the layers whose weights were copied.
    """

    source: str
    sha256: str
    layers: tuple[str, ...]

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


def transfer_weights(model: keras.Model, path: Path, *, required: bool = True) -> Transfer | None:
    """Copy the weights of convolutions, by layer name, into an untrained model.

    A 3x3 kernel works on pictures of any size; a layer that has no namesake of the same shapes
    keeps its random weights.

    Args:
        model: what `build_minivgg` returned; changed in place.
        path: a `.keras` file.
        required: refuse a file of which nothing fits; otherwise that gives None.

    Raises:
        FloatModelError: the file cannot be loaded safely.
        TrainingError: there is nothing to take over.
    """
    from convert.int8.float_model import load_float_model

    trained = load_float_model(path)
    known = {layer.name: layer for layer in trained.layers}
    copied: list[str] = []
    for layer in model.layers:
        if type(layer).__name__ != "Conv2D":
            continue
        # The normalization belongs to its convolution: without it the channels have other scales.
        names = [layer.name, f"{layer.name}_bn"]
        pairs = [(model.get_layer(name), known.get(name)) for name in names]
        if all(other is not None and _fit(own, other) for own, other in pairs):
            for own, other in pairs:
                own.set_weights(other.get_weights())
            copied += names
    if not copied and not required:
        return None
    if not copied:
        raise TrainingError(
            f"{path}: expected convolutions with the names and shapes of {model.name}'s, got none"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Transfer(f"{path.parent.name}/{path.name}", digest, tuple(copied))


def _fit(own: keras.Layer, other: keras.Layer) -> bool:
    shapes = [tuple(weight.shape) for weight in own.weights]
    return type(own) is type(other) and shapes == [tuple(weight.shape) for weight in other.weights]
