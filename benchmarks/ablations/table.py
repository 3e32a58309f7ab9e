"""From runs to figures: mean and spread of each variant, its gain over the base, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ablations.runs import Run
from benchmarks.ablations.variants import BASE, VARIANTS
from convert.report.tables import Table

_ANY = (Path("FILE"),)  # of the teacher; the note says which
_COLUMNS = ("variant", "options", "validation", "gain over the base", "seeds", "s an epoch")


@dataclass(frozen=True, slots=True)
class Row:
    """One variant; accuracies are fractions.

    Attributes:
        variant: its name.
        mean: of the validation accuracies.
        spread: their standard deviation; None for one seed.
        gain: mean of the differences to the base with the same seed; None without the base.
        gain_spread: their standard deviation; None for fewer than two.
        seeds: how many runs there are.
        epoch_s: median of the runs' mean epochs.
        changed: mean accuracy on pictures of each change, and its standard deviation.
    """

    variant: str
    mean: float
    spread: float | None
    gain: float | None
    gain_spread: float | None
    seeds: int
    epoch_s: float
    changed: Mapping[str, tuple[float, float | None]]


def rows(runs: Sequence[Run]) -> list[Row]:
    """Summarize each variant, in the order of the runs."""
    base = {run.seed: run.validation_accuracy for run in runs if run.variant == BASE}
    found = []
    for name in dict.fromkeys(run.variant for run in runs):
        own = [run for run in runs if run.variant == name]
        accuracies = [run.validation_accuracy for run in own]
        gains = [run.validation_accuracy - base[run.seed] for run in own if run.seed in base]
        found.append(
            Row(
                name,
                statistics.fmean(accuracies),
                _spread(accuracies),
                statistics.fmean(gains) if gains else None,
                _spread(gains),
                len(own),
                statistics.median(run.epoch_s for run in own),
                _changed(own),
            )
        )
    return found


def ablation_table(found: Sequence[Row], *, caption: str, note: str) -> Table:
    """Return the variants as a table.

    Args:
        found: what `rows` returned.
        caption: what was trained.
        note: what all runs share.
    """
    cells = tuple(
        (
            row.variant,
            " ".join(VARIANTS[row.variant].words(_ANY)) or "none",
            _percent(row.mean, row.spread),
            _points(row.gain, row.gain_spread),
            str(row.seeds),
            f"{row.epoch_s:.0f}",
        )
        for row in found
    )
    return Table(caption, _COLUMNS, cells, frozenset({0, 1}), note)


def changed_table(found: Sequence[Row], *, caption: str, note: str) -> Table:
    """Return what the variants make of changed pictures as a table; see `ablation_table`."""
    titles = tuple(dict.fromkeys(title for row in found for title in row.changed))
    cells = tuple(
        (
            row.variant,
            _percent(row.mean, row.spread),
            *(_percent(*row.changed[title]) if title in row.changed else "-" for title in titles),
        )
        for row in found
    )
    return Table(caption, ("variant", "as they are", *titles), cells, frozenset({0}), note)


def _changed(runs: Sequence[Run]) -> dict[str, tuple[float, float | None]]:
    by_title = {title: [run.changed[title] for run in runs] for title in runs[0].changed}
    return {title: (statistics.fmean(each), _spread(each)) for title, each in by_title.items()}


def _spread(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _percent(mean: float, spread: float | None) -> str:
    return f"{mean:.2%}".replace("%", " %") + ("" if spread is None else f" ± {100 * spread:.2f}")


def _points(gain: float | None, spread: float | None) -> str:
    if gain is None:
        return "-"
    return f"{100 * gain:+.2f}" + ("" if spread is None else f" ± {100 * spread:.2f}")
