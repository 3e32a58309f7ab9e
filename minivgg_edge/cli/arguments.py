"""Arguments that several commands share, and the checks of their values."""

from __future__ import annotations

import argparse
import math

from minivgg_edge.interpreter import check_num_threads


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="name of an installed model, or a file: anything with a / in it or ending in "
        ".tflite (default: the bundled CIFAR-10 model)",
    )


def add_num_threads(parser: argparse.ArgumentParser) -> None:
    """Add ``--num-threads``."""
    parser.add_argument(
        "--num-threads",
        metavar="N",
        type=_num_threads,
        default=1,
        help="threads of the runtime (default: 1)",
    )


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """Add ``--max-pixels``."""
    from minivgg_edge.decode import DEFAULT_MAX_PIXELS  # of the commands that read pictures alone

    parser.add_argument(
        "--max-pixels",
        metavar="N",
        type=at_least_one,
        default=DEFAULT_MAX_PIXELS,
        help="refuse a picture of more pixels before it is decoded, and a file of more than 4 N "
        "bytes and 16 MiB before it is read (default: %(default)s)",
    )


def _num_threads(text: str) -> int:
    number = at_least_one(text)
    try:
        return check_num_threads(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def at_least_one(text: str) -> int:
    """Parse a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return number


def fraction(text: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 1.0:  # NaN neither
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return number
