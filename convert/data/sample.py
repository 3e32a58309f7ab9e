"""The embedded sample of CIFAR-10: calibration, validation and test pictures that travel in git.

Each part is one lossless WebP contact sheet; `sample.json` holds the labels and the digests. The
pictures are chosen by the split rule (`convert.data.split`), so the sample's validation pictures
are some of the full data set's and its calibration pictures stand in no other part.

`python -m convert.data.sample --verify` checks it, `--build --data DIR` makes it again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.command import EXIT_DONE, run_command
from convert.data.contact_sheet import read_sheet
from convert.data.pictures import PictureSet
from convert.errors import DataError

SAMPLE_FOLDER = Path(__file__).resolve().parent.parent / "sample"
INDEX_FILE = "sample.json"
PICTURES_FOLDER = "pictures"


@dataclass(frozen=True, slots=True)
class Sample:
    """The three parts of the embedded sample; no picture stands in two of them.

    Attributes:
        name: what the reports call it.
        calibration: training pictures to calibrate on; never validated on.
        validation: pictures for the accuracy gate; a subset of the full data set's validation
            pictures, so a model trained on the full data set has not seen them.
        test: pictures that are only reported.
    """

    name: str
    calibration: PictureSet
    validation: PictureSet
    test: PictureSet

    @property
    def parts(self) -> dict[str, PictureSet]:
        """The three parts by name."""
        return {
            "calibration": self.calibration,
            "validation": self.validation,
            "test": self.test,
        }

    def provenance(self) -> dict[str, object]:
        """Name, class names, sizes and order-independent digests, as JSON values."""
        return {
            "name": self.name,
            "classes": list(self.test.class_names),
            "splits": {
                role: {"count": len(pictures), "digest": pictures.digest}
                for role, pictures in self.parts.items()
            },
        }


def load_sample(folder: Path = SAMPLE_FOLDER) -> Sample:
    """Read the embedded sample and check every part's digest.

    The pictures of a part are ordered by rank, classes in turn: every prefix is balanced.

    Raises:
        DataError: a file is missing or damaged, or the pictures are not those the digest names.
    """
    index = folder / INDEX_FILE
    try:
        document = json.loads(index.read_bytes())
        name, class_names = str(document["name"]), tuple(map(str, document["classes"]))
        sheets = document["sheets"]
        calibration, validation, test = (
            _read_part(folder / f"{part}.webp", sheets[part], class_names)
            for part in ("calibration", "validation", "test")
        )
    except OSError as error:
        raise DataError(f"{index}: expected the sample's index, got {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{index}: expected the index that `python -m convert.data.sample --build` writes, "
            f"got {type(error).__name__}: {error}"
        ) from error
    return Sample(name, calibration, validation, test)


def picture_paths(folder: Path = SAMPLE_FOLDER) -> tuple[Path, ...]:
    """The PNG test pictures of the sample, one per class, sorted by class name."""
    return tuple(sorted((folder / PICTURES_FOLDER).glob("*.png")))


def verify_sample(folder: Path = SAMPLE_FOLDER) -> Sample:
    """Load the sample, and check its PNG pictures: each is a test picture of the class it names.

    Raises:
        DataError: as `load_sample`; or a PNG picture is missing or another one.
    """
    sample = load_sample(folder)
    paths = picture_paths(folder)
    if not paths:
        raise DataError(f"{folder / PICTURES_FOLDER}: expected PNG pictures, got none")
    for path in paths:
        picture = read_sheet(path, count=1, columns=1)[0]
        if path.stem not in sample.test.class_names:
            raise DataError(f"{path}: expected a name among {sample.test.class_names}")
        label = sample.test.class_names.index(path.stem)
        same = (sample.test.images == picture).all(axis=(1, 2, 3))
        if not (same & (sample.test.labels == label)).any():
            raise DataError(f"{path}: expected a test picture of its class, got another picture")
    return sample


def _read_part(sheet: Path, entry: dict[str, object], class_names: tuple[str, ...]) -> PictureSet:
    labels = np.array(entry["labels"], dtype=np.int64)
    images = read_sheet(sheet, count=len(labels))
    pictures = PictureSet(images, labels, class_names)
    if pictures.digest != entry["digest"]:
        raise DataError(f"{sheet}: expected digest {entry['digest']}, got {pictures.digest}")
    return pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify or build the embedded sample."""
    parser = argparse.ArgumentParser(prog="python -m convert.data.sample", description=main.__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--verify", action="store_true", help="check every digest")
    action.add_argument("--build", action="store_true", help="make the sample from --data")
    parser.add_argument("--data", type=Path, help="CIFAR-10 in the official binary layout")
    parser.add_argument("--folder", type=Path, default=SAMPLE_FOLDER, help="the sample's place")
    options = parser.parse_args(arguments)
    if options.build and options.data is None:
        parser.error("--build needs --data DIR")
    if options.build:
        from convert.data.sample_build import build_sample

        for path, state in build_sample(options.data, options.folder).items():
            print(f"{path}: {state}")
    sample = verify_sample(options.folder)
    for part, pictures in sample.parts.items():
        print(f"{part}: {len(pictures)} pictures, digest {pictures.digest}")
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
