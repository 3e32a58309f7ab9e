"""The bundled model and 50 pictures of its embedded sample; the same with labels of all kinds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tool_answers import Material, make_material

from benchmarks.peers.environments import ensure_environment
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.pictures import read_test_pictures
from minivgg_edge.catalog import load_model
from minivgg_edge.model_file import pack_model_file

_ROOT = Path(__file__).resolve().parents[2]
_COUNT = 50
ODD_LABELS = (
    "Schraube M3 x 10",
    "螺母",
    "гайка",
    "🔩 loose",
    "a,b;c",
    '"quoted"',
    "x" * 200,
    "tr\u00e9s bien",
    "#7 100 %",
    "0",
)


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    _, test = read_test_pictures(None, load_model())
    return test.images[:: len(test) // _COUNT][:_COUNT]


@pytest.fixture(scope="session")
def bundled(pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Material:
    """What is in the wheel, as it is."""
    model = Path(load_model().source)
    return make_material(model, pictures, tmp_path_factory.mktemp("bundled"))


@pytest.fixture(scope="session")
def oddly_labeled(
    pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> Material:
    """The bundled model with labels that only a reader of UTF-8 lines gets right."""
    folder = tmp_path_factory.mktemp("labels")
    file = load_model()
    manifest = dataclasses.replace(file.manifest, labels=ODD_LABELS)
    model = folder / "odd.tflite"
    model.write_bytes(pack_model_file(file.flatbuffer, manifest, golden=file.golden_vectors()))
    return make_material(model, pictures, folder)


def _python(name: str, folder: Path, requirements: Path) -> Path:
    try:
        return ensure_environment(name, folder, requirements_folder=requirements)
    except PeerUnavailableError as error:
        pytest.skip(f"{name}: {error}")


@pytest.fixture(scope="session")
def tflite_runtime() -> Path:
    """A Python with tflite-runtime: the environment that `make peers` uses too."""
    return _python("tflite-runtime", _ROOT / "out" / "peers", _ROOT / "benchmarks" / "peers")


@pytest.fixture(scope="session")
def mediapipe() -> Path:
    """A Python with MediaPipe Tasks, in an environment of its own (650 MB)."""
    return _python("mediapipe", _ROOT / "out" / "interop", Path(__file__).parent)
