"""The test pictures of the embedded sample as a file that every runtime's Python can read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from benchmarks.pictures import read_test_pictures
from minivgg_edge.atomic import write_atomically
from minivgg_edge.catalog import load_model


def write_sample_pictures(folder: Path) -> Path:
    """Write ``folder/pictures.npy``, uint8 (n, H, W, 3), and return its path."""
    _, pictures = read_test_pictures(None, load_model(None))
    buffer = io.BytesIO()
    np.save(buffer, pictures.images, allow_pickle=False)
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "pictures.npy").resolve()
    write_atomically(path, buffer.getvalue())
    return path
