"""Recipes by name: what `--recipe` stands for; any option given beside it goes before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

OptionValue = float | str | bool


@dataclass(frozen=True, slots=True)
class Preset:
    """A named recipe.

    Attributes:
        summary: what it is for, in one line.
        options: values of the command's options, by name; the others have their defaults.
        folder_epochs: passes over a folder of images.
        folder_steps: a small folder is passed over more often, until there are so many steps.
    """

    summary: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    folder_epochs: int = 30
    folder_steps: int = 400


# What every recipe starts from.
DEFAULTS: Mapping[str, OptionValue] = {
    "epochs": 30,
    "batch_size": 128,
    "learning_rate": 0.1,
    "weight_decay": 5e-3,
    "label_smoothing": 0.1,
    "ema_decay": 0.999,
    "normalization_momentum": 0.99,
    "flip": True,
    "cutout": 0.25,
    "jitter": 0.0,
    "blur": 0.0,
    "rotate": 0.0,
    "zoom": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "mix_probability": 1.0,
    "clear_epochs": 0,
    "clear_share": 1.0,
    "branches": "none",
    "precision": "float32",
    "progressive": 0.0,
    "class_weights": "auto",
    "patience": 0,
    "init": "none",
    "teacher_weight": 0.5,
    "temperature": 4.0,
    "teacher_views": "live",
    "teacher_rounds": 16,
    "teacher_sees": "clear",
}

PRESETS: Mapping[str, Preset] = {
    "quick": Preset("30 epochs: to see whether it works", {}, 30, 400),
    "long": Preset("100 epochs: half the time of best", {"epochs": 100}, 50, 1000),
    "best": Preset("200 epochs: for the last points", {"epochs": 200}, 80, 2000),
}

# A person's photos are hundreds, not tens of thousands, and taken by hand: what is turned, nearer,
# darker or out of focus in a new one should have been so in training. An epoch has few steps:
# statistics that follow within ten of them keep up with the weights, and the first layers need not
# be learnt anew.
FOLDER_OPTIONS: Mapping[str, OptionValue] = {
    "jitter": 0.5,
    "blur": 1.0,
    "rotate": 15.0,
    "zoom": 0.15,
    "normalization_momentum": 0.9,
    "init": "published",
}
# What follows from the pictures of a folder, or from the machine, in words.
_FOLDER_TEXTS: Mapping[str, str] = {
    "epochs": "by their number, at least 30, 50 or 80",
    "batch_size": "by their number, 16 to 128",
    "learning_rate": "in proportion to the batch",
    "patience": "a quarter of the epochs, at least 10",
    "precision": "bfloat16 where the CPU has it",
}
_FEWEST_STEPS = 16  # of an epoch, unless the batches would get smaller than these
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 128
_FEWEST_PATIENT_EPOCHS = 10


def resolved(
    recipe: str,
    given: Mapping[str, OptionValue | None],
    *,
    folder_count: int | None = None,
) -> dict[str, OptionValue]:
    """Return the value of every option of a recipe.

    For a folder of images, batch and epochs follow from the number of pictures: the largest power
    of two with at least 16 steps an epoch, 16 to 128, and as many more epochs as make up the
    preset's steps. The learning rate is proportional to the batch (Goyal et al. 2017,
    arXiv:1706.02677), and the run stops when a quarter of its epochs brought nothing.

    Args:
        recipe: a name of `PRESETS`.
        given: what the user said; None where nothing was said.
        folder_count: pictures to train on in a folder of images; None for CIFAR-10.
    """
    said = {name: value for name, value in given.items() if value is not None}
    preset = PRESETS[recipe]
    if folder_count is None:
        return {**DEFAULTS, **preset.options, **said}
    values = {**DEFAULTS, **FOLDER_OPTIONS, "batch_size": folder_batch(folder_count), **said}
    batch = max(1, int(values["batch_size"]))  # a wrong one is refused with the recipe
    if "learning_rate" not in said:
        values["learning_rate"] = float(DEFAULTS["learning_rate"]) * batch / _LARGEST_BATCH
    if "epochs" not in said:
        steps = max(1, folder_count // batch)
        values["epochs"] = max(preset.folder_epochs, math.ceil(preset.folder_steps / steps))
    if "patience" not in said:
        values["patience"] = max(_FEWEST_PATIENT_EPOCHS, math.ceil(int(values["epochs"]) / 4))
    return values


def default_text(name: str) -> str:
    """Say what an option is that nobody gives, for its help."""
    default = "that of --recipe" if name == "epochs" else DEFAULTS[name]
    of_a_folder = FOLDER_OPTIONS.get(name) or _FOLDER_TEXTS.get(name)
    return f"default: {default}" + (
        f"; for a folder of images: {of_a_folder}" if of_a_folder else ""
    )


def folder_batch(count: int) -> int:
    """The batch for a folder with `count` pictures to train on, see `resolved`."""
    power = 2 ** max(0, int(math.log2(max(1, count / _FEWEST_STEPS))))
    return min(max(power, _SMALLEST_BATCH), _LARGEST_BATCH)
