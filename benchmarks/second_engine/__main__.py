"""Hold TensorFlow's converter against ai-edge-quantizer on a float model and its pictures.

Both get the same float graph and the same ranges. They have to give the same scales, weights and
biases but for rounding, the same answers, and a graph that costs the same: what differs by more is
a fault of one of them. Writes second-engine.json to --out. Exit code 1: something differs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from benchmarks.arm.boards import Board
from benchmarks.arm.files import count_files
from benchmarks.precision.options import comparison_parser
from benchmarks.result import conclude, float_model_digest, result_of
from convert.command import run_command
from convert.report.text import table

NAME = "second-engine"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = comparison_parser("benchmarks.second_engine", __doc__).parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Here and not above: TensorFlow takes seconds.
    from benchmarks.precision.subject import load_subject
    from benchmarks.second_engine.examination import examine
    from benchmarks.second_engine.tables import failures, layers_table, models_table

    found = examine(load_subject(options.model, options.data), say=_say)
    chosen: tuple[Board, ...] = options.boards
    costs = {board.title: count_files(found.models, board, work=options.work) for board in chosen}
    command = ["benchmarks.second_engine", *given]
    tables = (models_table(found, costs), layers_table(found))
    measured = float_model_digest(options.model)
    result = result_of(NAME, command, tables, failures(found, costs), models=measured)
    for part in result.tables:
        print(f"\n{part.caption}\n{table(part.columns, part.rows)}\n{part.note}")
    print()
    return conclude(result, options.out)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
