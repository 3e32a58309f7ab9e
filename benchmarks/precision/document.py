"""Fill docs/precision.md with the stored results.

A section of the page between `<!-- result:NAME -->` and `<!-- /result -->` is what
benchmarks/results/precision/NAME.json says. `--check` changes nothing and exits with 1 if the
page says something else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results_page import ResultsPage
from convert.command import run_command

MEASURED = Path("out") / "precision"
PAGE = ResultsPage(
    "benchmarks.precision.document",
    Path(__file__).resolve().parent.parent / "results" / "precision",
    Path("docs") / "precision.md",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return PAGE.run(arguments, description=__doc__)


if __name__ == "__main__":
    sys.exit(run_command(main))
