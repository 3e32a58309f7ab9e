"""Write docs/api.md: the reference of the device package, from its docstrings.

`--check` changes nothing and exits with 1 if the page says something else.

Exit codes: 0 done; 1 the page is stale (--check); 2 bad usage, or something has no docstring.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from minivgg_edge.atomic import write_atomically

_CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = _CHECKOUT / "docs" / "api.md"
_PACKAGE = "minivgg_edge"
_HANDED_OUT = (
    "classifier.Picture",
    "interpreter.RuntimeInfo",
    "self_check.Check",
    "manifest.Manifest",
)
_INTRODUCTION = """\
# The Python interface

Everything that `from minivgg_edge import ...` offers. This page is made from the docstrings by
`python -m convert.api_reference`; a test holds it to them. The command line explains itself:
`minivgg-edge COMMAND --help`.
"""


def reference() -> str:
    """Return the page as the sources say now.

    Raises:
        ResultError: something public has no docstring.
    """
    from convert.report.api_reference import api_reference

    return api_reference(
        _PACKAGE, folder=_CHECKOUT, introduction=_INTRODUCTION, handed_out=_HANDED_OUT
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.api_reference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if stale")
    page_help = "default: docs/api.md"
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help=page_help)
    options = parser.parse_args(arguments)
    new = reference().encode("utf-8")
    if not options.check:
        write_atomically(options.page, new)
        return EXIT_DONE
    fresh = options.page.is_file() and options.page.read_bytes() == new
    if not fresh:
        print(f"{options.page}: run `python -m convert.api_reference`")
    return EXIT_DONE if fresh else EXIT_GATE_FAILED


if __name__ == "__main__":
    sys.exit(run_command(main))
