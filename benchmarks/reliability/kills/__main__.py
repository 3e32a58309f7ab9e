"""Interrupt the desk's commands wherever they can be, and look at what they leave.

`convert.quantize` and `convert.package` replace files of an earlier run: each file must be the old
one or the new one, whole. `convert.train` begins with nothing: every file it leaves must be whole,
and --resume must end with the weights of an uninterrupted run. They are ended by SIGKILL, SIGTERM
and SIGINT: before every single line of the code that writes, in the middle of a write, and at
random moments; and they run on disks that are too small or read-only. SIGTERM, Ctrl-C and a full
disk must also leave no temporary file and say what happened. Writes out/reliability/kills.json.

Exit codes: 0 passed; 1 something failed, the result says what; 2 bad usage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.kills import child, disks
from benchmarks.reliability.kills.attempt import Attempt
from benchmarks.reliability.kills.material import make_jobs
from benchmarks.reliability.kills.plan import Amount, Step, replacing_steps, training_steps
from benchmarks.reliability.kills.small_disk import NamespaceUnavailableError
from benchmarks.reliability.places import MEASURED
from benchmarks.result import conclude, result_of
from convert.command import run_command
from convert.options import finite_number, non_negative_integer
from convert.report.tables import Table

COMMANDS = ("convert.quantize", "convert.package", "convert.train")
_RANDOM_RUNS = {"convert.quantize": 50, "convert.package": 100}


@dataclass(frozen=True, slots=True)
class Tried:
    """A kind of interruption of a command, and the attempts made."""

    step: Step
    attempts: tuple[Attempt, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    options = _parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    work = (options.out / "work" / "kills").resolve()
    shutil.rmtree(work, ignore_errors=True)
    # Where TensorFlow saves a model before it is moved: what is left there is counted too.
    (work / "temporary").mkdir(parents=True)
    tempfile.tempdir = os.fspath(work / "temporary")
    print("Making a model to kill", flush=True)
    # What it starts inherits it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child.import_desk()
    tried: list[Tried] = []
    notes: list[str] = []
    for step in _steps(options, work, notes):
        started = time.monotonic()
        attempts = tuple(step.run())
        if attempts:  # a small share of a small count is nothing
            tried.append(Tried(step, attempts))
            took = f"{len(attempts)} attempts, {time.monotonic() - started:.0f} s"
            print(f"{step.command}: {step.title}: {took}", flush=True)
    failures = [
        f"{one.step.command}, {one.step.title}: {problem}"
        for one in tried
        for attempt in one.attempts
        for problem in attempt.problems
    ]
    command = ["benchmarks.reliability.kills", *given]
    result = result_of("kills", command, (table(tried, notes),), failures)
    shutil.rmtree(work)
    return conclude(result, options.out, shown=20)


def _steps(options: argparse.Namespace, work: Path, notes: list[str]) -> Iterator[Step]:
    quantize, train, package = make_jobs(work)
    amount = Amount(options.share, options.seed)
    try:
        disks.check_namespace(work)
        disk = True
    except NamespaceUnavailableError as error:
        notes.append(f"No disk could be mounted: {error}.")
        disk = False
    for job in (quantize, package):
        if job.name in options.only:
            runs = _RANDOM_RUNS[job.name]
            yield from replacing_steps(job, amount, work, disk=disk, random_runs=runs)
    if train.name in options.only:
        yield from training_steps(train, amount, work, disk=disk)


def table(tried: Sequence[Tried], notes: Sequence[str]) -> Table:
    """Return a row for each kind of interruption."""
    return Table(
        caption="Commands that are interrupted while they write",
        columns=(
            "command",
            "what happens",
            "attempts",
            "done before",
            "broken files, other failures",
            "temporary files left",
        ),
        rows=tuple(
            (
                one.step.command,
                one.step.title,
                f"{len(one.attempts):,}",
                f"{sum(attempt.finished for attempt in one.attempts):,}",
                f"{sum(bool(attempt.problems) for attempt in one.attempts):,}",
                f"{sum(attempt.strays for attempt in one.attempts):,}",
            )
            for one in tried
        ),
        text_columns=frozenset({0, 1}),
        note=" ".join(
            (
                "Done before: the command was faster. Temporary files have hidden names of their "
                "own; nothing reads them, and they may be deleted.",
                *notes,
            )
        ),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--share",
        type=_share,
        default=1.0,
        metavar="X",
        help="of the attempts, 0 to 1, for a shorter run (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=non_negative_integer, default=1, metavar="S", help="of the random moments"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=COMMANDS,
        choices=COMMANDS,
        metavar="COMMAND",
        help=f"of {', '.join(COMMANDS)}",
    )
    parser.add_argument(
        "--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s"
    )
    return parser


def _share(text: str) -> float:
    value = finite_number(text)
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f"expected a share above 0 and up to 1, got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(run_command(main))
