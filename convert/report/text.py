"""Rows to aligned plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minivgg_edge.cli.terminal import display_width, pad


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Return a table with aligned columns: the first to the left, the others to the right.

    Args:
        header: one title per column.
        rows: one text per column each.
        indent: what stands before every line.

    Raises:
        ValueError: a row has not as many columns as the header.
    """
    lines = [list(header), *map(list, rows)]
    if any(len(line) != len(header) for line in lines):
        raise ValueError(f"expected rows of {len(header)} columns")
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        indent
        + "  ".join(
            pad(cell, width) if column == 0 else pad(cell, width, "r")
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def percent(fraction: float | None, digits: int = 2) -> str:
    """Return a fraction as percent, "-" for None or NaN."""
    if fraction is None or fraction != fraction:
        return "-"
    return f"{100 * fraction:.{digits}f} %"


def size(size_bytes: int) -> str:
    """Return a length in bytes in the unit that a person would use."""
    value = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, thousands grouped, never as a power."""
    rounded = float(f"{value:.{digits - 1}e}")  # first: 9.996 has three digits as 10.0
    if rounded == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:,.{decimals}f}"


def probability(value: float) -> str:
    """Return a p-value with two decimals; "< 0.01" for one that these would show as nothing."""
    return f"{value:.2f}" if value >= 0.005 else "< 0.01"


def milliseconds(value: float | None) -> str:
    """Return a duration in milliseconds with its unit, "-" for None."""
    return "-" if value is None else f"{significant(value)} ms"


def millions(count: float | None) -> str:
    """Return a count in millions without a unit, "-" for None."""
    return "-" if count is None else significant(count / 1e6)


def times(ratio: float | None) -> str:
    """Return a ratio as "0.28×", "-" for None."""
    return "-" if ratio is None else f"{ratio:.2f}×"
