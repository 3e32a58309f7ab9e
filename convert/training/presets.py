"""Recipes by name: what `--recipe` stands for; any option given beside it goes before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OptionValue = float | str | bool


@dataclass(frozen=True, slots=True)
class Preset:
    """A named recipe.

    Attributes:
        summary: what it is for, in one line.
        options: values of the command's options, by name; the others have their defaults.
    """

    summary: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


# What every recipe starts from.
DEFAULTS: Mapping[str, OptionValue] = {
    "epochs": 30,
    "batch_size": 128,
    "learning_rate": 0.1,
    "weight_decay": 5e-3,
    "label_smoothing": 0.1,
    "ema_decay": 0.999,
    "cutout": 0.25,
    "jitter": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "branches": "none",
    "precision": "float32",
    "teacher_weight": 0.5,
    "temperature": 4.0,
    "teacher_views": "live",
}

PRESETS: Mapping[str, Preset] = {
    "quick": Preset("30 epochs: to see whether it works"),
    "long": Preset("100 epochs: most of what there is to gain", {"epochs": 100}),
    "best": Preset("200 epochs: for the last points", {"epochs": 200}),
}


def resolved(recipe: str, given: Mapping[str, OptionValue | None]) -> dict[str, OptionValue]:
    """Return the value of every option of a recipe.

    Args:
        recipe: a name of `PRESETS`.
        given: what the user said; None where nothing was said.
    """
    said = {name: value for name, value in given.items() if value is not None}
    return {**DEFAULTS, **PRESETS[recipe].options, **said}
