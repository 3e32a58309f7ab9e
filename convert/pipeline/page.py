"""Write the page about a run of `python -m convert`: what was found, how good the model is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.command import EXIT_DONE, run_command
from minivgg_edge.atomic import write_atomically


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from convert.pipeline.outcome import collect
    from convert.report.outcome import outcome_page

    page = outcome_page(collect(options.out, options.folder))
    write_atomically(options.out / "report.html", page.encode("utf-8", "surrogateescape"))
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert.pipeline.page", description=__doc__)
    parser.add_argument("out", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the pictures")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
