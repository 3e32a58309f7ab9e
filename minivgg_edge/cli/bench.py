"""``minivgg-edge bench``: how fast, how large and how right is a model on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import errno
import json
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from minivgg_edge.atomic import write_atomically
from minivgg_edge.catalog import DEFAULT_MODEL, load_model
from minivgg_edge.cli.arguments import add_model, at_least_one
from minivgg_edge.cli.bench_report import to_lines
from minivgg_edge.cli.class_folders import ClassFolders, read_class_folders
from minivgg_edge.cli.native_log import without_info_lines
from minivgg_edge.cli.output_place import check_place
from minivgg_edge.cli.terminal import printable, say, show_status
from minivgg_edge.errors import ModelError
from minivgg_edge.interpreter import check_num_threads, runtime_info
from minivgg_edge.measure.accuracy import Accuracy, accuracy_of
from minivgg_edge.measure.card import Card, Entry, with_ratios
from minivgg_edge.measure.cases import make_pictures
from minivgg_edge.measure.machine_state import ROOT, Snapshot, take_snapshot
from minivgg_edge.measure.processor import board_title, is_arm
from minivgg_edge.measure.suite import (
    Plan,
    Surroundings,
    count_right,
    describe,
    hashes_of,
    measure,
    model_hashes,
    warm_up,
)
from minivgg_edge.measure.verdict import judge
from minivgg_edge.model_file import ModelFile

NOT_VALID = 1
_ROUNDS = 500
_PROCESSES = 7

_DESCRIPTION = """\
Measure a model on this machine: latency, cold start, memory, size, and its accuracy on pictures of
yours. Leave the machine alone meanwhile."""

_EPILOG = """\
The rounds of several models are interleaved, and ratios are those of medians to the first model's.
Models of one name and precision are told apart by the first letters of their SHA-256 (see info).
Governor, clock, temperature, throttle bits and the load of other programs are read before and
after; if they moved, the run is marked as not valid and the exit code is 1. What a machine does
not tell is listed as not available. Times from x86-64 say nothing about an ARM.

--json prints one JSON object to FILE (- is standard output, instead of the card):
  schema, kind ("bench"), date, command, board
  machine  {before, after, valid, reasons, not_available, is_arm, note}
  entries  one per model: {model, precision, engine, engine_version, is_reference, sha256,
           size_bytes, latency, first_inference_ms, images_per_second, cold_start, memory,
           accuracy, sustained}; precision is that of input and output: int8 or float32; times in
           milliseconds, fractions from 0 to 1, null is what was not measured

A model without a manifest is not measured: it would run in a child process, whose times and memory
are others. `python -m convert.package --adopt` makes one of it that is.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add = parser.add_argument
    add_model(parser)
    add("--float", dest="float_model", metavar="FILE", help="a second model, to compare with")
    add(
        "--num-threads",
        metavar="N,...",
        type=_thread_counts,
        default=(1,),
        help="threads of the runtime, several to compare: 1,2,4 (default: 1)",
    )
    add(
        "--rounds",
        metavar="N",
        type=at_least_one,
        default=_ROUNDS,
        help=f"timed calls of the short cases (default: {_ROUNDS})",
    )
    add(
        "--processes",
        metavar="N",
        type=at_least_one,
        default=_PROCESSES,
        help=f"fresh processes for the cold start (default: {_PROCESSES})",
    )
    add(
        "--sustained",
        metavar="MINUTES",
        type=at_least_one,
        help="then classify without a pause, with figures per minute",
    )
    add("--data", metavar="FOLDER", help="folder with one folder per label, for the accuracy")
    add("--allow-missing", action="store_true", help="accept labels that have no folder there")
    add("--json", metavar="FILE", help="write one JSON object, see below")
    add("--force", action="store_true", help="replace FILE if it exists")


