"""The batches of an epoch: shuffled and varied by a generator that belongs to (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.training.augmentation import Augmentation

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Full batches in `count` pictures; one, smaller, when they fill none."""
    return max(1, count // batch_size)


def training_batches(
    pictures: PictureSet, *, batch_size: int, augmentation: Augmentation, seed: int, epoch: int
) -> Iterator[Batch]:
    """Yield the batches of one epoch.

    The order and the variations depend on `seed` and `epoch` alone, so a run that resumes at an
    epoch sees what the uninterrupted run saw. The pictures that do not fill a last batch are left
    out; another shuffle leaves out others. One thread prepares the next batch meanwhile, in plain
    numpy: `fit` fed by tf.data's autotuner idles after the last batch until a timer ticks.

    Yields:
        Images uint8 (batch, height, width, 3), RGB, 0-255, and labels int64 (batch,).
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(pictures))
    steps = steps_per_epoch(len(pictures), batch_size)

    def batch(step: int) -> Batch:
        chosen = order[step * batch_size : (step + 1) * batch_size]
        return augmentation.apply(pictures.images[chosen], generator), pictures.labels[chosen]

    # One worker: the generator's draws must happen in the order of the steps.
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(batch, 0)
        for step in range(1, steps):
            ready = upcoming.result()
            upcoming = pool.submit(batch, step)
            yield ready
        yield upcoming.result()
