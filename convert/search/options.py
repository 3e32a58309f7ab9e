"""Options of `convert.quantize` that say by which method it quantizes."""

from __future__ import annotations

import argparse

from convert.options import finite_number
from convert.search.method import (
    DEFAULT_EQUALIZATION,
    DEFAULT_PERCENTILE,
    EQUALIZATIONS,
    RANGE_RULES,
    Method,
)

DEFAULT_BUDGET_S = 600.0


def add_method_options(parser: argparse.ArgumentParser, *, shows_search: bool = True) -> None:
    """Add them to a parser; `method_of` reads them.

    Args:
        parser: of a command.
        shows_search: whether its help has the options of the search.
    """
    group = parser.add_argument_group("ranges and weights")
    add = group.add_argument
    add("--ranges", choices=RANGE_RULES, help="rule for activation ranges; default: minmax")
    add(
        "--percentile",
        type=_percentile,
        metavar="P",
        help="clip activations beyond this percentile of their absolute values, with --ranges "
        f"percentile; default: {DEFAULT_PERCENTILE}",
    )
    add(
        "--equalize",
        action="store_true",
        help="scale channels between layers so that they share one scale well",
    )
    add(
        "--equalization",
        choices=EQUALIZATIONS,
        help=f"what --equalize makes equal; default: {DEFAULT_EQUALIZATION}",
    )
    add(
        "--bias-correction",
        action="store_true",
        help="take the mean error of rounding off the biases",
    )
    add(
        "--search",
        action="store_true",
        help="try all of these, and other calibration pictures; choose on validation pictures"
        if shows_search
        else argparse.SUPPRESS,
    )
    add(
        "--time-budget",
        type=_seconds,
        metavar="SECONDS",
        help=f"for the search, before the final comparison; default: {DEFAULT_BUDGET_S:g}"
        if shows_search
        else argparse.SUPPRESS,
    )


def method_of(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Method:
    """Return the method that the options name; ends the program if they contradict each other."""
    named = {
        "--ranges": options.ranges is not None,
        "--percentile": options.percentile is not None,
        "--equalize": options.equalize,
        "--equalization": options.equalization is not None,
        "--bias-correction": options.bias_correction,
    }
    chosen = [name for name, given in named.items() if given]
    if options.search and chosen:
        parser.error(f"--search chooses by itself: expected it without {', '.join(chosen)}")
    if options.time_budget is not None and not options.search:
        parser.error("--time-budget needs --search")
    if options.percentile is not None and options.ranges != "percentile":
        parser.error("--percentile needs --ranges percentile")
    if options.equalization is not None and not options.equalize:
        parser.error("--equalization needs --equalize")
    equalization = options.equalization or DEFAULT_EQUALIZATION
    return Method(
        options.ranges or "minmax",
        options.percentile or DEFAULT_PERCENTILE,
        equalization if options.equalize else None,
        options.bias_correction,
    )


def _percentile(text: str) -> float:
    value = finite_number(text)
    if not 50.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"expected a percentile from 50 to 100, got {text!r}")
    return value


def _seconds(text: str) -> float:
    value = finite_number(text)
    if value <= 0.0:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value
