"""Find out which widths fill the integer kernels of emulated Raspberry Pis.

Counts one more 3x3 convolution from C to C channels over a 16x16 map, as the difference between a
model with three such layers and one with two, and divides by its multiply-adds. Weights are
untrained: counts do not depend on them. The result goes to widths.json in --out, from which
`python -m benchmarks.ablations.document` makes a section of docs/training.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.ablations.document import PAGE
from benchmarks.arm.boards import BOARDS, PI3, PI4, PI5, Board
from benchmarks.arm.files import WORK, count_files
from benchmarks.arm.measurement import Rounds
from benchmarks.arm.options import boards
from benchmarks.result import conclude, result_of
from convert.command import run_command
from convert.options import positive_integer
from convert.quiet import quiet
from convert.report.tables import Table
from convert.report.text import table

NAME = "widths"
WIDTHS = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96)
_SIDE = 16  # rows and columns of the map: a multiple of what any kernel computes at a time
_ROUNDS = Rounds(warmup=2, calls=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    print(f"Writing models of {len(options.widths)} widths", flush=True)
    files = width_files(options.widths)
    found: dict[str, dict[int, float]] = {}
    for board in options.boards:
        print(f"{board.title}: {len(files)} models", flush=True)
        costs = count_files(files, board, work=options.work, mirror=options.mirror, rounds=_ROUNDS)
        instructions = {name: cost.instructions for name, cost in costs.items()}
        found[board.name] = per_mac(instructions, options.widths)
    result = result_of(NAME, ["benchmarks.arm.widths", *given], [width_table(found)])
    for part in result.tables:
        print(table(part.columns, part.rows))
    return conclude(result, options.out)


def width_files(widths: Sequence[int]) -> dict[str, bytes]:
    """Return int8 models with two and with three convolutions of each width, see `_name`."""
    from convert.architecture import build_minivgg
    from convert.int8.conversion import convert_int8
    from convert.int8.freeze import freeze

    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (2, _SIDE, _SIDE, 3), dtype=np.uint8)
    files = {}
    for width in widths:
        for layers in (2, 3):
            with quiet():
                model = build_minivgg(
                    classes=10, height=_SIDE, width=_SIDE, blocks=((width,) * layers,), head="gap"
                )
                files[_name(width, layers)] = convert_int8(freeze(model), pictures)
    return files


def per_mac(instructions: Mapping[str, int], widths: Sequence[int]) -> dict[int, float]:
    """Return instructions for a thousand multiply-adds of the layer that the models differ in.

    Args:
        instructions: of an inference, by the names that `width_files` gives.
        widths: of the models.
    """
    return {
        width: 1000
        * (instructions[_name(width, 3)] - instructions[_name(width, 2)])
        / (_SIDE * _SIDE * 3 * 3 * width * width)
        for width in widths
    }


def width_table(found: Mapping[str, Mapping[int, float]]) -> Table:
    """Return the widths as rows, one column a board, and how far each is from its board's best."""
    widths = list(next(iter(found.values())))
    best = {name: min(values.values()) for name, values in found.items()}
    rows = tuple(
        (
            str(width),
            *(
                f"{values[width]:.0f} ({values[width] / best[name]:.2f}×)"
                for name, values in found.items()
            ),
        )
        for width in widths
    )
    columns = ("channels in and out", *(BOARDS[name].title for name in found))
    note = (
        f"Instructions for 1,000 multiply-adds of a 3×3 convolution over a {_SIDE}×{_SIDE} map, "
        "int8, LiteRT; in brackets: of the board's lowest figure."
    )
    return Table("Cost of a convolution by its width", columns, rows, frozenset(), note)


def _name(width: int, layers: int) -> str:
    return f"{width}-{layers}"


def _widths(text: str) -> tuple[int, ...]:
    return tuple(positive_integer(word) for word in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.arm.widths",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    three: tuple[Board, ...] = (PI3, PI4, PI5)
    add("--widths", type=_widths, default=WIDTHS, metavar="A,B,...", help="channels")
    add("--boards", type=boards, default=three, metavar="A,B,...", help="default: pi3,pi4,pi5")
    add("--out", type=Path, default=PAGE.stored, metavar="DIR", help="default: the stored results")
    add("--work", type=Path, default=WORK, help="sysroots; default: %(default)s")
    add("--mirror", metavar="URL", help="Debian mirror; default: the one that apt uses here")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
