"""The arguments of `python -m convert`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from convert.errors import TrainingError
from convert.options import percent_points, positive_integer
from convert.packaging.boards import BOARDS
from convert.packaging.names import wheel_names, wheel_version
from convert.packaging.wheel import WheelSpec, check_spec
from convert.pipeline.errors import StateError
from convert.pipeline.places import Places
from convert.pipeline.request import Request
from convert.pipeline.steps import training_words
from convert.scores.options import add_score_options
from convert.search.options import add_method_options, method_of
from convert.training.arguments import parse_arguments
from convert.training.presets import PRESETS

# Options of other commands that are handed on as they are given, by the command's name.
_QUANTIZATION = (
    "max_drop",
    "calibration_count",
    "ranges",
    "percentile",
    "equalize",
    "equalization",
    "bias_correction",
    "search",
    "time_budget",
    "output",
    "temperature",
    "accept_accuracy",
)
_PACKAGING = ("description", "author", "license")


def parse_request(description: str | None, arguments: Sequence[str]) -> Request:
    """Parse the command line.

    What stands behind `--` is for `convert.train`. All of it is checked now: a misspelt option or
    a license that no wheel can have must not be found out behind an hour of training.

    Raises:
        SystemExit: bad usage; argparse has said what is wrong.
        PackagingError: no wheel can have this name, version, description, author or license.
        StateError: the run's folder lies among the pictures.
        TrainingError: the words for `convert.train` change what the pipeline decides.
    """
    own, training = _divided(list(arguments))
    parser = _parser(description)
    options = parser.parse_args(own)
    method_of(parser, options)
    version = wheel_version(options.version)
    given = {name: getattr(options, name) or "" for name in ("author", "license")}
    summary = options.description or ""
    check_spec(WheelSpec(wheel_names(options.name), version, summary=summary, **given))
    recipe = [] if options.recipe is None else ["--recipe", options.recipe]
    request = Request(
        folder=options.folder,
        places=Places(options.out or Path("runs") / options.name, options.name),
        version=version,
        board=options.board,
        training=(*recipe, *training),
        quantization=_handed_on(parser, options, _QUANTIZATION),
        packaging=_handed_on(parser, options, _PACKAGING),
        quiet=options.quiet,
    )
    _check_places(request)
    _check_training(request)
    return request


def _divided(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before `--` and behind it."""
    if "--" not in arguments:
        return arguments, []
    position = arguments.index("--")
    return arguments[:position], arguments[position + 1 :]


def _handed_on(
    parser: argparse.ArgumentParser, options: argparse.Namespace, names: Sequence[str]
) -> tuple[str, ...]:
    words: list[str] = []
    for name in names:
        value, option = getattr(options, name), f"--{name.replace('_', '-')}"
        if value == parser.get_default(name):
            continue
        if value is True:
            words.append(option)
            continue
        # A fraction once it is parsed.
        text = f"{100 * value:.10g}" if name == "accept_accuracy" else str(value)
        # In one word: a description may begin with a dash.
        words.append(f"{option}={text}")
    return tuple(words)


def _check_places(request: Request) -> None:
    folder, out = request.folder.resolve(), request.places.out.resolve()
    if out.is_relative_to(folder):
        raise StateError(
            f"{request.places.out}: expected a folder outside of the pictures', whose folders are "
            f"classes, got one in {request.folder}: name another --out"
        )


def _check_training(request: Request) -> None:
    found = parse_arguments(None, list(training_words(request)))
    places = request.places
    expected = {
        "data": request.folder,
        "out": places.training,
        "name": places.name,
        "split_file": places.split,
        "resume": False,
        "force": False,
    }
    changed = [name for name, value in expected.items() if getattr(found, name) != value]
    if changed:
        option = f"--{changed[0].replace('_', '-')}"
        raise TrainingError(f"train: expected no {option} behind --: the pipeline decides it")


def _points(text: str) -> str:
    percent_points(text)
    return text


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert",
        usage="%(prog)s FOLDER --name NAME [options] [-- options of convert.train]",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="one folder of pictures per class")
    add("--name", required=True, help="name of the model on the board")
    add(
        "--version", default="1.0", help="of the model; give a retrained one another (default: 1.0)"
    )
    add("-o", "--out", type=Path, metavar="DIR", help="the run's folder; default: runs/NAME")
    add("--recipe", choices=tuple(PRESETS), help="of convert.train (default: quick)")
    add("--board", choices=BOARDS, help="also write a tar for this board without a network")
    add("--quiet", action="store_true", help="print problems and the result only")
    group = parser.add_argument_group("handed to single steps, whose --help explains them")
    group.add_argument("--max-drop", type=_points, metavar="POINTS", help="of convert.quantize")
    group.add_argument(
        "--calibration-count", type=positive_integer, metavar="N", help="of convert.quantize"
    )
    add_method_options(parser)
    add_score_options(parser)
    for name in _PACKAGING:
        group.add_argument(f"--{name}", metavar="TEXT", help="of convert.package")
    return parser
