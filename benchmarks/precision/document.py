"""Fill docs/precision.md with the stored results.

A section of the page between `<!-- result:NAME -->` and `<!-- /result -->` is what
benchmarks/results/precision/NAME.json says. `--check` changes nothing and exits with 1 if the page
says something else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability.document import fill
from benchmarks.reliability.results import Result, read_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from minivgg_edge.atomic import write_atomically

MEASURED = Path("out") / "quantization"
STORED = Path(__file__).resolve().parent.parent / "results" / "precision"
PAGE = Path("docs") / "precision.md"


def stored_results(folder: Path = STORED) -> dict[str, Result]:
    """Return the stored results by name."""
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.precision.document",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="default: %(default)s")
    options = parser.parse_args(arguments)
    old = options.page.read_text(encoding="utf-8")
    new = fill(old, stored_results())
    if options.check:
        if new != old:
            print(f"{options.page}: run `python -m benchmarks.precision.document`")
        return EXIT_DONE if new == old else EXIT_GATE_FAILED
    write_atomically(options.page, new.encode("utf-8"))
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
