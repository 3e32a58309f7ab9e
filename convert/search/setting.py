"""The settings of a compilation, completed by a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from convert.int8.compilation import Pictures, Settings
from convert.int8.freeze import freeze
from convert.progress import shown_progress
from convert.search.budget import Budget
from convert.search.method import PLAIN, Candidate
from convert.search.report import search_text, step_text
from convert.search.search import Step, search

if TYPE_CHECKING:
    import keras


def found_settings(
    model: keras.Model,
    pictures: Pictures,
    settings: Settings,
    *,
    budget_s: float,
    say: Callable[[str], None],
    quiet: bool = False,
) -> Settings:
    """Return the settings with the method and the calibration pictures that a search chose.

    Args:
        model: one that `check_float_model` accepts.
        pictures: those of the compilation, checked; the test pictures are not looked at.
        settings: where the search starts from; their method is not used.
        budget_s: seconds for the search.
        say: gets a line per trial, and the table.
        quiet: show no bar.

    Raises:
        ConvertError: a step refused its input; the message says which and why.
    """
    budget = Budget(budget_s)
    say(f"Searching ranges and methods for at most {budget_s:.0f} s")
    with shown_progress("Searching", quiet=quiet) as advance:

        def watch(step: Step) -> None:
            say(step_text(step))
            advance(step.done, step.most)

        found = search(
            freeze(model, scale=settings.scale, offset=settings.offset),
            pictures.calibration,
            pictures.validation,
            Candidate(PLAIN, settings.calibration_count, settings.calibration_seed),
            budget=budget,
            watch=watch,
        )
    say(f"\n{search_text(found)}\n")
    chosen = found.chosen.candidate
    return replace(
        settings,
        method=chosen.method,
        calibration_count=chosen.count,
        calibration_seed=chosen.seed,
        search=found.to_json(),
    )
