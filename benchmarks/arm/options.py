"""Options that several commands of the lane have."""

from __future__ import annotations

import argparse

from benchmarks.arm.boards import BOARDS, Board


def boards(text: str) -> tuple[Board, ...]:
    """Return the boards whose names stand in `text`, with commas between them.

    Raises:
        ArgumentTypeError: There is no board of a name.
    """
    names = text.split(",")
    unknown = [name for name in names if name not in BOARDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(BOARDS)}, got {unknown[0]!r}")
    return tuple(BOARDS[name] for name in names)
