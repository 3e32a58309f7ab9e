"""Hold TensorFlow's converter against ai-edge-quantizer on a float model and its pictures.

Both get the same float graph and the same ranges. They have to give the same scales, weights and
biases but for rounding, the same answers, and a graph that costs the same: what differs by more is
a fault of one of them. Writes second-engine.json to --out. Exit code 1: something differs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arm.boards import PI5, Board
from benchmarks.arm.files import boards, count_files
from benchmarks.precision.document import MEASURED
from benchmarks.reliability.results import Result, machine_title, write_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.quantize import DEFAULT_MODEL
from convert.report.text import table

NAME = "second-engine"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Here and not above: TensorFlow takes seconds.
    from benchmarks.precision.subject import load_subject
    from benchmarks.second_engine.examination import examine
    from benchmarks.second_engine.tables import failures, layers_table, models_table

    found = examine(load_subject(options.model, options.data), say=_say)
    chosen: tuple[Board, ...] = options.boards
    costs = {board.title: count_files(found.models, board, work=options.work) for board in chosen}
    result = Result(
        name=NAME,
        date=datetime.date.today().isoformat(),
        command=shlex.join(["python", "-m", "benchmarks.second_engine", *given]),
        machine=machine_title(),
        tables=(models_table(found, costs), layers_table(found)),
        failures=tuple(failures(found, costs)),
    )
    for part in result.tables:
        print(f"\n{part.caption}\n{table(part.columns, part.rows)}\n{part.note}")
    print(f"\nWrote {write_result(result, options.out)}")
    for failure in result.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return EXIT_GATE_FAILED if result.failures else EXIT_DONE


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.second_engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL.keras")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--boards", type=boards, default=(PI5,), metavar="A,B,...", help="default: pi5")
    add("--no-boards", dest="boards", action="store_const", const=(), help="count nothing")
    add("--work", type=Path, default=Path("out") / "arm", help="sysroots; default: %(default)s")
    add("--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
