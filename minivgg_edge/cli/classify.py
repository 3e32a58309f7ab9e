"""``minivgg-edge classify``: pictures in, labels out."""

from __future__ import annotations

import argparse
import json
import time
from typing import Literal

from minivgg_edge.classifier import Classifier
from minivgg_edge.cli.arguments import (
    add_max_pixels,
    add_model,
    add_num_threads,
    at_least_one,
    fraction,
)
from minivgg_edge.cli.native_log import without_info_lines, without_native_lines
from minivgg_edge.cli.terminal import complain, display_width, pad, percent, printable, say
from minivgg_edge.cli.unverified_model import add_unverified, unverified_from
from minivgg_edge.errors import ModelError, PictureError
from minivgg_edge.results import Prediction

_DESCRIPTION = "Say what is in each picture: label, score and time."

_EPILOG = """\
The score is the model's probability of the label. The time of a picture covers reading the file,
decoding it, resizing it and running the model. It does not cover loading the model, which is
stated below the table; the time of the first picture includes loading the picture decoder.

A picture that cannot be read gets a line on standard error; the others are still classified, and
the exit code is 2.

--json prints one JSON object per line and picture, in the order of the arguments (JSON Lines):
  {"picture": "cat.png",
   "predictions": [{"label": "cat", "index": 3, "score": 0.97265625}],
   "time_ms": 2.41}
predictions is sorted by score (a fraction) and empty when none reaches --threshold, which the
table shows as "(below threshold)", or as "(none of these)" for the model's own. A picture
that cannot be read has "error" with the reason instead of predictions and time_ms.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("pictures", metavar="PICTURE", nargs="+", help="a picture file")
    add_model(parser)
    parser.add_argument(
        "--top-k",
        metavar="N",
        type=at_least_one,
        default=1,
        help="labels per picture, best first (default: 1)",
    )
    parser.add_argument(
        "--threshold",
        metavar="T",
        type=_threshold,
        help="leave out labels with a score below T: a number from 0 to 1, or 'model' for the one "
        "that the model states",
    )
    add_num_threads(parser)
    add_max_pixels(parser)
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per picture, see below"
    )
    add_unverified(parser)


def run(arguments: argparse.Namespace) -> int:
    """Classify the pictures; 2 if one of them could not be read."""
    start = time.perf_counter()
    with without_info_lines():
        classifier = Classifier(
            arguments.model,
            num_threads=arguments.num_threads,
            max_pixels=arguments.max_pixels,
            unverified=unverified_from(arguments),
        )
    with classifier:
        load_ms = 1000 * (time.perf_counter() - start)
        _check_stated(classifier, arguments.threshold)
        output = _JsonLines() if arguments.json else _Table(classifier, arguments)
        failures = 0
        for picture in arguments.pictures:
            start = time.perf_counter()
            try:
                with without_native_lines():
                    predictions = classifier.classify(
                        picture, top_k=arguments.top_k, threshold=arguments.threshold
                    )
            except PictureError as error:
                failures += 1
                output.failure(picture, error)
                continue
            output.picture(picture, predictions, 1000 * (time.perf_counter() - start))
        output.end(load_ms, arguments.num_threads)
    return 2 if failures else 0


def _threshold(text: str) -> float | Literal["model"]:
    return "model" if text == "model" else fraction(text)


def _check_stated(classifier: Classifier, threshold: float | str | None) -> None:
    if threshold == "model" and classifier.model_info.manifest.output.threshold is None:
        raise ModelError(
            f"{classifier.model_info.source!r}: expected a model that states a threshold for "
            "--threshold model, got one without: give a number from 0 to 1"
        )


class _JsonLines:
    """One JSON object per picture. ASCII only, so that any pipe and any file name is safe."""

    def picture(self, name: str, predictions: tuple[Prediction, ...], time_ms: float) -> None:
        found = [{"label": p.label, "index": p.index, "score": p.score} for p in predictions]
        say(json.dumps({"picture": name, "predictions": found, "time_ms": round(time_ms, 3)}))

    def failure(self, name: str, error: PictureError) -> None:
        complain(str(error))
        say(json.dumps({"picture": name, "error": str(error)}))

    def end(self, load_ms: float, num_threads: int) -> None:
        """Say nothing: every line is a picture."""


class _Table:
    """Aligned lines, each shown as soon as it is known. The name comes last: it may be long."""

    _SCORE, _TIME = 7, 11  # columns of "100.0 %" and "99999.99 ms"
    _BELOW, _NONE = "(below threshold)", "(none of these)"

    def __init__(self, classifier: Classifier, arguments: argparse.Namespace) -> None:
        top_k = arguments.top_k
        self._nothing = self._NONE if arguments.threshold == "model" else self._BELOW
        shortest = len(self._BELOW) - self._SCORE - 2
        self._label = max(shortest, *(display_width(printable(n)) for n in classifier.labels))
        self._ranks = min(top_k, len(classifier.labels))
        self._empty = True

    def picture(self, name: str, predictions: tuple[Prediction, ...], time_ms: float) -> None:
        if self._empty:
            self._line("#", "label", "score", "time", "picture")
            self._empty = False
        if not predictions:
            self._line("-", self._nothing, "", f"{time_ms:.2f} ms", printable(name))
        for rank, prediction in enumerate(predictions, start=1):
            end = (f"{time_ms:.2f} ms", printable(name)) if rank == 1 else ("", "")
            label = printable(prediction.label)
            self._line(str(rank), label, percent(prediction.score), *end)

    def _line(self, rank: str, label: str, score: str, time_: str, name: str) -> None:
        # Without --top-k there is one label per picture, and its rank says nothing.
        start = [pad(rank, len(str(self._ranks)), "r")] if self._ranks > 1 else []
        # "(below threshold)" may be wider than every label: it takes the empty score's columns too.
        left = pad(label, self._label) + "  " + pad(score, self._SCORE, "r")
        if not score:
            left = pad(label, self._label + 2 + self._SCORE)
        say("  ".join([*start, left, pad(time_, self._TIME, "r"), name]).rstrip())

    def failure(self, name: str, error: PictureError) -> None:
        complain(str(error))

    def end(self, load_ms: float, num_threads: int) -> None:
        if self._empty:
            return
        threads = "1 thread" if num_threads == 1 else f"{num_threads} threads"
        say()
        say(
            f"time: read, decode, resize and run the model, {threads}; the first picture's includes"
        )
        say(f"loading the decoder. Loading the model took {load_ms:.0f} ms, not included.")
