"""The options of `--adopt`, and what they make of a foreign file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.options import add_folder_options, check_folder_options, number_or_quotient

if TYPE_CHECKING:
    from convert.packaging.adoption import Adopted
    from convert.packaging.normalization import Normalization

_OF_A_FOLDER = ("split_file", "skip_broken", "cache", "no_cache")
_NEED_ADOPT = ("labels", "scale", "offset", "crop", "data", "float_model", *_OF_A_FOLDER)


@dataclass(frozen=True, slots=True)
class AdoptedFile:
    """A foreign model as a compiled model file, and what there is to say about it."""

    data: bytes
    notes: tuple[str, ...]


def add_adoption_options(parser: argparse.ArgumentParser) -> None:
    """Add `--adopt` and what goes with it, as a group."""
    group = parser.add_argument_group("adopting a foreign model")
    add = group.add_argument
    add("--adopt", action="store_true", help="MODEL.tflite is a foreign image classifier")
    add("--labels", type=Path, metavar="FILE", help="one label per line, in the model's order")
    add(
        "--scale",
        type=_numbers,
        help="the model was trained on pixel * SCALE + OFFSET of pixels 0-255; a number, or three "
        "for red, green and blue",
    )
    add("--offset", type=_numbers, help="see --scale; three numbers: --offset=-2.1,-2,-1.8")
    add(
        "--crop",
        choices=("none", "center"),
        help="center: cut pictures to the input's aspect ratio; none: squeeze them (default)",
    )
    add("--data", type=Path, metavar="DIR", help="measure it on these pictures")
    add(
        "--float",
        dest="float_model",
        type=Path,
        metavar="FLOAT.tflite",
        help="its foreign float model, to compare with on --data",
    )
    add_folder_options(parser)


def check_adoption_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program with a usage error where an option lacks the one that it needs."""
    given = _given(options, _NEED_ADOPT)
    if given and not options.adopt:
        parser.error(f"{given[0]} needs --adopt")
    without_data = _given(options, ("float_model", *_OF_A_FOLDER))
    if without_data and options.data is None:
        parser.error(f"{without_data[0]} needs --data")


def _given(options: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Those of the options that are on the command line, as they stand there."""
    found = [name for name in names if getattr(options, name) not in (None, False)]
    return [f"--{name.removesuffix('_model').replace('_', '-')}" for name in found]


def adopt_file(
    options: argparse.Namespace, *, name: str, say: Callable[[str], None]
) -> AdoptedFile:
    """Adopt `options.model` as the options say.

    Raises:
        ConvertError: it is refused; the message says why.
        OSError: a file cannot be read.
    """
    from convert.data.held_out import UNKNOWN_TRAINING
    from convert.data.picture_cache import cache_of
    from convert.int8.inputs import load_pictures
    from convert.packaging.accuracy import how_right, measured, records

    if options.data is not None:
        check_folder_options(options)
    adopted = _adopt(options.model, options, name, say)
    if options.data is None:
        return AdoptedFile(adopted.pack(), adopted.notes)
    _, height, width, _ = adopted.audit.input.shape
    say(f"Reading {options.data}")
    pictures = load_pictures(
        options.data,
        adopted.identity,
        size=(height, width),
        split_file=options.split_file,
        skip_broken=options.skip_broken,
        cache=cache_of(options.data, options.cache, none=options.no_cache),
    )
    notes = (*adopted.notes, *pictures.notes, UNKNOWN_TRAINING)
    reference = None
    if options.float_model is not None:
        reference = _adopt(options.float_model, options, name, say)
    elif adopted.audit.input.dtype == adopted.audit.output.dtype == "float32":
        reference = adopted
    if reference is None:
        alone = measured(adopted, pictures)
        said = (how_right(m.top1, m.count, adopted) for m in alone)
        return AdoptedFile(adopted.pack(measured=alone), (*notes, *said))
    compared = records(adopted, reference, pictures)
    said = (how_right(r.target_top1, r.count, adopted) for r in compared)
    return AdoptedFile(adopted.pack(compared), (*notes, *said))


def _adopt(
    path: Path, options: argparse.Namespace, name: str, say: Callable[[str], None]
) -> Adopted:
    from convert.int8.labels import read_labels
    from convert.packaging.adoption import adopt

    say(f"Checking {path} and running it in a child process")
    return adopt(
        path.read_bytes(),
        source=str(path),
        name=name,
        labels=None if options.labels is None else read_labels(options.labels),
        normalization=_normalization(options),
        crop=options.crop or "none",
    )


def _normalization(options: argparse.Namespace) -> Normalization | None:
    from convert.packaging.normalization import Normalization, per_channel

    if options.scale is None and options.offset is None:
        return None
    return Normalization(
        per_channel(options.scale or (1.0,), option="--scale"),
        per_channel(options.offset or (0.0,), option="--offset"),
        "option",
    )


def _numbers(text: str) -> tuple[float, ...]:
    """One number, or three separated by commas; quotients such as 1/255 too."""
    return tuple(number_or_quotient(part) for part in text.split(","))
