"""Rows to aligned plain text."""

from __future__ import annotations

from collections.abc import Sequence


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
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        indent
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
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
