"""The option of `convert.quantize` that chooses a precision."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.precision.kinds import DEFAULT, KINDS, NAMES, Precision


def add_precision_option(parser: argparse.ArgumentParser) -> None:
    """Add it to a parser; `check_precision_options` looks at what was chosen."""
    parser.add_argument(
        "--precision",
        choices=NAMES,
        default=DEFAULT,
        help=(
            "static int8 unless another is chosen; docs/precision.md says what each costs and "
            f"where it runs; default: {DEFAULT}"
        ),
    )


def check_precision_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program if options say something about int8 that the precision has not."""
    if options.precision == DEFAULT:
        return
    if options.search or not options.method.is_plain:
        parser.error(
            f"--precision {options.precision}: expected it without options for ranges and weights "
            f"and without --search, which are for {DEFAULT}"
        )
    calibrating = {
        "--calibration-count": options.calibration_count is not None,
        "--calibration-seed": options.calibration_seed is not None,
    }
    given = [name for name, is_given in calibrating.items() if is_given]
    if given and not KINDS[options.precision].calibrated:
        parser.error(
            f"{', '.join(given)}: expected it without --precision {options.precision}, which "
            "measures no ranges"
        )
    if options.io != "uint8" and not KINDS[options.precision].calibrated:
        parser.error(
            f"--io {options.io}: the input and output of --precision {options.precision} are "
            "float32"
        )


def default_output(int8_output: Path, precision: Precision) -> Path:
    """Where a model goes that got no name: another precision never takes the int8 model's place."""
    if precision == DEFAULT:
        return int8_output
    return int8_output.with_stem(f"{int8_output.stem}-{precision}")
