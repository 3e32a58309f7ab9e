"""Measure every quantization method on a float model and its pictures.

Runs the methods alone and together, three draws of calibration pictures, numbers of calibration
pictures, the search with its time budget, and the search on a model that was made hard. Writes a
result each to --out; those of a full run are stored in benchmarks/results/quantization, from which
`python -m benchmarks.quantization.document` makes docs/quantization.md. Methods are chosen by
validation pictures; test pictures are only reported. Exits with 1 if a claim does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.result import float_model_digest, result_of, write_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.int8.arguments import DEFAULT_MODEL
from convert.options import positive_integer
from convert.search.options import DEFAULT_BUDGET_S

MEASURED = Path("out") / "quantization"
MOST_MINUTES = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    started = time.perf_counter()
    # Here and not above: TensorFlow takes seconds.
    from benchmarks.quantization import tables
    from benchmarks.quantization.hard_model import write_hard
    from benchmarks.quantization.subject import load_subject

    subject = load_subject(options.model, options.data, limit=options.limit)
    outcomes = {"methods": tables.methods_outcome(subject, _say)}
    outcomes["search"], found = tables.search_outcome(subject, options.time_budget, _say)
    outcomes["seeds"] = tables.seeds_outcome(subject, found, _say)
    outcomes["pictures"] = tables.counts_outcome(subject, found, _say)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hard.keras"
        title = write_hard(options.model, path)
        hard = load_subject(path, options.data, limit=options.limit)
        outcomes["hard"] = tables.hard_outcome(hard, title, options.time_budget, _say)
    measured = float_model_digest(options.model)
    minutes = (time.perf_counter() - started) / 60
    failures = [failure for outcome in outcomes.values() for failure in outcome.failures]
    for name, outcome in outcomes.items():
        late = minutes > MOST_MINUTES and name == "methods"
        over = [f"all took {minutes:.1f} minutes, expected at most {MOST_MINUTES}"] if late else []
        words = ["benchmarks.quantization", *given]
        claims = (*outcome.failures, *over)
        result = result_of(name, words, outcome.tables, claims, models=measured)
        failures += over
        _say(f"{write_result(result, options.out)}: written")
    _say(f"all took {minutes:.1f} minutes")
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return EXIT_GATE_FAILED if failures else EXIT_DONE


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quantization",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL.keras")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    add("--time-budget", type=float, default=DEFAULT_BUDGET_S, metavar="SECONDS")
    add("--limit", type=positive_integer, metavar="N", help="no more pictures, for a quick look")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
