"""What the float model and its int8 model answer to the same pictures, and where they differ.

Writes confusion matrices of both and the pictures that got another label, with their scores, as
JSON for `python -m benchmarks.report`.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import io
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import FLOAT_MODEL, float_model_file
from benchmarks.pictures import read_test_pictures
from convert.atomic import write_output
from convert.command import EXIT_DONE, run_command
from convert.data.pictures import PictureSet
from convert.quiet import quiet
from minivgg_edge import Classifier
from minivgg_edge.catalog import DEFAULT_MODEL, load_model
from minivgg_edge.metrics import accuracy, confusion_matrix

SCHEMA = 1
MOST_FLIPS = 60
"""Pictures in the document; `flip_count` has the number of all."""

DEFAULT_OUT = Path("out/bench/answers.json")


@dataclass(frozen=True, slots=True)
class Answers:
    """Scores of two models for the same pictures.

    Attributes:
        dataset: What the pictures are called.
        pictures: With their true classes.
        float32: float32 (n, classes), scores 0-1 of the float model.
        int8: float32 (n, classes), scores 0-1 of the int8 model, multiples of its output's scale.
    """

    dataset: str
    pictures: PictureSet
    float32: NDArray[np.float32]
    int8: NDArray[np.float32]

    def flips(self) -> NDArray[np.intp]:
        """Return the indices of pictures that got two labels, the largest difference first.

        The difference is that of the label whose score moved most; equal ones keep their order.
        """
        flipped = np.flatnonzero(self.float32.argmax(axis=1) != self.int8.argmax(axis=1))
        moved = np.abs(self.float32[flipped] - self.int8[flipped]).max(axis=1, initial=0.0)
        return flipped[np.argsort(-moved, kind="stable")]


def score_all(model: str | Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a model's scores.

    Args:
        model: As `Classifier` takes it.
        images: uint8 (n, height, width, 3), RGB, 0-255, of the model's size.

    Returns:
        float32 (n, classes), 0-1.
    """
    with quiet():  # the runtime announces its delegate on stderr
        classifier = Classifier(model)
    with classifier:
        scores = np.empty((len(images), len(classifier.labels)), dtype=np.float32)
        for index, picture in enumerate(images):
            scores[index] = classifier.scores(picture)
    return scores


def to_json(answers: Answers, *, date: str, command: str) -> dict[str, Any]:
    """Return the document of kind "answers" as JSON values.

    Args:
        answers: Of both models.
        date: Day of the run, ISO 8601.
        command: What was called.
    """
    flips = answers.flips()
    return {
        "schema": SCHEMA,
        "kind": "answers",
        "date": date,
        "command": command,
        "dataset": answers.dataset,
        "split": "test",
        "count": len(answers.pictures),
        "labels": list(answers.pictures.class_names),
        "float32": _measured(answers.float32, answers.pictures),
        "int8": _measured(answers.int8, answers.pictures),
        "flip_count": len(flips),
        "flips": [_flip(answers, int(index)) for index in flips[:MOST_FLIPS]],
    }


def _measured(scores: NDArray[np.float32], pictures: PictureSet) -> dict[str, Any]:
    confusion = confusion_matrix(pictures.labels, scores.argmax(axis=1), pictures.classes)
    return {"top1": accuracy(confusion), "confusion": confusion.tolist()}


def _flip(answers: Answers, index: int) -> dict[str, Any]:
    names = answers.pictures.class_names
    document: dict[str, Any] = {
        "index": index,
        "truth": names[answers.pictures.labels[index]],
    }
    for precision, scores in (("float32", answers.float32), ("int8", answers.int8)):
        best = int(scores[index].argmax())
        document[f"{precision}_label"] = names[best]
        document[f"{precision}_score"] = round(float(scores[index, best]), 6)
    document["png_base64"] = base64.b64encode(_png(answers.pictures.images[index])).decode()
    return document


def _png(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both models, write the document and print what it says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", default=DEFAULT_OUT)
    options = parser.parse_args(arguments)
    dataset, pictures = read_test_pictures(options.data, load_model(DEFAULT_MODEL))
    with tempfile.TemporaryDirectory() as folder:
        float_model = Path(folder) / "float.tflite"
        float_model.write_bytes(float_model_file(FLOAT_MODEL, DEFAULT_MODEL))
        answers = Answers(
            dataset,
            pictures,
            score_all(float_model, pictures.images),
            score_all(DEFAULT_MODEL, pictures.images),
        )
    words = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "benchmarks.answers", *words])
    document = to_json(answers, date=datetime.date.today().isoformat(), command=command)
    data = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # Always a new result of the same command: nothing of the user's is replaced.
    state = write_output(options.out, data.encode(), force=True)
    print(
        f"{dataset}, test, {len(pictures)} pictures: float32 {document['float32']['top1']:.2%}, "
        f"int8 {document['int8']['top1']:.2%}, {document['flip_count']} got another label"
    )
    print(f"{options.out}: {state}")
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
