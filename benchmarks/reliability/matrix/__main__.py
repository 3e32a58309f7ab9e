"""Test the built wheel in clean environments: every Python, runtime, numpy and board it claims.

The device tests run from a copy outside the checkout, so that the checkout cannot stand in for the
wheel. Of a Python that is not on this machine, and of machines that cannot be emulated here, the
dependencies are resolved, and the table says so. Environments are kept below --work; what changed
is installed again. Writes out/reliability/matrix.json.

Exit codes: 0 as expected everywhere; 1 something failed, a line says what; 2 bad usage.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.arm.errors import LaneError
from benchmarks.reliability.matrix import document, wheel
from benchmarks.reliability.matrix.examination import Bench, examine
from benchmarks.reliability.matrix.interpreters import find_interpreters, probe
from benchmarks.reliability.matrix.outcome import Outcome
from benchmarks.reliability.matrix.places import PYTHONS, Native, Place, all_places
from benchmarks.reliability.places import MEASURED
from benchmarks.result import conclude
from convert.command import EXIT_DONE, run_command
from convert.options import positive_integer
from convert.report import text

WORK = Path("out") / "matrix"
# An environment with LiteRT, numpy, Pillow and the tests' tools.
_ENVIRONMENT_BYTES = 300 * 10**6


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    places = _chosen(options.only)
    if options.list:
        print(
            text.table(("name", "Python", "place"), [(p.name, p.python, p.title) for p in places])
        )
        return EXIT_DONE
    _check_disk(options.work, places)
    outcomes = _examine(places, options)
    words = sys.argv[1:] if arguments is None else arguments
    result = document.result(outcomes, ["benchmarks.reliability.matrix", *words])
    (table,) = result.tables
    print(text.table(table.columns, table.rows))
    if table.note:
        print(table.note)
    return conclude(result, options.out)


def _examine(places: Sequence[Place], options: argparse.Namespace) -> list[Outcome]:
    _say("building the wheel")
    host = probe(Path(sys.executable))
    if host is None:
        raise LaneError(f"expected {sys.executable} with the modules venv and ensurepip")
    bench = Bench(
        wheel=wheel.build(options.work),
        interpreters=find_interpreters(PYTHONS, extra=options.python),
        host=host,
        work=options.work,
        arm_work=options.arm_work,
    )
    _say(f"Pythons: {', '.join(i.version for _, i in sorted(bench.interpreters.items()))}")
    ended = itertools.count(1)

    def examine_one(place: Place) -> Outcome:
        outcome = examine(place, bench)
        lines = [f"[{next(ended)}/{len(places)}] {document.progress_line(outcome)}"]
        lines += [f"    {failure}" for failure in outcome.failures]
        _say("\n".join(lines))
        return outcome

    with ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(examine_one, places))


def _chosen(names: Sequence[str] | None) -> list[Place]:
    places = all_places()
    known = [place.name for place in places]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise LaneError(f"expected some of {', '.join(known)}, got {unknown[0]!r}")
    return [place for place in places if names is None or place.name in names]


def _check_disk(work: Path, places: Sequence[Place]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    missing = [
        place
        for place in places
        if isinstance(place, Native) and not (work / "environments" / place.name).is_dir()
    ]
    needed, free = len(missing) * _ENVIRONMENT_BYTES, shutil.disk_usage(work).free
    if free < needed:
        raise LaneError(
            f"{work}: expected {text.size(needed)} free for {len(missing)} environments, "
            f"got {text.size(free)}"
        )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.matrix",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", metavar="NAME", help="some of the places that --list prints")
    add(
        "--jobs",
        type=positive_integer,
        default=1,
        metavar="N",
        help="places at a time; pip runs once at a time. Default: %(default)s",
    )
    add("--list", action="store_true", help="print the places and stop")
    add(
        "--python",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a Python to use for its version; default: those on PATH and of pyenv",
    )
    add("--work", type=Path, default=WORK, metavar="DIR", help="environments; default: %(default)s")
    add(
        "--arm-work",
        type=Path,
        default=Path(os.environ.get("MINIVGG_ARM_WORK", "out/arm")),
        metavar="DIR",
        help="sysroots of emulated boards; default: %(default)s",
    )
    add("--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
