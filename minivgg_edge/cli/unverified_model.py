"""``--unverified``: what a command line says about a model that has no manifest."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from minivgg_edge.errors import MinivggEdgeError, ModelFileError, ModelNotFoundError
from minivgg_edge.model_file import read_regular_file

if TYPE_CHECKING:
    from minivgg_edge.unverified import Unverified

_DESCRIPTION = """\
A .tflite of any origin, as --model FILE. Nothing in it is verified: it can be damaged and answer
wrongly, and its accuracy is not known. It runs in a child process, so that a crash is an error."""


def add_unverified(parser: argparse.ArgumentParser) -> None:
    """Add ``--unverified`` and what belongs to it."""
    group = parser.add_argument_group("models without a manifest", _DESCRIPTION)
    group.add_argument(
        "--unverified",
        action="store_true",
        help="take a model without a manifest; needs the next two",
    )
    group.add_argument(
        "--labels", metavar="FILE", help="its labels, one a line, in the order of its output"
    )
    group.add_argument(
        "--activation",
        choices=("softmax", "logits"),
        help="what it puts out: scores from 0 to 1, or logits",
    )
    group.add_argument(
        "--mean",
        metavar="M",
        type=_number,
        help="its input is (pixel - M) / S of pixels 0-255 (default: 0)",
    )
    group.add_argument("--std", metavar="S", type=_number, help="see --mean (default: 1)")
    group.add_argument(
        "--crop",
        choices=("none", "center"),
        help="squeeze whole pictures into its input, or cut their middle out (default: none)",
    )


def unverified_from(arguments: argparse.Namespace) -> Unverified | None:
    """Return what the arguments say; None if the model has to be verified.

    Raises:
        ModelFileError: The file of labels is missing or cannot be read.
        MinivggEdgeError: Arguments are missing, out of range, or do not belong together.
    """
    given = {
        name: getattr(arguments, name)
        for name in ("labels", "activation", "mean", "std", "crop")
        if getattr(arguments, name) is not None
    }
    if not arguments.unverified:
        if given:
            raise MinivggEdgeError(
                f"--{next(iter(given))}: expected together with --unverified, since a compiled "
                "model says itself what it is; got it alone"
            )
        return None
    for name in ("model", "labels", "activation"):
        if getattr(arguments, name) is None:
            raise MinivggEdgeError(f"--unverified: expected also --{name}, got none")
    from minivgg_edge.unverified import Unverified  # the usual start does without

    labels = _read_labels(given.pop("labels"))
    try:
        return Unverified(labels=labels, **given)
    except ValueError as error:
        raise MinivggEdgeError(f"--unverified: {error}") from error


def _read_labels(path: str) -> tuple[str, ...]:
    try:
        text = read_regular_file(path).decode("utf-8-sig")
    except ModelNotFoundError as error:
        raise ModelFileError(f"{path!r}: expected a file of labels, got no such file") from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path!r}: expected labels in UTF-8, got: {error}") from error
    return tuple(text.splitlines())


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a finite number, got {text!r}")
    return number
