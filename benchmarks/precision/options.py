"""Options of the commands that compare int8 models of one float model."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.arm.boards import PI5
from benchmarks.arm.files import WORK
from benchmarks.arm.options import boards
from benchmarks.precision.document import MEASURED
from convert.int8.arguments import DEFAULT_MODEL


def comparison_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows the model, its pictures, the boards to count on and the output.

    Args:
        module: that `python -m` runs.
        description: of the command.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL.keras")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--boards", type=boards, default=(PI5,), metavar="A,B,...", help="default: pi5")
    add("--no-boards", dest="boards", action="store_const", const=(), help="count nothing")
    add("--work", type=Path, default=WORK, help="sysroots; default: %(default)s")
    add("--out", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    return parser
