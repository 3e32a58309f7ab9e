"""The matrix as a result and as text."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.reliability.matrix.outcome import Outcome
from benchmarks.result import Result, result_of
from convert.report.tables import Table

NAME = "matrix"
_COLUMNS = (
    "name",
    "environment",
    "Python",
    "numpy",
    "runtime",
    "Pillow",
    "passed",
    "skipped",
    "failed",
    "s",
    "verdict",
)
_TEXT = frozenset({0, 1, 2, 3, 4, 5, 10})


def matrix_table(outcomes: Sequence[Outcome]) -> Table:
    """Return a row for each place."""
    remarks = dict.fromkeys(outcome.remark for outcome in outcomes if outcome.remark)
    return Table(
        caption="The built wheel in clean environments, tested from a copy of the device tests",
        columns=_COLUMNS,
        rows=tuple(_row(outcome) for outcome in outcomes),
        text_columns=_TEXT,
        note=" ".join(remarks),
    )


def result(outcomes: Sequence[Outcome], command: Sequence[str]) -> Result:
    """Return the matrix with everything that went wrong."""
    failures = (
        f"{outcome.name}: {failure}" for outcome in outcomes for failure in outcome.failures
    )
    return result_of(NAME, command, (matrix_table(outcomes),), failures)


def progress_line(outcome: Outcome) -> str:
    """Return a place's outcome in one line."""
    counts = outcome.counts
    tests = "" if counts is None else f", {counts.passed} tests passed, {counts.failed} failed"
    return f"{outcome.name}: {outcome.verdict}{tests} ({outcome.duration_s:.0f} s)"


def _row(outcome: Outcome) -> tuple[str, ...]:
    versions, counts = outcome.versions, outcome.counts
    numbers = (
        ("-", "-", "-")
        if counts is None
        else tuple(f"{number:,}" for number in (counts.passed, counts.skipped, counts.failed))
    )
    return (
        outcome.name,
        outcome.title,
        versions.python,
        versions.numpy,
        versions.runtime,
        versions.pillow,
        *numbers,
        f"{outcome.duration_s:.0f}",
        outcome.verdict,
    )
