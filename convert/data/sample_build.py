"""Make the embedded sample from the full CIFAR-10: the same bytes with the same Pillow."""

from __future__ import annotations

import json
from pathlib import Path

from convert.atomic import Written, write_output
from convert.data import cifar10
from convert.data.contact_sheet import encode_png, encode_sheet
from convert.data.pictures import PictureSet
from convert.data.sample import INDEX_FILE, PICTURES_FOLDER
from convert.data.split import take_per_class
from convert.errors import DataError

NAME = "CIFAR-10 sample"
SOURCE = (
    "CIFAR-10 (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images), "
    "https://www.cs.toronto.edu/~kriz/cifar.html"
)
# Part -> (file it comes from, first rank, rank behind the last) within each class, see
# `convert.data.split`. Validation lies inside the 500 that are held out from training,
# calibration right behind them, among the pictures that are trained on.
RANKS = {
    "calibration": (
        "train",
        cifar10.VALIDATION_PER_CLASS,
        cifar10.VALIDATION_PER_CLASS + 50,
    ),
    "validation": ("train", 0, 250),
    "test": ("test", 0, 200),
}


def build_sample(data: Path, folder: Path) -> dict[Path, Written]:
    """Write the sample's sheets, index and PNG pictures into `folder`.

    Args:
        data: CIFAR-10 in the official binary layout, in any order of the records.
        folder: where the sample goes; files with other bytes are replaced.

    Returns:
        "written" or "unchanged" per file.

    Raises:
        DataError: `data` is not the full published data set.
    """
    sources = {"train": cifar10.read_training(data), "test": cifar10.read_test(data)}
    for source, expected in (("train", cifar10.TRAIN_DIGEST), ("test", cifar10.TEST_DIGEST)):
        if sources[source].digest != expected:
            raise DataError(
                f"{data}: expected the {source} records of CIFAR-10 with digest {expected}, "
                f"got {sources[source].digest}"
            )
    parts = {
        part: sources[source].subset(take_per_class(sources[source], start=start, stop=stop))
        for part, (source, start, stop) in RANKS.items()
    }
    files = {folder / f"{part}.webp": encode_sheet(parts[part].images) for part in parts}
    files[folder / INDEX_FILE] = _index(parts)
    # Of each class the first test picture by rank, whatever any model says to it.
    for label, name in enumerate(cifar10.CLASS_NAMES):
        first = int((parts["test"].labels == label).argmax())
        files[folder / PICTURES_FOLDER / f"{name}.png"] = encode_png(parts["test"].images[first])
    return {path: write_output(path, content, force=True) for path, content in files.items()}


def _index(parts: dict[str, PictureSet]) -> bytes:
    document = {
        "name": NAME,
        "classes": list(cifar10.CLASS_NAMES),
        "source": {
            "reference": SOURCE,
            "train_digest": cifar10.TRAIN_DIGEST,
            "test_digest": cifar10.TEST_DIGEST,
        },
        "sheets": {
            part: {
                "from": RANKS[part][0],
                "ranks": list(RANKS[part][1:]),
                "count": len(pictures),
                "digest": pictures.digest,
                "labels": pictures.labels.tolist(),
            }
            for part, pictures in parts.items()
        },
    }
    # Without an indent: 5,000 labels would be 5,000 lines.
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
