"""Types of command-line arguments, with messages that say expected and got, and shared options."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path

from convert.errors import DataError


def positive_integer(text: str) -> int:
    """An integer of at least 1."""
    return _integer(text, 1)


def non_negative_integer(text: str) -> int:
    """An integer of at least 0."""
    return _integer(text, 0)


def finite_number(text: str) -> float:
    """A number that is neither NaN nor infinite."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}")
    return value


def number_or_quotient(text: str) -> float:
    """A finite number, which may be written as a quotient, 1/255 for example."""
    number, slash, divisor = text.partition("/")
    try:
        value = float(number) / float(divisor) if slash else float(number)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a number such as 1/255 or 0.004, got {text!r}")
    return value


def percent_points(text: str) -> float:
    """Percent points from 0 to 100, as the fraction they stand for."""
    value = finite_number(text)
    if not 0.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"expected points from 0 to 100, got {text!r}")
    return value / 100.0


def model_name(text: str) -> str:
    """A name that a model file may carry."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text) is None:
        raise argparse.ArgumentTypeError(
            f"expected a name of letters, digits, '.', '_' and '-', got {text!r}"
        )
    return text


def add_folder_options(parser: argparse.ArgumentParser) -> None:
    """Add what concerns a folder of images only, the same in all commands that read one."""
    parser.add_argument(
        "--split-file",
        type=Path,
        metavar="FILE",
        help="where the split of an image folder is kept; default: split.json in the folder",
    )
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out pictures that cannot be decoded"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where big photos are kept decoded; default: out/cache/FOLDER-HASH",
    )
    group.add_argument("--no-cache", action="store_true", help="decode all pictures in every run")


def check_folder_options(
    options: argparse.Namespace, more: Mapping[str, bool] | None = None
) -> None:
    """Check that what concerns a folder of images is not asked of CIFAR-10, where it says nothing.

    Args:
        options: with `data`, the folder, None for the embedded sample, and what
            `add_folder_options` adds. `--no-cache` is always true of CIFAR-10.
        more: further flags of the command that concern folders only, and whether they are given.

    Raises:
        DataError: one of the others is given.
    """
    given = {
        "--split-file": options.split_file is not None,
        "--skip-broken": options.skip_broken,
        "--cache": options.cache is not None,
        **(more or {}),
    }
    flags = [flag for flag, is_given in given.items() if is_given]
    if not flags:
        return
    from convert.data.cifar10 import is_binary_layout

    if options.data is None or is_binary_layout(options.data):
        raise DataError(
            f"{options.data or 'without --data'}: {flags[0]} is for folders of images, not CIFAR-10"
        )


def _integer(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, got {text!r}")
    return value
