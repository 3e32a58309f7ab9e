"""The outcomes of a fuzzing run as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.reliability.fuzz.session import CRASH, HANG, OUTCOMES, WRONG, Tally
from convert.report.tables import Table

_TITLES = ("refused", "same or answered", "wrong", "crashes", "hangs")
_NOTE = (
    "Refused: with a typed error; of damaged models, before native code saw a byte of the "
    "flatbuffer. Same or answered: a model that gives labels, manifest and scores of the undamaged "
    "file (of one with hashes re-made: answers that agree with its own manifest), a picture that "
    "became pixels, a manifest that survives being written and read, golden vectors of the "
    "right shape, a JSON value equal to Python's (refused: left to Python's own reader). Wrong: "
    "anything else."
)


def total_table(tallies: Sequence[Tally]) -> Table:
    """Return all cases by what they attack."""
    groups: dict[str, Counter[str]] = {}
    for tally in tallies:
        groups.setdefault(tally.kind.group, Counter()).update(tally.outcomes)
    rows = [_row((name,), outcomes) for name, outcomes in groups.items()]
    rows.append(_row(("all",), sum(groups.values(), Counter())))
    return Table("Fuzzing", ("what", "cases", *_TITLES), tuple(rows), note=_NOTE)


def outcome_table(tallies: Sequence[Tally], titles: Mapping[str, str]) -> Table:
    """Return the cases of each kind on each runtime.

    Args:
        tallies: one for each kind and runtime.
        titles: of the environments, by the runtime's name.
    """
    rows = tuple(
        _row((tally.kind.title, titles[tally.target]), tally.outcomes)
        for tally in sorted(tallies, key=lambda tally: _place(tallies, tally))
    )
    columns = ("kind", "environment", "cases", *_TITLES)
    return Table("Fuzzing by kind and runtime", columns, rows, frozenset({0, 1}))


def refusal_table(tallies: Sequence[Tally]) -> Table:
    """Return by which errors the cases of each group were refused."""
    errors: dict[str, Counter[str]] = {}
    for tally in tallies:
        errors.setdefault(tally.kind.group, Counter()).update(tally.errors)
    rows = tuple(
        (group, error, f"{count:,}")
        for group, counter in errors.items()
        for error, count in sorted(counter.items())
    )
    return Table("Refusals by error", ("what", "error", "cases"), rows, frozenset({0, 1}))


def failed(tallies: Sequence[Tally]) -> int:
    """Return how many cases did not end as they should."""
    return sum(tally.outcomes[outcome] for tally in tallies for outcome in (WRONG, CRASH, HANG))


def _row(names: tuple[str, ...], outcomes: Counter[str]) -> tuple[str, ...]:
    return (*names, f"{outcomes.total():,}", *(f"{outcomes[name]:,}" for name in OUTCOMES))


def _place(tallies: Sequence[Tally], tally: Tally) -> int:
    """Return the place of the first tally of the same kind: a kind's runtimes stay together."""
    return next(i for i, other in enumerate(tallies) if other.kind is tally.kind)
