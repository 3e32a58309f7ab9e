"""The table of modelled beside published times."""

from __future__ import annotations

from convert.report.arm_results import Validation
from convert.report.tables import Table
from convert.report.text import significant, times


def validation_table(validation: Validation) -> Table:
    """Return every comparison as a row; sources have letters, which the note explains."""
    letters = {
        source: _letter(number)
        for number, source in enumerate(dict.fromkeys(row.source for row in validation.rows))
    }
    rows = tuple(
        (
            f"{x.network} {x.precision}",
            x.board,
            x.core,
            str(x.threads),
            significant(x.published_ms),
            significant(x.modelled_ms),
            times(x.factor),
            x.engine,
            letters[x.source],
        )
        for x in validation.rows
    )
    columns = (
        "network",
        "board",
        "core",
        "threads",
        "published, ms",
        "modelled, ms",
        "off by",
        "published with",
        "source",
    )
    named = " ".join(f"({letter}) {source}." for source, letter in letters.items())
    note = f"{summary(validation)} Sources: {named}"
    return Table(
        "Modelled against published times", columns, rows, frozenset({0, 1, 2, 7, 8}), note
    )


def summary(validation: Validation) -> str:
    """Return the model's error as a sentence."""
    boards = validation.median_factor_by_board or {}
    each = ", ".join(f"{board} {times(factor)}" for board, factor in boards.items())
    return (
        f"Median error {times(validation.median_factor)}{f' ({each})' if each else ''}; "
        f"{validation.within_1_5} of {len(validation.rows)} within 1.5×."
    )


def _letter(number: int) -> str:
    """Return a, b, ..., z, then aa, ab, ...: as many letters as it takes."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("a") + digit) + letters
    return letters
