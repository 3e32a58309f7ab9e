"""The steps: for each the command line, what it depends on, and what it leaves."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.packaging.instructions import bundle_folder
from convert.packaging.names import wheel_names
from convert.packaging.wheel import WheelSpec
from convert.pipeline.places import Places
from convert.pipeline.request import Request
from convert.pipeline.state import State, file_sha256
from convert.scanning.skip_list import read_skip_list
from convert.training.arguments import parse_arguments
from minivgg_edge import __version__

TRAIN = "train"
QUANTIZE = "quantize"
PAGE = "report"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is about to be done or skipped.

    Attributes:
        name: short, for people and the state.
        module: the command, for `python -m`.
        words: its arguments.
        inputs: what its result depends on, by what people call it.
        outputs: files that it leaves; if one of them changes or goes, it has to be done again.
    """

    name: str
    module: str
    words: tuple[str, ...]
    inputs: Mapping[str, str]
    outputs: tuple[Path, ...]

    @property
    def command(self) -> str:
        """What to type to do this step alone."""
        return shlex.join(["python", "-m", self.module, *self.words])


# A step is made when its turn has come: what it depends on are files that earlier ones wrote.
MakeStep = Callable[[Request, State, str], Step]


def scan_step(request: Request, state: State, pictures: str) -> Step:
    """Look at the pictures."""
    places = request.places
    places_words = (str(request.folder), "--out", str(places.scan), "--page", str(places.scan_page))
    return Step(
        "scan",
        "convert.scan",
        (*places_words, *_quiet(request)),
        {"pictures": pictures, "program": __version__},
        (places.scan, places.scan_page),
    )


def training_words(request: Request) -> tuple[str, ...]:
    """Return the arguments of a training that starts from nothing."""
    places = request.places
    return (
        *("--data", str(request.folder)),
        *("--out", str(places.training)),
        *("--name", places.name),
        *("--split-file", str(places.split)),
        *request.training,
        *_quiet(request),
    )


def train_step(request: Request, state: State, pictures: str) -> Step:
    """Train, or go on with a training that was begun on the same."""
    places = request.places
    # Not the program's version: a newer one is no reason to train for an hour again.
    inputs = {
        "pictures": pictures,
        "skipped pictures": _skips_digest(places),
        "options": shlex.join(request.training),
        **_models_digests(request),
    }
    mode: tuple[str, ...] = ()
    if places.checkpoint.exists() and state.begun.get(TRAIN) == inputs:
        mode = ("--resume",)
    elif places.checkpoint.exists() or places.float_model.exists():
        mode = ("--force",)
    return Step(
        TRAIN,
        "convert.train",
        (*training_words(request), *mode),
        inputs,
        # A folder of the parts train, validation and test has no split file.
        (places.float_model, places.training_record, places.split),
    )


def _models_digests(request: Request) -> dict[str, str]:
    """Return what tells the models apart that teach or that a training starts from, if any."""
    options = parse_arguments(None, list(training_words(request)))
    files = list(options.teacher or ())
    if options.init is not None and Path(options.init).is_file():
        files.append(Path(options.init))
    return {str(path): file_sha256(path) for path in files if path.is_file()}


def quantize_step(request: Request, state: State, pictures: str) -> Step:
    """Compile to int8, with the gate."""
    places = request.places
    return Step(
        QUANTIZE,
        "convert.quantize",
        (
            str(places.float_model),
            *("--data", str(request.folder)),
            *("--split-file", str(places.split)),
            *("--out", str(places.compiled)),
            # Named, so that it is written even if the gate refuses the model.
            *("--report", str(places.quantization)),
            *request.quantization,
            "--force",
            *_quiet(request),
        ),
        {
            "pictures": pictures,
            "skipped pictures": _skips_digest(places),
            "split": file_sha256(places.split),
            "model": file_sha256(places.float_model),
            "training record": file_sha256(places.training_record),
            "options": shlex.join(request.quantization),
            "program": __version__,
        },
        (places.compiled, places.float_compiled, places.quantization, places.quantization_page),
    )


def package_step(request: Request, state: State, pictures: str) -> Step:
    """Put the compiled model into a wheel."""
    places = request.places
    options = ("--name", places.name, "--version", request.version, *request.packaging)
    board = () if request.board is None else ("--board", request.board)
    return Step(
        "package",
        "convert.package",
        (
            str(places.compiled),
            *options,
            *board,
            *("--out", str(places.wheels)),
            *("--card", str(places.card)),
            "--force",
            *_quiet(request),
        ),
        {
            "model": file_sha256(places.compiled),
            "options": shlex.join((*options, *board)),
            "program": __version__,
        },
        (wheel_path(request), places.card, *_tar_paths(request)),
    )


def page_step(request: Request, state: State, pictures: str) -> Step:
    """Write the page about the run."""
    places = request.places
    files = {
        "scan": places.scan,
        "split": places.split,
        "training record": places.training_record,
        "compilation": places.quantization,
        "model": places.compiled,
        "wheel": wheel_path(request),
    }
    return Step(
        PAGE,
        "convert.pipeline.page",
        (str(places.out), str(request.folder)),
        {
            "pictures": pictures,
            **{title: file_sha256(path) for title, path in files.items()},
            "commands": json.dumps(commands(state)),
            "program": __version__,
        },
        (places.page,),
    )


def commands(state: State) -> dict[str, str]:
    """Return the command line of each step that leads to the page, by its name."""
    return {name: record.command for name, record in state.steps.items() if name != PAGE}


def wheel_spec(request: Request) -> WheelSpec:
    """Return what the wheel is called; what else it says about itself is left out."""
    return WheelSpec(wheel_names(request.places.name), request.version)


def wheel_path(request: Request) -> Path:
    """Return the file of the wheel."""
    return request.places.wheels / wheel_spec(request).file_name


def _tar_paths(request: Request) -> tuple[Path, ...]:
    if request.board is None:
        return ()
    return (request.places.wheels / f"{bundle_folder(wheel_spec(request), request.board)}.tar",)


def _skips_digest(places: Places) -> str:
    """Hash what the scan wants skipped: how it words its findings changes no training."""
    listed = json.dumps(read_skip_list(places.scan), sort_keys=True)
    return hashlib.sha256(listed.encode("ascii")).hexdigest()


def _quiet(request: Request) -> tuple[str, ...]:
    return ("--quiet",) if request.quiet else ()