def run(arguments: argparse.Namespace) -> int:
    """Measure and show the card; 1 if the machine moved meanwhile."""
    if arguments.json not in (None, "-"):
        _check_place(Path(arguments.json), force=arguments.force)
    models = [DEFAULT_MODEL if arguments.model is None else arguments.model]
    models += [] if arguments.float_model is None else [arguments.float_model]
    files = [load_model(model) for model in models]
    _check_sizes(files)
    card, without_files = _measure(models, files, arguments)
    _status("")
    document = json.dumps(card.to_json(), indent=1, allow_nan=False) + "\n"
    if arguments.json not in (None, "-"):
        # Before anything is printed: whoever reads that may stop reading.
        write_atomically(arguments.json, document.encode())
    if arguments.json == "-":
        say(document.rstrip("\n"))
    else:
        for line in to_lines(card):
            say(line)
        if without_files:
            say()
            say("PNG and JPEG were left out: they need Pillow (minivgg-edge[pictures]).")
    if arguments.json not in (None, "-"):
        say()
        say(f"{printable(arguments.json)}: written")
    return 0 if card.verdict.valid else NOT_VALID


def _measure(
    models: Sequence[str], files: Sequence[ModelFile], arguments: argparse.Namespace
) -> tuple[Card, bool]:
    """Return the card, and whether picture files were left out."""
    plan = Plan(
        num_threads=arguments.num_threads,
        rounds=arguments.rounds,
        processes=arguments.processes,
        sustained_minutes=arguments.sustained or 0,
    )
    around = Surroundings(say=_status, loading=without_info_lines)
    runtime = runtime_info()
    entries = [describe(file, runtime, is_reference=file is files[0]) for file in files]
    if arguments.data is not None:
        folders = read_class_folders(
            arguments.data, files[0].labels, allow_missing=arguments.allow_missing
        )
        found = _accuracies(models, folders, arguments.data, plan.num_threads[0])
        pairs = zip(entries, found, strict=True)
        entries = [dataclasses.replace(entry, accuracy=accuracy) for entry, accuracy in pairs]
    spec = files[0].manifest.input
    pictures = make_pictures(spec.height, spec.width)
    warm_up(models, pictures, around)
    # The hashes that the card states, which may be minutes old: a file that was replaced meanwhile
    # is told by those behind the run.
    before = take_snapshot(models=hashes_of(files))
    measured = measure(models, entries, pictures, plan, around)
    after = take_snapshot(models=model_hashes(models))
    return _card(with_ratios(measured), before, after), pictures.png is None


def _card(entries: tuple[Entry, ...], before: Snapshot, after: Snapshot) -> Card:
    return Card(
        date=datetime.date.today().isoformat(),
        command=shlex.join(["minivgg-edge", *sys.argv[1:]]),
        board=board_title(ROOT, cores=before.state.cores),
        is_arm=is_arm(platform.machine()),
        before=before.state,
        after=after.state,
        verdict=judge(before, after),
        entries=entries,
    )


def _accuracies(
    models: Sequence[str], folders: ClassFolders, folder: str, num_threads: int
) -> list[Accuracy]:
    pictures = [(picture.path, picture.index) for picture in folders.pictures]
    name = Path(folder).resolve().name
    found = []
    for model in models:
        _status(f"accuracy on {len(pictures):,} pictures")
        with without_info_lines():
            right = count_right(model, pictures, num_threads=num_threads)
        found.append(accuracy_of(right, len(pictures), dataset=name, split="folder"))
    return found


def _check_sizes(files: Sequence[ModelFile]) -> None:
    """Refuse models that cannot be asked the same question."""
    first = files[0]
    for file in files[1:]:
        expected = (first.manifest.input.height, first.manifest.input.width, first.labels)
        got = (file.manifest.input.height, file.manifest.input.width, file.labels)
        if got != expected:
            raise ModelError(
                f"{file.source!r}: expected the input size and the labels of {first.source!r}, "
                f"{expected[0]} x {expected[1]} and {len(expected[2])} labels, "
                f"got {got[0]} x {got[1]} and {len(got[2])} labels or others"
            )


def _check_place(path: Path, *, force: bool) -> None:
    check_place(path, "JSON", writes=True)
    if path.is_file() and not force:
        raise FileExistsError(errno.EEXIST, "exists already; --force replaces it", str(path))


def _thread_counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(check_num_threads(at_least_one(word)) for word in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if len(set(counts)) != len(counts):
        raise argparse.ArgumentTypeError(f"expected each number once, got {text!r}")
    return counts


def _status(text: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        show_status(text)
