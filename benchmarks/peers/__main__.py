"""Measure our model beside what one would have used instead, in one run.

The same weights run on other engines, and MLPerf Tiny's published models on ours. Every model has
a process of its own; the processes time their calls in turn. Engines that need it get a virtual
environment in the output folder; a peer that cannot be installed or run is named with the reason.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.engines import ENGINES
from benchmarks.shared_material import shared_folder
from convert.command import EXIT_DONE, run_command
from convert.errors import DataError
from convert.int8.arguments import DEFAULT_MODEL
from convert.options import positive_integer

if TYPE_CHECKING:
    from benchmarks.peers.model_files import Material
    from convert.data.pictures import PictureSet

DEFAULT_OUTPUT = Path("out/bench/peers.json")
WORK_FOLDER = Path("out/peers")
DEFAULT_ROUNDS = 50
ENGINE_NAMES = tuple(ENGINES)
_MLPERF_FOLDER = "peers/mlperf-tiny"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from benchmarks.peers.contenders import find_contenders
    from benchmarks.peers.document import Machine, to_document, to_text
    from benchmarks.peers.measurement import measure
    from convert.atomic import write_output
    from convert.training.pause import trainings_paused
    from minivgg_edge.measure.machine_state import take_snapshot
    from minivgg_edge.measure.verdict import judge

    material, test, dataset = _material(options)
    contenders, absent = find_contenders(material, options.engines, _say)
    threads = [number for number in (1, 2) if number <= (os.cpu_count() or 1)]
    with trainings_paused():
        before = take_snapshot()
        measured, failed = measure(
            contenders, test, dataset=dataset, threads=threads, rounds=options.rounds, say=_say
        )
        after = take_snapshot()  # the workers have ended: their time counts as this run's own
    machine = Machine(before.state, after.state, judge(before, after))
    # The folder that the command runs in says nothing about a peer.
    here = f"{Path.cwd()}{os.sep}"
    missing = [replace(peer, reason=peer.reason.replace(here, "")) for peer in (*absent, *failed)]
    if not any(found.contender.is_reference for found in measured):
        raise DataError("the reference did not run: " + "; ".join(m.reason for m in failed))
    document = to_document(
        measured,
        missing,
        date=datetime.date.today().isoformat(),
        command=" ".join(["python -m benchmarks.peers", *given]),
        machine=machine,
    )
    data = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_output(options.out, data.encode("utf-8"), force=True)
    print(to_text(measured, missing, machine))
    return EXIT_DONE


def _material(options: argparse.Namespace) -> tuple[Material, PictureSet, str]:
    """What to make the contenders from, the test pictures, and what these are called."""
    from benchmarks.peers.model_files import Material
    from benchmarks.pictures import read_pictures, warn_of_familiar
    from convert.int8.float_model import load_float_model
    from minivgg_edge.catalog import load_model

    target = load_model()
    pictures = read_pictures(options.data, target)
    warn_of_familiar(target.manifest.training, pictures, splits=("test",))
    if pictures.test is None or len(pictures.test) == 0:
        raise DataError(f"{options.data}: expected test pictures, got none")
    shared = shared_folder()
    material = Material(
        Path(target.source),
        load_float_model(DEFAULT_MODEL),
        pictures.calibration,
        shared / _MLPERF_FOLDER,
        WORK_FOLDER,
    )
    return material, pictures.test, pictures.name


def _engines(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = sorted(set(names) - set(ENGINE_NAMES))
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {','.join(ENGINE_NAMES)}, got {unknown[0]!r}"
        )
    return names


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--out", type=Path, default=DEFAULT_OUTPUT, help=f"default: {DEFAULT_OUTPUT}")
    add(
        "--rounds",
        type=positive_integer,
        default=DEFAULT_ROUNDS,
        help="turns of each model; default: %(default)s",
    )
    add(
        "--engines",
        type=_engines,
        default=ENGINE_NAMES,
        metavar="A,B,...",
        help=f"some of {','.join(ENGINE_NAMES)}; the reference always runs; default: all",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
