"""How long a step of each variant takes: in turns in one process, so that all share the weather."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from convert.data.cifar10 import CLASS_NAMES
from convert.data.pictures import PictureSet, Splits
from convert.training.arguments import architecture_of, parse_arguments, recipe_of
from convert.training.loop import Trainer
from convert.training.teacher import load_teacher

_BATCHES = 16  # of an epoch, which is prepared anew after as many steps


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
        teacher = load_teacher(options.teacher, Splits("random", pictures, pictures, None))
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
