"""Use classifiers from many threads, processes and tasks at once and compare every answer.

The answers of one thread in an undisturbed pass are known; any other answer, to the bit, counts as
different. Both runtimes, where both can be had. Writes out/reliability/concurrency.json.

Exit codes: 0 passed; 1 something failed, the result says what; 2 bad usage.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.places import MEASURED
from benchmarks.reliability.runtimes import Runtime, WorkerError, available_runtimes, run_worker
from benchmarks.reliability.sample_pictures import write_sample_pictures
from benchmarks.result import conclude, result_of
from convert.command import run_command
from convert.options import finite_number
from convert.report.tables import Table

_WORKER = "benchmarks.reliability.concurrency.worker"
_TIMEOUT_S = 3_600.0
_LITERT = "ai-edge-litert"


@dataclass(frozen=True, slots=True)
class Case:
    """What is tried, and how much of it.

    Attributes:
        name: the worker's name of it.
        title: for people; `{count}` stands for the number.
        count: on LiteRT.
        tflite_count: on tflite-runtime, whose inference takes five times as long; with more native
            threads than free cores, whose waiting threads spin, a hundred times.
    """

    name: str
    title: str
    count: int
    tflite_count: int


CASES = (
    Case("shared", "8 threads x {count:,} calls on one classifier", 5_000, 1_000),
    Case(
        "shared, 4 native threads",
        "8 threads x {count:,} calls on one with num_threads=4",
        1_000,
        20,
    ),
    Case("several", "4 classifiers x 4 threads x {count:,} calls", 1_000, 250),
    Case(
        "mixed pictures",
        "8 threads x {count:,} arrays, files, bytes, PIL images, some broken",
        1_000,
        500,
    ),
    Case("batches", "8 threads x {count:,} results of a generator each", 1_000, 250),
    Case("closing", "close() while 4 threads classify, {count:,} times", 200, 50),
    Case("constructing", "8 threads x {count:,} classifiers opened and closed", 100, 50),
    Case("event loop", "{count:,} asyncio tasks through an executor", 1_000, 1_000),
    Case("interrupts", "{count:,} signal handlers that raise during a call", 2_000, 500),
    Case("fork storm", "{count:,} forks while 4 threads are busy", 50, 50),
    Case("process pools", "3 pools (spawn, forkserver, fork) x {count:,} pictures", 1_000, 300),
    Case("ending", "{count:,} programs that end while daemon threads classify", 50, 6),
    Case("replaced", "{count:,} changes of a model file in use", 400, 200),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A case on a runtime: what came of it."""

    runtime: str
    title: str
    calls: int
    different: int
    refused: int
    errors: tuple[str, ...]
    duration_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    options = _parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    pictures = write_sample_pictures(options.out / "work")
    runtimes = available_runtimes()
    tried: list[Tried] = []
    failures: list[str] = []
    for runtime in runtimes.found:
        for case in CASES:
            if options.only and case.name not in options.only:
                continue
            try:
                tried.append(attempt(runtime, case, options.share, pictures))
            except WorkerError as error:
                failures.append(f"{case.name}: {error}")
                continue
            failures += _failures(tried[-1])
    command = ["benchmarks.reliability.concurrency", *given]
    result = result_of("concurrency", command, (table(tried, runtimes.missing),), failures)
    return conclude(result, options.out)


def attempt(runtime: Runtime, case: Case, share: float, pictures: Path) -> Tried:
    """Run one case.

    Args:
        runtime: in whose Python.
        case: what to run.
        share: of its count.
        pictures: the file that `write_sample_pictures` wrote.

    Raises:
        WorkerError: the process crashed or hung.
    """
    full = case.count if runtime.title.startswith(_LITERT) else case.tflite_count
    count = max(1, math.ceil(share * full))
    title = case.title.format(count=count)
    print(f"{runtime.title}: {title}", flush=True)
    options = {"case": case.name, "count": count, "pictures": str(pictures)}
    started = time.monotonic()
    answer = run_worker(runtime, _WORKER, options, timeout_s=_TIMEOUT_S)
    return Tried(
        runtime=runtime.title,
        title=title,
        calls=answer["calls"],
        different=answer["different"],
        refused=answer["refused"],
        errors=tuple(answer["errors"]),
        duration_s=time.monotonic() - started,
    )


def _failures(tried: Tried) -> list[str]:
    where = f"{tried.runtime}, {tried.title}"
    found = [f"{where}: {error}" for error in tried.errors[:3]]
    if tried.different:
        found.append(f"{where}: {tried.different} of {tried.calls} answers differ")
    if not tried.calls:
        found.append(f"{where}: nothing was classified")
    return found


def table(tried: Sequence[Tried], missing: Sequence[str]) -> Table:
    """Return a row for each case."""
    return Table(
        caption="Many callers at once",
        columns=("runtime", "what", "answers", "different", "errors", "refused rightly", "seconds"),
        rows=tuple(
            (
                case.runtime,
                case.title,
                f"{case.calls:,}",
                f"{case.different:,}",
                f"{len(case.errors):,}",
                f"{case.refused:,}",
                f"{case.duration_s:.0f}",
            )
            for case in tried
        ),
        text_columns=frozenset({0, 1}),
        note=(
            "Different: not, to the bit, the answer of one thread alone. Refused rightly: a closed "
            "classifier, a broken picture, a half-written model file, a call that was interrupted. "
            + " ".join(f"Not run: {sentence}." for sentence in missing)
        ).strip(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.concurrency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--share",
        type=_share,
        default=1.0,
        metavar="X",
        help="of the calls, 0 to 1, for a shorter run (%(default)s)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[case.name for case in CASES],
        help="this case alone; may be given more than once",
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
