"""Quantities of results as text, each with what tells how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

from convert.report.arm_results import Modelled
from convert.report.bench_results import Accuracy
from convert.report.text import milliseconds, percent


def interval_text(accuracy: Accuracy | None) -> str:
    """Return an accuracy with its 95 % interval, "-" for None."""
    if accuracy is None:
        return "-"
    return f"{percent(accuracy.top1)} [{100 * accuracy.low:.2f}, {100 * accuracy.high:.2f}]"


def modelled_text(modelled: Modelled | None) -> str:
    """Return a modelled time with the model's error beside it, "-" for None."""
    if modelled is None:
        return "-"
    return f"{milliseconds(modelled.ms)} ({error_text([modelled])})"


def error_text(modelled: Sequence[Modelled]) -> str:
    """Return the factor by which modelled times are typically off, a range if they differ."""
    known = sorted(x.error_factor for x in modelled if x.error_factor is not None)
    if not known:
        return "error not known"
    return "×÷ " + " to ".join(dict.fromkeys(f"{x:.2f}" for x in (known[0], known[-1])))
