"""Options of `convert.quantize` about the scores of the compiled model."""

from __future__ import annotations

import argparse

from convert.options import percent_points
from convert.scores.settings import ScoreSettings


def add_score_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a parser; `score_settings` reads them."""
    add = parser.add_argument_group("scores").add_argument
    add(
        "--output",
        choices=("softmax", "logits"),
        help="how the graph ends; other tools expect softmax. Default: as the float model does",
    )
    add(
        "--temperature",
        choices=("fit", "none"),
        default="none",
        help="fit one on validation pictures, so that scores are probabilities; default: none",
    )
    add(
        "--accept-accuracy",
        type=_accept_accuracy,
        metavar="PERCENT",
        help="store a threshold: of the answers that reach it so many are right, for example 95",
    )


def score_settings(options: argparse.Namespace) -> ScoreSettings:
    """Return what the options say."""
    return ScoreSettings(options.output, options.temperature == "fit", options.accept_accuracy)


def _accept_accuracy(text: str) -> float:
    value = percent_points(text)
    # Below it stands a fraction that was meant as one: 0.95 would accept every answer.
    if not 0.01 <= value < 1.0:
        raise argparse.ArgumentTypeError(
            f"expected a percentage of at least 1 and below 100, for example 95, got {text!r}"
        )
    return value
