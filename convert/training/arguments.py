"""The arguments of `python -m convert.train`, and what they mean."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from convert.errors import TrainingError
from convert.training.augmentation import Augmentation
from convert.training.distillation import Distillation
from convert.training.family import FAMILY, Architecture, fitted
from convert.training.input_size import CIFAR10_SIDE
from convert.training.mixing import Mixing
from convert.training.parser import build_parser
from convert.training.presets import DEFAULTS, resolved
from convert.training.processor import fast_precision
from convert.training.recipe import Recipe


def parse_arguments(description: str | None, arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; name and folder default to the model's name."""
    parser = build_parser(description)
    options = parser.parse_args(arguments)
    if options.teacher is None:
        for name in (
            "teacher_weight",
            "temperature",
            "teacher_views",
            "teacher_rounds",
            "teacher_sees",
        ):
            if getattr(options, name) is not None:
                parser.error(f"--{name.replace('_', '-')} needs --teacher")
    if options.teacher_rounds is not None and options.teacher_views != "repeated":
        parser.error("--teacher-rounds needs --teacher-views repeated")
    if options.teacher_sees is not None and options.teacher_views == "cached":
        parser.error("--teacher-sees needs --teacher-views live or repeated")
    if options.mix_probability is not None and not (options.mixup or options.cutmix):
        parser.error("--mix-probability needs --mixup or --cutmix")
    if options.clear_share is not None and not options.clear_epochs:
        parser.error("--clear-share needs --clear-epochs")
    options.name = options.name or options.model
    options.out = options.out or Path("runs") / options.name
    return options


def option_values(
    options: argparse.Namespace, *, folder_count: int | None = None
) -> dict[str, Any]:
    """Return the value of every option of the recipe, see `presets.resolved`.

    A folder is trained in the precision that this processor is fast at.
    """
    given = {name: getattr(options, name) for name in DEFAULTS}
    if folder_count is not None and options.precision is None:
        given["precision"] = fast_precision()
    return resolved(options.recipe, given, folder_count=folder_count)


def recipe_of(
    options: argparse.Namespace,
    *,
    teacher_sha256: str | None = None,
    folder_count: int | None = None,
    class_weights: tuple[float, ...] = (),
) -> Recipe:
    """Collect the recipe.

    Args:
        options: what `parse_arguments` returned.
        teacher_sha256: of the teacher's file; None without a teacher.
        folder_count: pictures to train on in a folder of images; None for CIFAR-10.
        class_weights: by the pictures; not taken where the options say so.

    Raises:
        TrainingError: a value is out of its range, or an option makes no difference.
    """
    value = option_values(options, folder_count=folder_count)
    try:
        augmentation = Augmentation(
            flip=value["flip"],
            cutout_fraction=value["cutout"],
            jitter=value["jitter"],
            rotate_deg=value["rotate"],
            zoom=value["zoom"],
            blur=value["blur"],
        )
        distillation = None
        # Where both come to the same the recipe says "same", as that of a run from before did.
        differs = augmentation.changes_light_or_focus and value["teacher_views"] != "cached"
        if options.teacher_sees is not None and not differs:
            raise TrainingError("--teacher-sees needs --jitter or --blur: both see the same")
        changes = augmentation.changes_light_or_focus or value["mixup"] or value["cutmix"]
        if value["clear_epochs"] and not changes:
            raise TrainingError(
                "--clear-epochs needs --mixup, --cutmix, --jitter or --blur: all epochs are clear"
            )
        if teacher_sha256 is not None:
            distillation = Distillation(
                teacher_sha256,
                weight=value["teacher_weight"],
                temperature=value["temperature"],
                views=value["teacher_views"],
                rounds=value["teacher_rounds"],
                sees=value["teacher_sees"] if differs else "same",
            )
        return Recipe(
            epochs=value["epochs"],
            batch_size=value["batch_size"],
            learning_rate=value["learning_rate"],
            # One epoch, less where a run has only a few.
            warmup_epochs=min(1.0, value["epochs"] / 4),
            weight_decay=value["weight_decay"],
            label_smoothing=value["label_smoothing"],
            ema_decay=value["ema_decay"],
            normalization_momentum=value["normalization_momentum"],
            seed=options.seed,
            augmentation=augmentation,
            mixing=Mixing(value["mixup"], value["cutmix"], value["mix_probability"]),
            clear_epochs=value["clear_epochs"],
            clear_share=value["clear_share"],
            branches=value["branches"],
            precision=value["precision"],
            progressive=value["progressive"],
            distillation=distillation,
            patience=value["patience"],
            class_weights=class_weights if value["class_weights"] == "auto" else (),
        )
    except ValueError as error:
        raise TrainingError(str(error)) from None


def architecture_of(options: argparse.Namespace, side: int | None = None) -> Architecture:
    """Return the named architecture with what the options change.

    Args:
        options: what `parse_arguments` returned.
        side: of the input in pixels; None: as the options say, or CIFAR-10's.

    Raises:
        TrainingError: an option has no place in it.
    """
    side = side or options.size or CIFAR10_SIDE
    names = ("blocks", "head", "dense_units", "order", "block_dropout", "head_dropout")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    named = FAMILY[options.model]
    # Blocks that are given are meant as they are.
    base = named if options.blocks is not None else fitted(named, side)
    architecture = replace(base, **given, height=side, width=side)
    if options.dense_units is not None and architecture.head != "dense":
        raise TrainingError(
            f"--dense-units needs a dense head, which {options.model} has not at {side} pixels: "
            "add --head dense"
        )
    return architecture
