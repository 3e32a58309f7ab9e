"""What a model's threshold does to pictures of other things.

A threshold is chosen on pictures of the model's own classes, and promises something about these
alone. Here is what it does to photographs of something else and to pictures of nothing: the share
whose answer it rejects, as the device does with `threshold="model"`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import read_test_pictures
from benchmarks.result import conclude, result_of
from convert.command import EXIT_DONE, run_command
from convert.errors import DataError
from convert.quiet import quiet
from convert.report.tables import Table
from convert.report.text import percent, table
from minivgg_edge.catalog import load_model
from minivgg_edge.classifier import Classifier, Picture
from minivgg_edge.picture_file import PICTURE_SUFFIXES

NOISE_COUNT = 1000
_SEED = 12


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a threshold does to one set of pictures.

    Attributes:
        title: of the pictures.
        count: how many.
        rejected: how many get no answer.
        mean_score: of the best label of each, 0-1.
    """

    title: str
    count: int
    rejected: int
    mean_score: float

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "pictures": self.title,
            "count": self.count,
            "rejected": self.rejected,
            "mean_score": self.mean_score,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    with quiet():  # the runtime announces its delegate on stderr
        classifier = Classifier(options.model)
    with classifier:
        threshold = classifier.model_info.manifest.output.threshold
        if threshold is None:
            raise DataError(
                f"{classifier.model_info.source}: expected a model that states a threshold, got "
                "one without: compile it with --accept-accuracy"
            )
        measured = {classifier.model_info.name: classifier.model_info.sha256}
        found = [reject(classifier, *entry) for entry in _sets(classifier, options)]
    if options.json:
        document = {"threshold": threshold, "sets": [entry.to_json() for entry in found]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return EXIT_DONE
    shown = rejection_table(found, threshold)
    print(table((shown.caption, *shown.columns[1:]), shown.rows))
    if options.out is None:
        return EXIT_DONE
    command = ["benchmarks.rejection", *given]
    return conclude(result_of("rejection", command, [shown], models=measured), options.out)


def reject(classifier: Classifier, title: str, pictures: Iterable[Picture]) -> Rejection:
    """Count which pictures the model's own threshold rejects.

    Args:
        classifier: with a threshold in its manifest.
        title: of the pictures.
        pictures: what a classifier takes.

    Raises:
        DataError: there are none.
        PictureError: one cannot be read.
    """
    scores: list[float] = []
    rejected = 0
    for picture in pictures:
        (best,) = classifier.classify(picture)
        scores.append(best.score)
        rejected += not classifier.classify(picture, threshold="model")
    if not scores:
        raise DataError(f"{title}: expected pictures, got none")
    return Rejection(title, len(scores), rejected, float(np.mean(scores)))


def noise(shape: tuple[int, int, int], count: int = NOISE_COUNT) -> Iterator[NDArray[np.uint8]]:
    """Draw grey pictures of independent pixels, the same in every run."""
    random = np.random.default_rng(_SEED)
    for _ in range(count):
        pixels = random.integers(0, 256, shape[:2], dtype=np.uint8)
        yield np.repeat(pixels[..., np.newaxis], 3, axis=2)


def plain(shape: tuple[int, int, int]) -> Iterator[NDArray[np.uint8]]:
    """Make a picture of every grey."""
    for value in range(256):
        yield np.full(shape, value, dtype=np.uint8)


def rejection_table(found: Sequence[Rejection], threshold: float) -> Table:
    """Return a row for each set of pictures."""
    rows = tuple(
        (
            entry.title,
            f"{entry.count:,}",
            percent(entry.mean_score),
            percent(entry.rejected / entry.count),
        )
        for entry in found
    )
    columns = ("pictures", "count", "mean score", "rejected")
    return Table(f"Scores below {threshold:g} are rejected", columns, rows)


def _sets(
    classifier: Classifier, options: argparse.Namespace
) -> Iterator[tuple[str, Iterable[Picture]]]:
    if options.data is not None:
        _, pictures = read_test_pictures(options.data, load_model(options.model))
        yield "test pictures of its own classes", pictures.images
    for folder in options.others:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
        yield folder.name, files
    yield "grey noise", noise(classifier.input_shape)
    yield "one grey all over", plain(classifier.input_shape)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rejection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="compiled with --accept-accuracy")
    add("--data", type=Path, metavar="DIR", help="of the model's own classes")
    add("--others", type=Path, metavar="DIR", nargs="*", default=[], help="folders of other things")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--out", type=Path, metavar="DIR", help="also write rejection.json there")
    either.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
