"""The search of `convert.quantize` as text: a line per trial, and the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convert.report.tables import Table
from convert.report.text import percent, significant, table
from convert.search.method import Method
from convert.search.search import COLUMNS, Search, Step
from convert.search.selection import RULE, Trial

_CANDIDATE, *_FIGURES = (
    "candidate",
    "divergence, millinats",
    "agreement",
    "drop, points",
    "cross-entropy, nats",
)


def step_text(step: Step) -> str:
    """One finished trial and the time that is left."""
    found = step.trial.fidelity
    return (
        f"{step.done} of at most {step.most}: {step.trial.candidate.title}: "
        f"divergence {_millinats(found.divergence)} millinats, "
        f"agreement {percent(found.agreement)}, {step.took_s:.1f} s; "
        f"{max(step.left_s, 0.0):.0f} s of the budget left"
    )


def search_text(search: Search) -> str:
    """The table of all trials, what was chosen and by which rule."""
    rows = [
        [("* " if position == search.position else "  ") + row[0], *row[1:]]
        for position, row in enumerate(map(trial_row, search.trials))
    ]
    lines = [
        table([_CANDIDATE, *_FIGURES], rows),
        f"on {search.pictures} validation pictures; divergence: mean Kullback-Leibler divergence "
        "from the float model's scores",
        f"* chosen: {RULE}",
        *search.notes,
    ]
    if search.left_out:
        names = "; ".join(candidate.title for candidate in search.left_out)
        lines.append(f"not tried, no time left in the budget: {names}")
    return "\n".join(lines)


def search_table(search: Search, caption: str) -> Table:
    """The same for a page."""
    note = f"{search.pictures:,} validation pictures. Chosen: {search.chosen.candidate.title}."
    if search.left_out:
        note += f" Not tried for lack of time: {len(search.left_out)}."
    rows = tuple(tuple(trial_row(trial)) for trial in search.trials)
    return Table(caption, (_CANDIDATE, *_FIGURES), rows, note=note)


def recorded_table(record: Mapping[str, Any]) -> Table:
    """The table of a search out of what `Search.to_json` says of it."""
    order = [record["columns"].index(column) for column in COLUMNS]
    rows = tuple(
        tuple(_row(title, *(figures[place] for place in order)))
        for title, figures in record["trials"].items()
    )
    notes = [
        f"{record['pictures']:,} validation pictures.",
        f"Chosen: {record['chosen']}: {record['rule']}.",
        *(f"{note[:1].upper()}{note[1:]}." for note in record["notes"]),
    ]
    if record["left_out"]:
        notes.append(f"Not tried for lack of time: {'; '.join(record['left_out'])}.")
    return Table("What the search tried", (_CANDIDATE, *_FIGURES), rows, note=" ".join(notes))


def calibration_sentence(record: Mapping[str, Any]) -> str:
    """By which method and with which pictures, out of what the manifest says of a calibration."""
    seed = "" if record["seed"] is None else f", seed {record['seed']}"
    return (
        f"{Method.from_json(record).title}; {record['count']:,} calibration pictures of "
        f"{record['source']}: {record['rule']}{seed}"
    )


def trial_row(trial: Trial) -> list[str]:
    """A trial's name and figures, in the order of the table's columns."""
    found = trial.fidelity
    return _row(
        trial.candidate.title,
        found.divergence,
        found.agreement,
        found.drop,
        found.cross_entropy,
    )


def _row(
    title: str, divergence: float, agreement: float, drop: float, cross_entropy: float
) -> list[str]:
    return [
        title,
        _millinats(divergence),
        percent(agreement),
        f"{100 * drop:+.2f}",
        f"{cross_entropy:.4f}",
    ]


def _millinats(nats: float) -> str:
    return significant(1000 * nats)
