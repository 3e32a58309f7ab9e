"""Compare all precisions of a float model: size, accuracy, cost, and where each of them runs.

Each is compiled as `convert.quantize --precision` does it, compared with the float model, timed
here in turn, counted on emulated boards, and run on LiteRT and tflite-runtime: once bare and once
as the compiled file, which states what it needs. Writes precision.json to --out; that of a full run
is stored in benchmarks/results/precision, from which `python -m benchmarks.precision.document`
makes docs/precision.md. Exit code 1: a runtime gets a model that it answers wrongly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from benchmarks.precision.options import comparison_parser
from benchmarks.reliability.runtimes import available_runtimes
from benchmarks.result import conclude, float_model_digest, result_of
from convert.command import run_command
from convert.options import positive_integer
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
    command = ["benchmarks.precision", *given]
    tables = (contents_table(found), cost_table(found), places_table(found))
    measured = float_model_digest(options.model)
    result = result_of(NAME, command, tables, failures(found), models=measured)
    for part in result.tables[1:]:
        print(f"\n{part.caption}\n{table(part.columns, part.rows)}\n{part.note}")
    print()
    return conclude(result, options.out)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = comparison_parser("benchmarks.precision", __doc__)
    rounds = "timed calls; default: %(default)s"
    parser.add_argument("--rounds", type=positive_integer, default=2000, help=rounds)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
