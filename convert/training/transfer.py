"""Start from the convolutions of a trained model, where its kernels have the same shapes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import TrainingError

if TYPE_CHECKING:
    import keras

BUNDLED_MODEL = Path(__file__).resolve().parents[2] / "models" / "minivgg" / "model.keras"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was taken over.

    Attributes:
        source: name of the model file.
        sha256: of the model file, hex.
        layers: names of the layers whose weights were copied.
    """

    source: str
    sha256: str
    layers: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the transfer as JSON values."""
        return {"source": self.source, "sha256": self.sha256, "layers": list(self.layers)}


def init_path(text: str) -> Path | None:
    """Return the model file that `--init` names: "none", "bundled" or a path."""
    if text == "none":
        return None
    return BUNDLED_MODEL if text == "bundled" else Path(text)


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
    return Transfer(path.name, digest, tuple(copied))


def _fit(own: keras.Layer, other: keras.Layer) -> bool:
    shapes = [tuple(weight.shape) for weight in own.weights]
    return type(own) is type(other) and shapes == [tuple(weight.shape) for weight in other.weights]
