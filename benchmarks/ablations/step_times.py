"""Measure how long a training step takes, by model and option, and what the recipes take by that.

All options of a model in turns in one process, so that they share the weather, on random pictures,
while other trainings wait; what else disturbed them is said below the table. The result goes to
NAME.json in --out, from which `python -m benchmarks.ablations.document` makes a section of
docs/training.md.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.ablations.document import PAGE
from benchmarks.ablations.variants import VARIANTS
from benchmarks.models import PUBLISHED
from benchmarks.result import conclude, result_of
from benchmarks.watch import watched
from convert.command import run_command
from convert.data.cifar10 import CLASS_NAMES
from convert.data.pictures import PictureSet
from convert.int8.float_model import load_float_model
from convert.options import positive_integer
from convert.quiet import quiet
from convert.report.tables import Table
from convert.report.text import table
from convert.training.arguments import architecture_of, parse_arguments, recipe_of
from convert.training.batches import steps_per_epoch
from convert.training.family import FAMILY
from convert.training.loop import Trainer
from convert.training.network import Precision
from convert.training.presets import DEFAULTS, PRESETS
from convert.training.processor import fast_precision, prefer_onednn
from convert.training.teacher import Teacher

NAME = "step-times"
MODELS = tuple(name for name in FAMILY if name.startswith("minivgg"))
# The last ones in the precision that the processor is fast at, or the one that is asked for.
PRECISIONS: tuple[str, ...] = get_args(Precision)
TIMED = (*PRECISIONS, "rep", "distill", "rep+distill")
_TRAINED = 45_000  # pictures of CIFAR-10, see docs/training.md
_BATCHES = 16  # of an epoch, which is prepared anew after as many steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    prefer_onednn()
    found = {}
    with quiet():
        import tensorflow as tf

        # It warns of as many traced functions as there are options.
        tf.get_logger().setLevel("ERROR")
        tf.config.experimental.enable_op_determinism()
        tf.keras.utils.set_random_seed(1)
    with tempfile.TemporaryDirectory() as folder, watched() as watch:
        for model in options.models:
            print(f"{model}: {options.steps} steps each", file=sys.stderr, flush=True)
            base = ("--model", model, "--precision", options.precision)
            variants = {name: [*base, *VARIANTS[name].words((options.teacher,))] for name in TIMED}
            with quiet():
                found[model] = step_times(variants, folder=Path(folder), steps=options.steps)
    # Models are told apart by their folders: the file's name is the same in each.
    teacher = options.teacher.resolve().parent.name
    shown = step_table(found, options.precision, teacher=teacher, disturbed=watch.note)
    print(table(shown.columns, shown.rows))
    result = result_of(options.name, ["benchmarks.ablations.step_times", *given], [shown])
    return conclude(result, options.out)


def step_table(
    found: Mapping[str, Mapping[str, Sequence[float]]],
    precision: str,
    *,
    teacher: str,
    disturbed: str = "",
) -> Table:
    """Return the models as rows: the median of a step by option, and hours by recipe.

    Args:
        found: milliseconds of each step, by the option and the model.
        precision: of the options that are none, and of the recipes.
        teacher: the name of the model that answered.
        disturbed: what `Watch.note` says of the machine.
    """
    steps = steps_per_epoch(_TRAINED, int(DEFAULTS["batch_size"]))
    rows = []
    for model, times_ms in found.items():
        medians = {name: statistics.median(values) for name, values in times_ms.items()}
        hours = (
            int(preset.options.get("epochs", DEFAULTS["epochs"]))
            * steps
            * medians[precision]
            / 3_600_000
            for preset in PRESETS.values()
        )
        cells = (*(f"{value:.0f}" for value in medians.values()), *(f"{h:.1f}" for h in hours))
        rows.append((model, *cells))
    columns = ("model", *(f"{name}, ms" for name in TIMED), *(f"{name}, hours" for name in PRESETS))
    note = (
        f"Median of a step on {DEFAULTS['batch_size']} pictures of 32×32; rep and distill in "
        f"{precision}; the teacher is {teacher} and answers live. Hours: of the recipes on "
        f"{_TRAINED:,} pictures with {precision} alone, validation not counted.{disturbed}"
    )
    return Table("Time of a step and of the recipes", columns, tuple(rows), frozenset({0}), note)


def step_times(
    variants: Mapping[str, Sequence[str]], *, folder: Path, steps: int, warmup: int = 3
) -> dict[str, list[float]]:
    """Measure whole steps, the preparation of their batches included, on random pictures.

    Args:
        variants: words for `python -m convert.train` by the variant's name.
        folder: for the cached answers of teachers.
        steps: measured steps of each.
        warmup: steps before.

    Returns:
        The milliseconds of each step by the variant's name.
    """
    runners = {name: _steps(words, folder) for name, words in variants.items()}
    times_ms: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(warmup + steps):
        for name, runner in runners.items():
            started = time.perf_counter()
            next(runner)
            if number >= warmup:
                times_ms[name].append(1000.0 * (time.perf_counter() - started))
    return times_ms


def _steps(words: Sequence[str], folder: Path) -> Iterator[None]:
    options = parse_arguments(None, ["--data", "random", *words])
    architecture = architecture_of(options)
    batch_size = recipe_of(options).batch_size
    pictures = _random_pictures(_BATCHES * batch_size, architecture.height, architecture.width)
    teacher = None
    if options.teacher is not None:
        # Random pictures cannot say how good it is.
        models = tuple(load_float_model(path) for path in options.teacher)
        teacher = Teacher(models, "0" * 64, validation_accuracy=math.nan)
    recipe = recipe_of(options, teacher_sha256=None if teacher is None else teacher.sha256)
    trainer = Trainer(
        architecture.build(classes=pictures.classes, seed=options.seed, name=options.name),
        recipe,
        pictures,
        pictures,
        folder=folder,
        fingerprint={},
        teacher=teacher,
    )
    epoch = 0
    while True:
        for _ in trainer.steps(epoch):
            yield
        epoch += 1


def _random_pictures(count: int, height: int, width: int) -> PictureSet:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return PictureSet(images, np.arange(count) % len(CLASS_NAMES), CLASS_NAMES)


def _models(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in FAMILY]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(FAMILY)}, got {unknown[0]!r}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablations.step_times",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--models", type=_models, default=MODELS, metavar="A,B,...", help=f"({','.join(MODELS)})")
    add("--steps", type=positive_integer, default=30, help="measured of each (%(default)s)")
    add(
        "--precision",
        choices=PRECISIONS,
        default=fast_precision(),
        help="of branches, teacher and recipes; default: what this processor is fast at",
    )
    add("--name", default=NAME, help="of the result (%(default)s)")
    add(
        "--teacher",
        type=Path,
        default=PUBLISHED / "minivgg-small" / "model.keras",
        metavar="FILE",
        help="default: minivgg-small",
    )
    add("--out", type=Path, default=PAGE.stored, metavar="DIR", help="default: the stored results")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
