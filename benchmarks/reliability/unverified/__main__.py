"""Damage models that have no manifest, and load them with `Classifier(unverified=...)`.

Nothing verifies such a file, so that answers may change. What must not happen is that the process
which loads it crashes, hangs, or gets an exception without a type of this package. The models: the
bundled one without its manifest, and with --models those of a folder (10 classes, 32 x 32 pixels).
Both runtimes, where both can be had. Writes out/reliability/unverified.json.

Exit codes: 0 passed; 1 something failed, the result says what; 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from benchmarks.reliability.fuzz.structure import find_structure, place_in
from benchmarks.reliability.places import MEASURED
from benchmarks.reliability.runtimes import Runtime, WorkerError, available_runtimes, run_worker
from benchmarks.result import conclude, result_of
from convert.command import run_command
from convert.options import positive_integer
from convert.report.tables import Table
from minivgg_edge.archive import stored_zip
from minivgg_edge.catalog import load_model

_WORKER = "benchmarks.reliability.unverified.worker"
_OUTCOMES = ("refused", "child crashed", "same answers", "other answers", "untyped")
_SECONDS_PER_CASE = 180.0  # a child that hangs is ended after 120
Damage = tuple[str, int, int]


def damages(model: bytes, *, cases: int, seed: int) -> dict[str, list[Damage]]:
    """Draw truncations, flips of any bit, and flips of the bits of tables, a third of each."""
    random = Random(seed)  # noqa: S311 - not for secrets
    structure = find_structure(stored_zip({"x": b"x"}, prefix=model), len(model)).flatbuffer
    size = sum(end - start for start, end in structure)
    each = -(-cases // 3)
    return {
        "truncations": [("cut", random.randrange(8, len(model)), 0) for _ in range(each)],
        "random flips": [
            ("flip", random.randrange(8, len(model)), random.randrange(8)) for _ in range(each)
        ],
        "structure flips": [
            ("flip", place_in(structure, random.randrange(size)), random.randrange(8))
            for _ in range(each)
        ],
    }


def attack(
    runtime: Runtime, model: Path, drawn: dict[str, list[Damage]]
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Load the damaged models on a runtime; return outcomes by kind of damage, and failures."""
    found: dict[str, Counter[str]] = {}
    failures: list[str] = []
    for kind, cases in drawn.items():
        with tempfile.TemporaryDirectory() as work:
            options = {"model": str(model), "damages": cases, "work": work}
            try:
                answer = run_worker(
                    runtime, _WORKER, options, timeout_s=_SECONDS_PER_CASE * len(cases)
                )
            except WorkerError as error:
                failures.append(f"{model.name}, {kind}: {error}")
                continue
        found[kind] = Counter(answer["outcomes"])
        failures += [f"{runtime.title}, {model.name}, {text}" for text in answer["untyped"]]
    return found, failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    options = _parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    runtimes = available_runtimes()
    outcomes: dict[tuple[str, str], Counter[str]] = {}
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        bundled = Path(folder) / "bundled.tflite"
        bundled.write_bytes(load_model().flatbuffer)
        models = [bundled, *(sorted(options.models.glob("*.tflite")) if options.models else ())]
        for model in models:
            drawn = damages(model.read_bytes(), cases=options.cases, seed=options.seed)
            for runtime in runtimes.found:
                print(f"{runtime.title}: {model.name}", flush=True)
                found, more_failures = attack(runtime, model, drawn)
                failures += more_failures
                for kind, counts in found.items():
                    outcomes.setdefault((runtime.title, kind), Counter()).update(counts)
    command = ["benchmarks.reliability.unverified", *given]
    table = _table(outcomes, [model.name for model in models], runtimes.missing)
    result = result_of("unverified", command, (table,), failures)
    return conclude(result, options.out)


def _table(
    outcomes: Mapping[tuple[str, str], Counter[str]], models: Sequence[str], missing: Sequence[str]
) -> Table:
    rows = [
        (*key, f"{counts.total():,}", *(f"{counts[outcome]:,}" for outcome in _OUTCOMES))
        for key, counts in sorted(outcomes.items())
    ]
    return Table(
        caption="Damaged models without a manifest, loaded by `Classifier(unverified=...)`",
        columns=("runtime", "damage", "cases", *_OUTCOMES),
        rows=tuple(rows),
        text_columns=frozenset({0, 1}),
        note=(
            f"Models: {', '.join(models)}. A child that crashed is a typed error that names the "
            "signal. Answers may be others, since nothing in such a file is verified. "
            + " ".join(f"Not run: {sentence}." for sentence in missing)
        ).strip(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.unverified",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cases", type=positive_integer, default=60, metavar="N", help="per model (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with more models")
    parser.add_argument(
        "--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
