"""A model small enough to compile in a second, and pictures that it can tell apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.data.pictures import PictureSet, Splits

if TYPE_CHECKING:
    import keras

TINY_CLASSES = ("red", "green", "blue")
TINY_SIDE = 16


def tiny_pictures(per_class: int, *, seed: int, brightest: int = 255) -> PictureSet:
    """Noise in which the class's channel is brighter: separable, but not perfectly."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(3), per_class)
    images = random.integers(0, 256, (len(labels), TINY_SIDE, TINY_SIDE, 3)).astype(np.float64)
    strength = random.uniform(0.02, 0.6, len(labels))[:, None, None]
    for channel in range(3):
        of_class = (labels == channel)[:, None, None]
        images[..., channel] *= np.where(of_class, 1.0, 1.0 - strength)
    # Gray light of its own for each picture, and both ends of the range in every one of them.
    images *= random.uniform(0.5, 1.0, (len(labels), 1, 1, 1))
    images[:, 0, 0], images[:, 0, 1] = 0.0, 255.0
    scaled = np.round(images * brightest / 255.0).astype(np.uint8)
    return PictureSet(scaled, labels.astype(np.int64), TINY_CLASSES)


def write_folder(root: Path, parts: dict[str, PictureSet]) -> Path:
    """Write picture sets as `root/<part>/<class>/<number>.png`."""
    from PIL import Image

    for part, pictures in parts.items():
        for number, (image, label) in enumerate(zip(pictures.images, pictures.labels, strict=True)):
            folder = root / part / pictures.class_names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number:04}.png")
    return root


def randomize_normalization(model: keras.Model, seed: int) -> None:
    """Give every batch normalization statistics and factors that a fold cannot ignore."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            n = len(layer.get_weights()[0])
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, n),
                    random.normal(0.0, 0.3, n),
                    random.normal(0.0, 0.3, n),
                    random.uniform(0.5, 2.0, n),
                ]
            )


def fit_last_layer(model: keras.Model, pictures: PictureSet) -> None:
    """Train the layer `logits` by ridge regression on the features before it: fast and exact."""
    import keras

    features = keras.Model(model.inputs, model.get_layer("logits").input)
    x = np.asarray(features(pictures.images.astype(np.float32)), dtype=np.float64)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    target = 8.0 * np.eye(pictures.classes)[pictures.labels]
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ target)
    model.get_layer("logits").set_weights([weights[:-1], weights[-1]])


@dataclass(frozen=True)
class Tiny:
    """A trained model file with its record, its data folder and the same pictures in memory."""

    model: keras.Model
    path: Path
    data: Path
    pictures: dict[str, PictureSet]


@dataclass(frozen=True)
class Run:
    """What a command returned and printed."""

    code: int
    out: str
    err: str


RunQuantize = Callable[..., Run]


@dataclass(frozen=True)
class TinyCompiled:
    """The tiny model compiled by the command: its files and what it printed."""

    path: Path
    run: Run

    @property
    def float_path(self) -> Path:
        return self.path.with_suffix(".float.tflite")

    @property
    def report_path(self) -> Path:
        return self.path.with_suffix(".report.json")


def splits_of(tiny: Tiny) -> Splits:
    """The pictures of a tiny model as a data set."""
    parts = tiny.pictures
    return Splits("tiny", parts["train"], parts["validation"], parts["test"])
