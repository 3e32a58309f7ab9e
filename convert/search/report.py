"""The search of `convert.quantize` as text: a line per trial, and the table."""

from __future__ import annotations

from convert.report.tables import Table
from convert.report.text import percent, significant, table
from convert.search.search import Search, Step
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


def trial_row(trial: Trial) -> list[str]:
    """A trial's name and figures, in the order of the table's columns."""
    found = trial.fidelity
    return [
        trial.candidate.title,
        _millinats(found.divergence),
        percent(found.agreement),
        f"{100 * found.drop:+.2f}",
        f"{found.cross_entropy:.4f}",
    ]


def _millinats(nats: float) -> str:
    return significant(1000 * nats)
