"""Compare all precisions of a float model: size, accuracy, cost, and where each of them runs.

Each is compiled as `convert.quantize --precision` does it, compared with the float model, timed
here in turn, counted on emulated boards, and run on LiteRT and tflite-runtime: once bare and once
as the compiled file, which states what it needs. Writes precision.json to --out; that of a full run
is stored in benchmarks/results/precision, from which `python -m benchmarks.precision.document`
makes docs/precision.md. Exit code 1: a runtime gets a model that it answers wrongly.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arm.boards import PI5
from benchmarks.arm.files import WORK, boards
from benchmarks.precision.document import MEASURED
from benchmarks.reliability.results import Result, machine_title, write_result
from benchmarks.reliability.runtimes import available_runtimes
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.options import positive_integer
from convert.quantize import DEFAULT_MODEL
from convert.report.text import table

NAME = "precision"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Here and not above: TensorFlow takes seconds.
    from benchmarks.precision.examination import examine
    from benchmarks.precision.subject import load_subject
    from benchmarks.precision.tables import contents_table, cost_table, failures, places_table

    runtimes = available_runtimes()
    for sentence in runtimes.missing:
        _say(f"not run: {sentence}")
    found = examine(
        load_subject(options.model, options.data),
        runtimes.found,
        options.boards,
        rounds=options.rounds,
        work=options.work,
        say=_say,
    )
    result = Result(
        name=NAME,
        date=datetime.date.today().isoformat(),
        command=shlex.join(["python", "-m", "benchmarks.precision", *given]),
        machine=machine_title(),
        tables=(contents_table(found), cost_table(found), places_table(found)),
        failures=tuple(failures(found)),
    )
    for part in result.tables[1:]:
        print(f"\n{part.caption}\n{table(part.columns, part.rows)}\n{part.note}")
    print(f"\nWrote {write_result(result, options.out)}")
    for failure in result.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return EXIT_GATE_FAILED if result.failures else EXIT_DONE


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.precision",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL.keras")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--boards", type=boards, default=(PI5,), metavar="A,B,...", help="default: pi5")
    add("--no-boards", dest="boards", action="store_const", const=(), help="count nothing")
    add("--rounds", type=positive_integer, default=2000, help="timed calls; default: %(default)s")
    add("--work", type=Path, default=WORK, help="sysroots; default: %(default)s")
    add("--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
