"""The arguments of `python -m convert.train`, and what they mean."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from convert.errors import TrainingError
from convert.options import add_folder_options, model_name, positive_integer
from convert.training.augmentation import Augmentation
from convert.training.distillation import Distillation
from convert.training.family import FAMILY, Architecture
from convert.training.mixing import Mixing
from convert.training.pause import DEFAULT_LOCK
from convert.training.presets import DEFAULTS, PRESETS, resolved
from convert.training.recipe import Recipe

DEFAULT_ARCHITECTURE = "minivgg"


def parse_blocks(text: str) -> tuple[tuple[int, ...], ...]:
    """Parse "32,32|64,64" into ((32, 32), (64, 64))."""
    try:
        return tuple(tuple(int(width) for width in block.split(",")) for block in text.split("|"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected widths such as '32,32|64,64', got {text!r}"
        ) from None


def parse_arguments(description: str | None, arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; name and folder default to the model's name."""
    parser = build_parser(description)
    options = parser.parse_args(arguments)
    if options.teacher is None:
        for name in ("teacher_weight", "temperature", "teacher_views"):
            if getattr(options, name) is not None:
                parser.error(f"--{name.replace('_', '-')} needs --teacher")
    options.name = options.name or options.model
    options.out = options.out or Path("runs") / options.name
    return options


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Build the parser; what has no default here gets it from the model and the recipe."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.train",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="CIFAR-10 (binary) or image folder")
    add("-o", "--out", type=Path, help="folder of the run; default: runs/NAME")
    add("--name", type=model_name, help="name of the model; default: that of --model")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--force", action="store_true", help="overwrite the results in --out")
    add("--quiet", action="store_true", help="print nothing but errors")
    add(
        "--lock",
        type=Path,
        default=DEFAULT_LOCK,
        metavar="FILE",
        help="wait between steps while it exists (%(default)s)",
    )
    add(
        "--train-count",
        type=positive_integer,
        metavar="N",
        help="train on N pictures only, evenly from the classes: to compare recipes fast",
    )
    add_folder_options(parser)
    _add_model(parser.add_argument_group("model"))
    _add_recipe(parser.add_argument_group("recipe"))
    _add_teacher(parser.add_argument_group("teacher"))
    return parser


def _add_model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--model",
        choices=tuple(FAMILY),
        default=DEFAULT_ARCHITECTURE,
        help="architecture, which the following options change (%(default)s)",
    )
    widths = "channels of the 3x3 convolutions, block by block, such as 32,32|64,64"
    add("--blocks", type=parse_blocks, metavar="WIDTHS", help=widths)
    add("--head", choices=("dense", "gap"), help="last layers")
    add("--dense-units", type=int, help="units of the dense head")
    add(
        "--order",
        choices=("conv-bn-relu", "conv-relu-bn"),
        help="conv-bn-relu folds into one integer op and is the default, conv-relu-bn is the "
        "textbook's",
    )
    add("--block-dropout", type=float, help="behind each block")
    add("--head-dropout", type=float, help="before the last layer")
    add("--size", type=positive_integer, default=32, help="input side in pixels (%(default)s)")
    add(
        "--crop",
        choices=("none", "center"),
        default="none",
        help="center: cut to the input's aspect ratio instead of squeezing (%(default)s)",
    )


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    named = "; ".join(f"{name}: {preset.summary}" for name, preset in PRESETS.items())
    add("--recipe", choices=tuple(PRESETS), default="quick", help=f"{named} (%(default)s)")

    def option(flag: str, text: str, **more: Any) -> None:
        default = DEFAULTS[flag.removeprefix("--").replace("-", "_")]
        add(
            flag,
            type=type(default),
            help=f"{text} ({default} where the recipe says nothing)",
            **more,
        )

    option("--epochs", "passes over the pictures")
    option("--batch-size", "pictures per step")
    option("--learning-rate", "peak of the schedule")
    option("--weight-decay", "decoupled, kernels only")
    option("--label-smoothing", "share spread over all")
    option("--ema-decay", "of the weight average")
    add("--no-flip", action="store_true", help="never mirror (digits, letters, left and right)")
    option("--cutout", "side of the cutout, 0-1")
    option("--jitter", "random change of brightness and contrast, 0-1")
    option("--mixup", "alpha of mixup; 0: none")
    option("--cutmix", "alpha of CutMix; 0: none")
    option("--branches", "rep: train with branches, fused at the end", choices=("none", "rep"))
    option(
        "--precision",
        "of the steps; bfloat16 is faster where the CPU has it",
        choices=("float32", "bfloat16"),
    )
    add("--seed", type=int, default=1, help="of everything random (%(default)s)")


def _add_teacher(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--teacher", type=Path, metavar="FILE", help="a .keras model of the same classes")
    add("--teacher-weight", type=float, help=f"in the loss, 0-1 ({DEFAULTS['teacher_weight']})")
    add("--temperature", type=float, help=f"of both models' answers ({DEFAULTS['temperature']})")
    add(
        "--teacher-views",
        choices=("live", "cached"),
        help="live: it answers every batch; cached: each picture and its mirror image once "
        f"({DEFAULTS['teacher_views']})",
    )


def recipe_of(options: argparse.Namespace, *, teacher_sha256: str | None = None) -> Recipe:
    """Collect the recipe.

    Args:
        options: what `parse_arguments` returned.
        teacher_sha256: of the teacher's file; None without a teacher.

    Raises:
        TrainingError: a value is out of its range.
    """
    value: dict[str, Any] = resolved(
        options.recipe, {name: getattr(options, name) for name in DEFAULTS}
    )
    try:
        distillation = None
        if teacher_sha256 is not None:
            distillation = Distillation(
                teacher_sha256,
                weight=value["teacher_weight"],
                temperature=value["temperature"],
                views=value["teacher_views"],
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
            seed=options.seed,
            augmentation=Augmentation(
                flip=not options.no_flip,
                cutout_fraction=value["cutout"],
                jitter=value["jitter"],
            ),
            mixing=Mixing(mixup=value["mixup"], cutmix=value["cutmix"]),
            branches=value["branches"],
            precision=value["precision"],
            distillation=distillation,
        )
    except ValueError as error:
        raise TrainingError(str(error)) from None


def architecture_of(options: argparse.Namespace) -> Architecture:
    """Return the named architecture with what the options change."""
    names = ("blocks", "head", "dense_units", "order", "block_dropout", "head_dropout")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return replace(FAMILY[options.model], **given, height=options.size, width=options.size)
