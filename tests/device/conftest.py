"""The bundled model's parts, from which the device tests make models of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import minivgg_edge
from minivgg_edge.manifest import Manifest
from minivgg_edge.model_file import ModelFile, pack_model_file, read_model_file

BUNDLED_MODEL = Path(minivgg_edge.__file__).parent / "models" / "minivgg.tflite"


@pytest.fixture(scope="session")
def bundled() -> ModelFile:
    """The verified parts of the bundled model."""
    return read_model_file(BUNDLED_MODEL)


@pytest.fixture
def bundled_bytes() -> bytes:
    """The bytes of the bundled model."""
    return BUNDLED_MODEL.read_bytes()


@pytest.fixture
def repack(bundled: ModelFile, tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the bundled model with other manifest fields; returns the path."""

    def write(name: str = "changed.tflite", **changes: object) -> Path:
        manifest: Manifest = dataclasses.replace(bundled.manifest, **changes)
        path = tmp_path / name
        path.write_bytes(
            pack_model_file(bundled.flatbuffer, manifest, golden=bundled.golden_vectors())
        )
        return path

    return write


@pytest.fixture
def without_threshold(repack: Callable[..., Path], bundled: ModelFile) -> Path:
    """The bundled model as one that states no threshold."""
    return repack(output=dataclasses.replace(bundled.manifest.output, threshold=None))


@pytest.fixture
def picture(bundled: ModelFile) -> np.ndarray:
    """A model-size picture of noise: uint8 (H, W, 3)."""
    spec = bundled.manifest.input
    return np.random.default_rng(7).integers(0, 256, (spec.height, spec.width, 3), dtype=np.uint8)
