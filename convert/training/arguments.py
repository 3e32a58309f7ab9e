"""The arguments of `python -m convert.train`, and what they mean."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.errors import TrainingError
from convert.options import add_folder_options, positive_integer
from convert.training.augmentation import Augmentation
from convert.training.recipe import Recipe


def parse_blocks(text: str) -> tuple[tuple[int, ...], ...]:
    """Parse "32,32|64,64" into ((32, 32), (64, 64))."""
    try:
        return tuple(tuple(int(width) for width in block.split(",")) for block in text.split("|"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected widths such as '32,32|64,64', got {text!r}"
        ) from None


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Build the parser; the defaults are those of the bundled model."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.train",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="CIFAR-10 (binary) or image folder"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("runs/minivgg"),
        help="folder of the run (%(default)s)",
    )
    parser.add_argument("--name", default="minivgg", help="name of the model (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--force", action="store_true", help="overwrite the results in --out")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_folder_options(parser)
    _add_model(parser.add_argument_group("model"))
    _add_recipe(parser.add_argument_group("recipe"))
    return parser


def _add_model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    widths = "channels of the 3x3 convolutions, block by block (%(default)s)"
    add("--blocks", type=parse_blocks, default="32,32|64,64", metavar="WIDTHS", help=widths)
    add("--head", choices=("dense", "gap"), default="dense", help="last layers (%(default)s)")
    add("--dense-units", type=int, default=512, help="units of the dense head (%(default)s)")
    add(
        "--order",
        choices=("conv-bn-relu", "conv-relu-bn"),
        default="conv-bn-relu",
        help="conv-bn-relu folds into one integer op, conv-relu-bn is the textbook's (%(default)s)",
    )
    add("--block-dropout", type=float, default=0.0, help="behind each block (%(default)s)")
    add("--head-dropout", type=float, default=0.3, help="before the last layer (%(default)s)")
    add("--size", type=positive_integer, default=32, help="input side in pixels (%(default)s)")
    add(
        "--crop",
        choices=("none", "center"),
        default="none",
        help="center: cut to the input's aspect ratio instead of squeezing (%(default)s)",
    )


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--epochs", type=int, default=30, help="passes over the pictures (%(default)s)")
    add("--batch-size", type=int, default=128, help="pictures per step (%(default)s)")
    add("--learning-rate", type=float, default=0.1, help="peak of the schedule (%(default)s)")
    add("--weight-decay", type=float, default=5e-3, help="decoupled, kernels only (%(default)s)")
    add("--label-smoothing", type=float, default=0.1, help="share spread over all (%(default)s)")
    add("--ema-decay", type=float, default=0.999, help="of the weight average (%(default)s)")
    add("--no-flip", action="store_true", help="never mirror (digits, letters, left and right)")
    add("--cutout", type=float, default=0.25, help="side of the cutout, 0-1 (%(default)s)")
    add("--seed", type=int, default=1, help="of everything random (%(default)s)")


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Collect the recipe.

    Raises:
        TrainingError: a value is out of its range.
    """
    try:
        return Recipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            # One epoch, less where a run has only a few.
            warmup_epochs=min(1.0, options.epochs / 4),
            weight_decay=options.weight_decay,
            label_smoothing=options.label_smoothing,
            ema_decay=options.ema_decay,
            seed=options.seed,
            augmentation=Augmentation(flip=not options.no_flip, cutout_fraction=options.cutout),
        )
    except ValueError as error:
        raise TrainingError(str(error)) from None


def architecture_of(options: argparse.Namespace) -> dict[str, object]:
    """Collect what `build_minivgg` needs beside the classes, the seed and the name."""
    return {
        "blocks": [list(widths) for widths in options.blocks],
        "head": options.head,
        "dense_units": options.dense_units,
        "order": options.order,
        "block_dropout": options.block_dropout,
        "head_dropout": options.head_dropout,
        "height": options.size,
        "width": options.size,
    }
