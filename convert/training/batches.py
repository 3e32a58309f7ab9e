"""The batches of an epoch: shuffled and varied by a generator that belongs to (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.training.augmentation import Augmentation
from convert.training.distillation import CachedAnswers
from convert.training.mixing import Mixing


@dataclass(frozen=True, slots=True)
class Batch:
    """What a step gets.

    Attributes:
        images: uint8 (n, height, width, 3), RGB, 0-255.
        shown: what a teacher is shown instead: the same without blur and change of light where that
            was asked for and makes a difference, else `images` itself.
        targets: float32 (n, classes), each row a distribution over the classes.
        teacher: float32 (n, classes), the teacher's cached answers, softened; None without them.
    """

    images: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    targets: NDArray[np.float32]
    teacher: NDArray[np.float32] | None = None


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Full batches in `count` pictures; one, smaller, when they fill none."""
    return max(1, count // batch_size)


def training_batches(
    pictures: PictureSet,
    *,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int,
    mixing: Mixing | None = None,
    teacher: CachedAnswers | None = None,
    clear: bool = False,
) -> Iterator[Batch]:
    """Yield the batches of one epoch.

    The order and the variations depend on `seed` and `epoch` alone, so a run that resumes at an
    epoch sees what the uninterrupted run saw. The pictures that do not fill a last batch are left
    out; another shuffle leaves out others. One thread prepares the next batch meanwhile, in plain
    numpy: `fit` fed by tf.data's autotuner idles after the last batch until a timer ticks.

    Args:
        pictures: what to train on.
        batch_size: pictures per batch.
        augmentation: how each picture is varied.
        seed: of the run.
        epoch: counted from 0.
        mixing: whether pictures are mixed with others of their batch; None: they are not.
        teacher: answers to the pictures; each gets those that fit its flip.
        clear: whether to show a teacher the pictures without blur and change of light.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(pictures))
    steps = steps_per_epoch(len(pictures), batch_size)
    one_hot = np.eye(pictures.classes, dtype=np.float32)
    mixing = mixing or Mixing()

    def batch(step: int) -> Batch:
        chosen = order[step * batch_size : (step + 1) * batch_size]
        varied = augmentation.apply(pictures.images[chosen], generator, clear=clear)
        targets = one_hot[pictures.labels[chosen]]
        answers = None if teacher is None else teacher.softened(chosen, varied.mirrored)
        count, height, width, _ = varied.images.shape
        mix = mixing.draw(count, height, width, generator)
        if mix is None:
            shown = varied.images if varied.clear is None else varied.clear
            return Batch(varied.images, shown, targets, answers)
        mixed = mix.pictures(varied.images)
        return Batch(
            mixed,
            mixed if varied.clear is None else mix.pictures(varied.clear),
            mix.targets(targets),
            None if answers is None else mix.targets(answers),
        )

    # One worker: the generator's draws must happen in the order of the steps.
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(batch, 0)
        for step in range(1, steps):
            ready = upcoming.result()
            upcoming = pool.submit(batch, step)
            yield ready
        yield upcoming.result()
