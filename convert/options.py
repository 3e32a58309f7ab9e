"""Types of command-line arguments, with messages that say expected and got, and shared options."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path


def positive_integer(text: str) -> int:
    """An integer of at least 1."""
    return _integer(text, 1)


def seed(text: str) -> int:
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
    group.add_argument("--no-cache", action="store_true", help="decode in every run")


def _integer(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, got {text!r}")
    return value
