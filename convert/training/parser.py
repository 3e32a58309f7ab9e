"""The parser of `python -m convert.train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from convert.options import (
    add_folder_options,
    model_name,
    non_negative_integer,
    positive_integer,
)
from convert.training.distillation import SEES, VIEWS
from convert.training.family import FAMILY
from convert.training.input_size import LARGEST_SIDE
from convert.training.pause import DEFAULT_LOCK
from convert.training.presets import DEFAULTS, PRESETS, default_text

DEFAULT_ARCHITECTURE = "minivgg"


def parse_size(text: str) -> int | None:
    """Parse a side in pixels; None stands for "auto"."""
    if text == "auto":
        return None
    side = positive_integer(text)
    if side > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(
            f"expected auto or a side of at most {LARGEST_SIDE} pixels, got {text!r}"
        )
    return side


def parse_blocks(text: str) -> tuple[tuple[int, ...], ...]:
    """Parse "32,32|64,64" into ((32, 32), (64, 64))."""
    try:
        return tuple(tuple(int(width) for width in block.split(",")) for block in text.split("|"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected widths such as '32,32|64,64', got {text!r}"
        ) from None


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
        help="wait between steps while this file exists (default: %(default)s)",
    )
    add(
        "--train-count",
        type=positive_integer,
        metavar="N",
        help="train on N pictures only, evenly from the classes: to compare recipes fast",
    )
    add_folder_options(parser)
    parser.add_argument(
        "--group-by",
        metavar="looks|none|REGEX",
        help="pictures that stay in one part of a new split: those that look alike or were taken "
        "in series (looks, the default), copies only (none), or those with the same text in "
        "their path where the expression's groups match; a split that exists keeps its own, and "
        "another is refused",
    )
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
        help="architecture, which the following options change (default: %(default)s)",
    )
    widths = "channels of the 3x3 convolutions, block by block, such as 32,32|64,64"
    add("--blocks", type=parse_blocks, metavar="WIDTHS", help=widths)
    add(
        "--head",
        choices=("dense", "gap"),
        help="last layers: a hidden dense layer, or the mean over all places (gap)",
    )
    add("--dense-units", type=int, help="units of the dense head's hidden layer")
    add(
        "--order",
        choices=("conv-bn-relu", "conv-relu-bn"),
        help="conv-bn-relu folds into one integer op and is the default, conv-relu-bn is the "
        "textbook's",
    )
    add(
        "--block-dropout",
        type=float,
        help="share dropped behind each block while training, 0-1, 1 excluded",
    )
    add(
        "--head-dropout",
        type=float,
        help="share dropped before the last layer while training, 0-1, 1 excluded",
    )
    add(
        "--size",
        type=parse_size,
        metavar="auto|N",
        help="input side in pixels; auto, the default: 32 for CIFAR-10, else by how large and how "
        "many the pictures are. Without --blocks, blocks are added until they fit",
    )
    add(
        "--crop",
        choices=("none", "center"),
        default="none",
        help="center: cut to the input's aspect ratio instead of squeezing (default: %(default)s)",
    )


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    named = "; ".join(f"{name}: {preset.summary}" for name, preset in PRESETS.items())
    add("--recipe", choices=tuple(PRESETS), default="quick", help=f"{named} (default: %(default)s)")

    def option(flag: str, text: str, *, kind: Any = None, **more: Any) -> None:
        name = flag.removeprefix("--").replace("-", "_")
        default = DEFAULTS[name]
        add(flag, type=kind or type(default), help=f"{text} ({default_text(name)})", **more)

    option("--epochs", "passes over the pictures")
    option("--batch-size", "pictures per step")
    option("--learning-rate", "peak of the schedule")
    option("--weight-decay", "decoupled weight decay, of kernels only")
    option("--label-smoothing", "share of the target that is spread over all classes")
    option("--ema-decay", "decay per step of the weight average that is saved")
    option("--normalization-momentum", "momentum of the moving statistics per step, 0-1")
    add(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="mirror every second picture; not for digits, letters, left and right "
        "(default: --flip)",
    )
    option("--cutout", "side of the square that is blacked out, as a share of the picture's, 0-1")
    option("--jitter", "random change of brightness and contrast, 0-1")
    option("--blur", "blur half of the pictures with a radius of up to so many pixels")
    option("--rotate", "turn by up to so many degrees either way")
    option("--zoom", "make larger or smaller by a factor of up to 1 + ZOOM, 0-1")
    option("--mixup", "alpha of mixup; 0: none")
    option("--cutmix", "alpha of CutMix; 0: none")
    option("--mix-probability", "share of the batches that mixup or CutMix mix")
    option(
        "--clear-epochs",
        "of the last epochs, how many see pictures that are not mixed, blurred or in another light",
        kind=non_negative_integer,
        metavar="N",
    )
    option(
        "--clear-share",
        "how much of what the clear epochs change in the averaged weights is kept, above 0, up "
        "to 1",
    )
    option("--branches", "rep: train with branches, fused at the end", choices=("none", "rep"))
    option(
        "--precision",
        "of the steps; bfloat16 is faster where the CPU has instructions for it",
        choices=("float32", "bfloat16"),
    )
    option(
        "--progressive",
        "share of the epochs, from the first on, that see pictures of 3/4 the side; pooled heads "
        "only",
    )
    option(
        "--class-weights",
        "auto: rare classes count more where the largest has over 1.5 times the pictures of the "
        "smallest",
        choices=("auto", "none"),
    )
    option(
        "--patience",
        "stop after so many epochs without less loss on validation pictures, keep the best; 0: off",
        kind=non_negative_integer,
        metavar="EPOCHS",
    )
    option(
        "--init",
        "start from the weights of: none, published (of the models in models/, trained on "
        "CIFAR-10, the one that fits best), or a .keras file; one of other classes gives its "
        "convolutions only",
        metavar="none|published|FILE",
    )
    add(
        "--init-share",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="how much of what the run changes in the weights of --init FILE is kept in the model "
        "that is saved, above 0, up to 1; all layers of FILE must be taken over (default: 1)",
    )
    add("--seed", type=int, default=1, help="seed of everything random (default: %(default)s)")


def _add_teacher(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--teacher",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=".keras model of the same classes; of several files, the mean of their scores",
    )
    add(
        "--teacher-weight",
        type=float,
        help=f"its share of the loss, 0-1 ({default_text('teacher_weight')})",
    )
    add(
        "--temperature", type=float, help=f"of both models' answers ({default_text('temperature')})"
    )
    add(
        "--teacher-views",
        choices=VIEWS,
        help="live: it answers every batch; repeated: the batches of --teacher-rounds epochs, "
        "which are met again; cached: each picture and its mirror image once "
        f"({default_text('teacher_views')})",
    )
    add(
        "--teacher-sees",
        choices=SEES,
        help="clear: the student's crops and mixtures without --jitter and --blur; same: exactly "
        f"the student's pictures ({default_text('teacher_sees')})",
    )
    add(
        "--teacher-rounds",
        type=positive_integer,
        metavar="N",
        help="epochs whose batches are met again, with repeated views "
        f"({default_text('teacher_rounds')})",
    )
