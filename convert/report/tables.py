"""Tables as plain rows of text, for every format that a report is rendered in."""

from __future__ import annotations

from dataclasses import dataclass

from convert.report.arm_results import ArmRun
from convert.report.bench_results import Entry
from convert.report.candidates import Candidate, candidates, engine_title, model_title
from convert.report.quantities import interval_text, modelled_text
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME, is_invalid
from convert.report.text import millions, percent, size, times


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column titles; the first column names the row.

    Attributes:
        caption: what the rows are.
        columns: titles.
        rows: as many texts each as there are titles.
        text_columns: numbers of the columns, from 0, that hold text and are aligned to the left.
        note: what has to be known to read it; may be empty.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: frozenset[int] = frozenset({0})
    note: str = ""


def row_name(entry: Entry | ArmRun) -> str:
    """Return model, precision and engine with its version, as people say them."""
    title = f"{model_title(entry.model)} {entry.precision}"
    return f"{title}, {engine_title(entry.engine)} {entry.engine_version}"


def accuracy_table(results: Results) -> Table:
    """Return every candidate with its accuracy, size and cost on every emulated board."""
    found = candidates(results)
    boards = results.arm.boards if results.arm else {}
    columns = ["candidate", "top-1 [95 % interval]", "pictures", "file"]
    for profile in boards.values():
        columns += [f"{profile.title}, M instructions", f"{profile.title}, modelled"]
    columns += ["x86-64 time, ratio", "x86-64 steady RSS"]
    rows = [
        (
            candidate.title_with_version,
            interval_text(candidate.accuracy),
            f"{candidate.accuracy.count:,}" if candidate.accuracy else "-",
            size(candidate.size_bytes),
            *(cell for board in boards for cell in _board_cells(candidate, board)),
            times(candidate.ratio),
            size(candidate.memory.steady_rss_bytes) if candidate.memory else "-",
        )
        for candidate in found
    ]
    note = (
        "Modelled times come from a core's scheduling model, not from a board; beside each stands "
        "the factor by which the model is typically off (×÷), found on networks with published "
        f"times. Ratios are of medians in one run to this project's int8 model; {NOT_AN_ARM_TIME}."
    )
    kinds = {candidate.ratio_kind for candidate in found if candidate.ratio_kind is not None}
    if any(is_invalid(results, kind) for kind in kinds):
        note += " INVALID RUN: the machine did not keep still, the ratios do not count."
    return Table("Accuracy and cost", tuple(columns), tuple(rows), note=note)


def _board_cells(candidate: Candidate, board: str) -> tuple[str, str]:
    run = candidate.runs.get(board)
    return ("-", "-") if run is None else (millions(run.steady), modelled_text(run.modelled))


def missing_table(results: Results) -> Table | None:
    """Return the peers that were not measured, with the reasons."""
    if results.peers is None or not results.peers.missing:
        return None
    rows = tuple((x.engine, x.reason) for x in results.peers.missing)
    return Table("Peers that were not measured", ("peer", "why"), rows, frozenset({0, 1}))


def answers_table(results: Results) -> Table | None:
    """Return accuracy per class of both models, if their answers were recorded."""
    answers = results.answers
    if answers is None:
        return None
    rows = []
    for index, label in enumerate(answers.labels):
        count = sum(answers.int8.confusion[index])
        right = [m.confusion[index][index] for m in (answers.float32, answers.int8)]
        shares = [x / count if count else None for x in right]
        difference = f"{right[1] - right[0]:+d}"
        rows.append((label, f"{count:,}", *map(percent, shares), difference))
    columns = ("class", "pictures", "float32", "int8", "pictures more right")
    return Table("Accuracy per class", columns, tuple(rows))
