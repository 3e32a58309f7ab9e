"""Render result files as one static HTML page, and as Markdown.

Takes the JSON of `make bench`, `make peers`, `make arm`, `python -m benchmarks.answers` and
`minivgg-edge bench --json`, in any number and order. `python -m benchmarks.report` is the same
with the stored results as its default.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from convert.command import run_command
from convert.report.command import report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return report(arguments, prog="python -m convert.report", description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(run_command(main))
