"""The arguments of `python -m convert.quantize`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from convert.int8.calibration import DEFAULT_COUNT
from convert.int8.gate import DEFAULT_MAX_DROP
from convert.options import (
    add_folder_options,
    model_name,
    non_negative_integer,
    number_or_quotient,
    percent_points,
    positive_integer,
)
from convert.precision.kinds import DEFAULT
from convert.precision.options import (
    add_precision_option,
    check_precision_options,
    default_output,
)
from convert.scores.options import add_score_options
from convert.search.options import add_method_options, method_of

DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "models" / "minivgg" / "model.keras"
DEFAULT_OUTPUT = Path("out") / "minivgg.tflite"


def parse_arguments(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line.

    Beside the options, the namespace has `path`, where the model goes, `is_ours`, whether that is
    the project's own output of its own model, and `method`, which the options for ranges and
    weights amount to.

    Raises:
        DataError: the training record beside the model, which may name it, is malformed.
    """
    parser = _parser(description)
    options = parser.parse_args(arguments)
    if options.out is not None and options.out.suffix != ".tflite":
        parser.error(f"--out: expected a name ending in .tflite, got {str(options.out)!r}")
    if options.report is not None and options.report.suffix != ".json":
        parser.error(f"--report: expected a name ending in .json, got {str(options.report)!r}")
    if options.offset and options.scale is None:
        parser.error("--offset needs --scale")
    options.method = method_of(parser, options)
    check_precision_options(parser, options)
    if options.calibration_count is None:
        options.calibration_count = DEFAULT_COUNT
    if options.debug and options.precision != DEFAULT:
        parser.error(f"--debug: expected it without --precision {options.precision}: it is of int8")
    # That output is this project's own build folder: a newer model may replace what an older one
    # left there.
    options.is_ours = options.out is None and options.model.resolve() == DEFAULT_MODEL
    output = DEFAULT_OUTPUT
    if not options.is_ours and options.out is None:
        output = output.with_name(f"{_own_name(parser, options)}.tflite")
    options.path = options.out or default_output(output, options.precision)
    if options.name is None:
        try:
            options.name = model_name(options.path.stem)
        except argparse.ArgumentTypeError as error:
            parser.error(f"--name: the output's name does not serve as one: {error}")
    return options


def _own_name(parser: argparse.ArgumentParser, options: argparse.Namespace) -> str:
    """What a model is called that got no output: as given, as it was trained, or as its file."""
    if options.name is not None:
        return str(options.name)
    from convert.int8.labels import read_training_record

    name = read_training_record(options.model).get("name", options.model.stem)
    try:
        return model_name(str(name))
    except argparse.ArgumentTypeError as error:
        parser.error(f"{options.model}: its name does not serve as one, use --name: {error}")


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.quantize",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        type=Path,
        default=DEFAULT_MODEL,
        metavar="MODEL.keras",
        help="default: the bundled one",
    )
    add("-o", "--out", type=Path, metavar="OUT.tflite", help="default: out/NAME.tflite")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add_folder_options(parser)
    add("--labels", type=Path, metavar="FILE", help="one label per line, in the model's order")
    add("--scale", type=number_or_quotient, help="feed pixel * SCALE + OFFSET, for a foreign model")
    add("--offset", type=number_or_quotient, default=0.0, help="see --scale")
    add("--name", type=model_name, help="of the model; default: that of OUT.tflite")
    add(
        "--io",
        choices=("uint8", "int8"),
        default="uint8",
        help="type of the graph's input and output; default: uint8",
    )
    add(
        "--calibration-count",
        type=positive_integer,
        metavar="N",
        help=f"training pictures to find ranges on; default: {DEFAULT_COUNT}",
    )
    add(
        "--calibration-seed",
        type=non_negative_integer,
        metavar="S",
        help="draw them with this seed; default: a fixed choice",
    )
    add(
        "--max-drop",
        type=percent_points,
        default=DEFAULT_MAX_DROP,
        metavar="POINTS",
        help="largest loss of accuracy allowed, in percent points; default: 0.5",
    )
    add_precision_option(parser)
    add_method_options(parser)
    add_score_options(parser)
    add(
        "--debug",
        action="store_true",
        help="also say which layers lose what, and write OUT.layers.html and OUT.layers.json",
    )
    add(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="default: OUT.report.json; the page about it, .html, stands beside it",
    )
    add("--force", action="store_true", help="replace existing files")
    add("--quiet", action="store_true", help="print problems only")
    return parser
