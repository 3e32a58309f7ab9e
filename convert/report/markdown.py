"""The report as Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from convert.report.arm_tables import (
    agreement_table,
    counts_table,
    missing_runs_table,
    ops_table,
)
from convert.report.bench_tables import (
    boards_table,
    latency_table,
    memory_table,
    state_table,
    sustained_table,
)
from convert.report.card import CardRow, card
from convert.report.mixed_files import mixed_files
from convert.report.results import Results
from convert.report.sources import Source, sources
from convert.report.tables import Table, accuracy_table, answers_table, missing_table
from convert.report.validation_table import validation_table


def markdown(results: Results) -> str:
    """Return the card and the tables as a Markdown document."""
    found = sources(results)
    lines = ["# minivgg-edge: what int8 costs and saves", ""]
    for source in found:
        if source.invalid:
            lines += [f"**INVALID RUN** [{source.number}]: {escape('; '.join(source.invalid))}", ""]
    for sentence in mixed_files(results):
        lines += [f"**DIFFERENT FILES**: {escape(sentence)}", ""]
    lines += [_card(results), ""]
    for table in _tables(results):
        lines += [f"## {escape(table.caption)}", "", table_markdown(table), ""]
        if table.note:
            lines += [escape(table.note), ""]
    lines += ["## Sources", "", *map(_source_line, found)]
    return "\n".join(lines).rstrip() + "\n"


def table_markdown(table: Table) -> str:
    """Return the rows of a table; caption and note are left to the caller."""
    marks = [":--" if i in table.text_columns else "--:" for i in range(len(table.columns))]
    return rows_markdown([table.columns, marks, *table.rows], escaped=marks)


def escape(text: str) -> str:
    """Return text that no Markdown renderer takes for markup, a cell's end or a line's."""
    for character in "\\`*_[]<>|#~@":
        text = text.replace(character, "\\" + character)
    # Many renderers make links of bare addresses.
    text = text.replace("://", "\\://").replace("www.", "www\\.")
    return " ".join(text.split())


def _card(results: Results) -> str:
    invalid = {source.number for source in sources(results) if source.invalid}
    rows: list[Sequence[str]] = [
        (row.name, row.int8, row.float32, row.comparison, _origin(row, invalid))
        if row.source is not None
        else (row.name, row.missing or row.int8, row.float32, row.comparison, "-")
        for row in card(results)
    ]
    columns = ("figure", "int8", "float32", "int8 against float32", "from")
    marks = [":--", "--:", "--:", "--:", "--:"]
    return rows_markdown([columns, marks, *rows], escaped=marks)


def _origin(row: CardRow, invalid: Set[int]) -> str:
    return f"[{row.source}]" + (" INVALID" if row.is_time and row.source in invalid else "")


def _tables(results: Results) -> Iterable[Table]:
    arm = results.arm
    found = [accuracy_table(results), missing_table(results), boards_table(results)]
    for bench in results.benches:
        found += [latency_table(bench), memory_table(bench)]
        found += [sustained_table(bench, entry) for entry in bench.entries]
        found.append(state_table(bench))
    if arm is not None:
        found += [counts_table(arm), *(ops_table(arm, run) for run in arm.runs)]
        found += [missing_runs_table(arm), agreement_table(arm)]
    if results.validation is not None:
        found.append(validation_table(results.validation))
    found.append(answers_table(results))
    return [table for table in found if table is not None and table.rows]


def _source_line(source: Source) -> str:
    verdict = "" if not source.invalid else " INVALID RUN."
    title, machine = escape(source.title), escape(source.machine)
    command = source.command.replace("`", "'")
    return f"{source.number}. {title}, {escape(source.date)}: `{command}`. {machine}.{verdict}"


def rows_markdown(lines: Sequence[Sequence[str]], *, escaped: Sequence[str]) -> str:
    """Return lines of cells; the line that is `escaped` already, the marks, stays as it is."""
    return "\n".join(
        "| "
        + " | ".join(cells if cells is escaped else [escape(cell) or " " for cell in cells])
        + " |"
        for cells in lines
    )
