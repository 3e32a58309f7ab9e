"""Classify a million pictures in one process and see whether it grows or changes its mind.

Every answer is compared, to the bit, with the first one to the same picture. The resident memory is
sampled, and a line through the samples must not rise by more than a stated number of bytes per
case. File descriptors and threads must stay as many. The same for decoding picture files, for
loading models, for files that are refused, and for forked children. Both runtimes, where both can
be had. Writes out/reliability/soak.json.

Exit codes: 0 passed; 1 something failed, the result says what; 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability.places import MEASURED
from benchmarks.reliability.runtimes import WorkerError, available_runtimes
from benchmarks.reliability.sample_pictures import write_sample_pictures
from benchmarks.reliability.soak.measured import PARTS, Measured, measure
from benchmarks.result import conclude, result_of
from convert.command import run_command
from convert.options import positive_integer
from convert.report.tables import Table

# tflite-runtime needs five times as long for an inference and offers nothing else to look at.
_LITERT = "ai-edge-litert"
# One to warm up, and three for a line with an interval.
_FEWEST_CASES = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    options = _parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    counts = {
        "inferences": options.inferences,
        "decodes": options.decodes,
        "loads": options.loads,
        "refused loads": options.loads,
        "forks": options.forks,
        "instances": options.instances,
    }
    pictures = write_sample_pictures(options.out / "work")
    runtimes = available_runtimes()
    measured: list[Measured] = []
    failures: list[str] = []
    for runtime in runtimes.found:
        for part in PARTS:
            if options.only and part.name not in options.only:
                continue
            cases = counts[part.name]
            if part.name == "inferences" and not runtime.title.startswith(_LITERT):
                cases = options.tflite_inferences
            print(f"{runtime.title}: {cases:,} {part.title}", flush=True)
            try:
                found = measure(runtime, part, cases, pictures)
            except WorkerError as error:
                failures.append(str(error))
                continue
            measured.append(found)
            failures += found.failures()
    command = ["benchmarks.reliability.soak", *given]
    result = result_of("soak", command, tables(measured, runtimes.missing), failures)
    return conclude(result, options.out)


def tables(measured: Sequence[Measured], missing: Sequence[str]) -> tuple[Table, ...]:
    """Return the rows: what was repeated, and what an open classifier takes."""
    repeated = Table(
        caption="One process for a long time",
        columns=(
            "runtime",
            "what",
            "cases",
            "answers changed",
            "errors",
            "RSS, MiB",
            "growth, KiB",
            "bytes per case [95 % interval]",
            "bound, bytes per case",
            "descriptors",
            "threads",
        ),
        rows=tuple(_row(m) for m in measured if m.part.bound_bytes is not None),
        text_columns=frozenset({0, 1}),
        note=(
            "Growth: of resident memory that is not of mapped files, from the end of the warm-up, "
            "the first tenth, to the end. RSS: at the end, with mapped files. "
            + " ".join(f"Not run: {sentence}." for sentence in missing)
        ).strip(),
    )
    open_ones = Table(
        caption="Memory of a classifier",
        columns=("runtime", "classifiers open", "each more, MiB"),
        rows=tuple(
            (m.runtime, f"{m.cases:,}", f"{m.growth.per_case_bytes / 2**20:.2f}")
            for m in measured
            if m.part.bound_bytes is None
        ),
        note="The bundled model, one thread each; the first one also loads the libraries.",
    )
    return repeated, open_ones


def _row(measured: Measured) -> tuple[str, ...]:
    grown, part = measured.growth, measured.part
    return (
        measured.runtime,
        part.title,
        f"{measured.cases:,}",
        f"{measured.different:,}",
        f"{len(measured.errors):,}",
        f"{measured.resident_bytes / 2**20:.1f}",
        f"{grown.total_bytes / 1024:,.0f}",
        f"{grown.per_case_bytes:.3g} [{grown.low_bytes:.3g}, {grown.high_bytes:.3g}]",
        f"{part.bound_bytes:,.0f}",
        _range(measured.descriptors),
        _range(measured.threads),
    )


def _range(ends: tuple[int, int]) -> str:
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"


def _cases(text: str) -> int:
    """So many that a growth can be told of them: `growth` refuses fewer, at the end of all."""
    cases = positive_integer(text)
    if cases < _FEWEST_CASES:
        raise argparse.ArgumentTypeError(f"expected at least {_FEWEST_CASES}, got {text!r}")
    return cases


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def add(option: str, default: int, text: str) -> None:
        parser.add_argument(
            option,
            type=_cases,
            default=default,
            metavar="N",
            help=f"{text} (%(default)s)",
        )

    add("--inferences", 1_000_000, "on LiteRT")
    add("--tflite-inferences", 200_000, "on tflite-runtime, which takes five times as long each")
    add("--decodes", 20_000, "picture files decoded")
    add("--loads", 500, "models loaded; as many damaged files refused")
    add("--forks", 300, "children forked")
    add("--instances", 16, "classifiers open at the same time, to see what each takes")
    parser.add_argument(
        "--only",
        action="append",
        choices=[part.name for part in PARTS],
        help="this part alone; may be given more than once",
    )
    parser.add_argument(
        "--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
