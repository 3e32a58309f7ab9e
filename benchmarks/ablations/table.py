"""From runs to figures: mean and spread of each variant, its gain over the base, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.ablations.runs import Run
from benchmarks.ablations.variants import BASE


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Summarize each variant, in the order of the runs, as JSON values.

    The gain is the mean of the differences between runs of the same seed, its spread their
    standard deviation; both are None without the base, a spread is None for one seed.
    """
    base = {run.seed: run.validation_accuracy for run in runs if run.variant == BASE}
    found = []
    for name in dict.fromkeys(run.variant for run in runs):
        own = [run for run in runs if run.variant == name]
        accuracies = [run.validation_accuracy for run in own]
        gains = [run.validation_accuracy - base[run.seed] for run in own if run.seed in base]
        found.append(
            {
                "variant": name,
                "runs": [run.to_json() for run in own],
                "mean": statistics.fmean(accuracies),
                "spread": _spread(accuracies),
                "gain": statistics.fmean(gains) if gains else None,
                "gain_spread": _spread(gains),
                "epoch_s": statistics.median(run.epoch_s for run in own),
            }
        )
    return found


def to_text(document: dict[str, Any]) -> str:
    """Write the stored document as a Markdown table."""
    lines = [
        f"{document['model']}, {document['epochs']} epochs, "
        f"{document['validation_count']} validation pictures, options of all: "
        f"{document['options'] or 'none'}",
        "",
        "| variant | validation | gain over the base | seeds | epoch |",
        "|---|---|---|---|---|",
    ]
    for row in document["variants"]:
        lines.append(
            f"| {row['variant']} | {_percent(row['mean'], row['spread'])} "
            f"| {_points(row['gain'], row['gain_spread'])} | {len(row['runs'])} "
            f"| {row['epoch_s']:.0f} s |"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _percent(mean: float, spread: float | None) -> str:
    return f"{mean:.2%}".replace("%", " %") + ("" if spread is None else f" ± {100 * spread:.2f}")


def _points(gain: float | None, spread: float | None) -> str:
    if gain is None:
        return "–"
    return f"{100 * gain:+.2f}" + ("" if spread is None else f" ± {100 * spread:.2f}")
