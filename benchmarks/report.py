"""Merge result files of several machines into one page, and keep the README's table.

Without result files: the stored ones in `benchmarks/results`. `--readme README.md` rewrites the
table there, `--readme README.md --check` exits with 1 if it does not say what the results say.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from convert.command import run_command
from convert.report.command import report

STORED = Path(__file__).resolve().parent / "results"


def stored_results() -> list[Path]:
    """Return the result files that the README's table is made of."""
    # The comparison with published times is a part of the document that `make arm` writes.
    return sorted(path for path in STORED.glob("*.json") if path.name != "validation.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return report(
        arguments,
        prog="python -m benchmarks.report",
        description=__doc__ or "",
        stored=stored_results(),
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
