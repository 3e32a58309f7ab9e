"""The command line of `python -m convert.layer_error`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from convert.int8.arguments import DEFAULT_MODEL
from convert.options import (
    add_folder_options,
    non_negative_integer,
    number_or_quotient,
    positive_integer,
)
from convert.search.options import add_method_options, method_of

DEFAULT_PICTURES = 200


def parse_options(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options, `method` among them; ends the program if they contradict each other."""
    parser = _parser(description)
    options = parser.parse_args(arguments)
    if options.search:
        parser.error("--search is an option of convert.quantize: expected the method that it found")
    options.method = method_of(parser, options)
    if options.model.suffix not in (".keras", ".tflite"):
        parser.error(f"expected MODEL.keras or MODEL.tflite, got {str(options.model)!r}")
    if options.offset and options.scale is None:
        parser.error("--offset needs --scale")
    if options.model.suffix == ".keras":
        if options.float_model is not None:
            parser.error("--float is for a .tflite file: a .keras file is the float model")
        return options
    given = {
        "--labels": options.labels is not None,
        "--scale": options.scale is not None,
        "--calibration-count": options.calibration_count is not None,
        "--calibration-seed": options.calibration_seed is not None,
        "a method": not options.method.is_plain,
    }
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        parser.error(f"{', '.join(wrong)}: only for a .keras file, a .tflite file is compiled")
    return options


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.layer_error",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL", help="see above")
    add(
        "--float",
        dest="float_model",
        type=Path,
        metavar="FLOAT.tflite",
        help="the float by-product; default: MODEL.float.tflite",
    )
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add_folder_options(parser)
    add("--labels", type=Path, metavar="FILE", help="one label per line, in the model's order")
    add(
        "--pictures",
        type=positive_integer,
        default=DEFAULT_PICTURES,
        metavar="N",
        help=f"validation pictures to run on, alike from each class; default: {DEFAULT_PICTURES}",
    )
    add("--scale", type=number_or_quotient, help="feed pixel * SCALE + OFFSET, for a foreign model")
    add("--offset", type=number_or_quotient, default=0.0, help="see --scale")
    add(
        "--calibration-count",
        type=positive_integer,
        metavar="N",
        help="training pictures to find ranges on; default: 500",
    )
    add(
        "--calibration-seed",
        type=non_negative_integer,
        metavar="S",
        help="draw calibration pictures with this seed; default: a fixed choice",
    )
    add_method_options(parser, shows_search=False)
    add("--json", action="store_true", help="print JSON")
    add("--html", type=Path, metavar="FILE.html", help="also write a page with charts")
    add("--force", action="store_true", help="replace an existing page")
    return parser
