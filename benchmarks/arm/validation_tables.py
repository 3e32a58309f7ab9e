"""The object "validation" as text for a terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.arm.comparison import AIM
from convert.report.markdown import rows_markdown
from convert.report.readme import replace_section
from convert.report.text import significant, table

_HEADER = (
    "network",
    "board",
    "published with",
    "modelled with",
    "published, ms",
    "modelled, ms",
    "cycles",
    "caches",
    "memory",
    "factor",
)
_TEXT_COLUMNS = 4


def to_text(validation: Mapping[str, Any]) -> str:
    """Return the rows as an aligned table, and their error below it."""
    return f"{table(_HEADER, [_cells(row) for row in validation['rows']])}\n\n{summary(validation)}"


def to_markdown(validation: Mapping[str, Any]) -> str:
    """Return the rows as a table of Markdown, their error, and where they are from."""
    marks = [":--"] * _TEXT_COLUMNS + ["--:"] * (len(_HEADER) - _TEXT_COLUMNS)
    rows = [_cells(row) for row in validation["rows"]]
    made = (
        f"`{validation['command']}`, llvm-mca {validation['llvm_mca']}, "
        f"QEMU {validation['qemu']}, {validation['date']}."
    )
    parts = [rows_markdown([_HEADER, marks, *rows], escaped=marks), summary(validation), made]
    return "\n\n".join(parts)


def renew(text: str, validation: Mapping[str, Any], *, where: str) -> str:
    """Return a document with the table between its two markers renewed.

    Raises:
        ResultError: The markers do not stand there once each, in their order.
    """
    return replace_section(text, to_markdown(validation), where=where)


def summary(validation: Mapping[str, Any]) -> str:
    """Return the error in words."""
    by_board = _listed(validation["median_factor_by_board"])
    by_engine = _listed(validation["mean_ratio_by_engine"])
    text = (
        f"{len(validation['rows'])} measurements, one thread: median factor "
        f"{validation['median_factor']:.2f} ({by_board}), worst {validation['worst_factor']:.2f}, "
        f"{validation['within_1_5']} within {AIM}. + is modelled too slow, - too fast. "
        f"Published over modelled, geometric mean by the engine that is modelled: {by_engine}."
    )
    scaled = validation["median_factor_if_scaled_by_board"]
    if scaled is not None:
        text += (
            " With one fitted number per board, each row left out of its own fit, the median "
            f"would be {scaled:.2f}; no number is fitted."
        )
    return text


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number:.2f}" for name, number in numbers.items())


def _cells(row: Mapping[str, Any]) -> list[str]:
    sign = "+" if row["modelled_ms"] > row["published_ms"] else "-"
    return [
        f"{row['network']} {row['precision']}",
        f"{row['board']}, {row['clock_ghz']} GHz",
        row["engine"],
        row["modelled_with"].replace("==", " "),
        significant(row["published_ms"]),
        significant(row["modelled_ms"]),
        significant(row["compute_ms"]),
        significant(row["caches_ms"]),
        significant(row["memory_ms"]),
        f"{row['factor']:.2f}{sign}",
    ]
