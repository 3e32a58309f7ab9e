"""The training loop: epochs of steps, the averaged weights judged on validation pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import TrainingError
from convert.training.averaging import WeightAverage, averaging_decay
from convert.training.batches import steps_per_epoch, training_batches
from convert.training.checkpoint import Checkpoint, check_fingerprint, load_checkpoint
from convert.training.recipe import Recipe
from convert.training.step import build_optimizer, traced_step

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run tells while it works: `record` is filled at the end of each epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    record: dict[str, float] | None = None


class Trainer:
    """One run: a model, its optimizer and average, and the epochs done so far."""

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        train: PictureSet,
        validation: PictureSet,
        *,
        folder: Path,
        fingerprint: dict[str, object],
    ) -> None:
        import keras

        self.recipe, self.train, self.validation = recipe, train, validation
        self.folder = folder
        self.fingerprint = {**fingerprint, "recipe": asdict(recipe)}
        self.history: list[dict[str, float]] = []
        self.model = model
        # Evaluates the average, and is what the run hands out at its end.
        self.averaged_model = keras.models.clone_model(model)
        self._average = WeightAverage(model)
        self._optimizer = build_optimizer(model, recipe)
        self._steps = steps_per_epoch(len(train), recipe.batch_size)
        self._schedule = recipe.schedule(self._steps)
        self._step_function = traced_step(model, self._optimizer, self._average, recipe)

    @property
    def epochs_done(self) -> int:
        """Finished epochs."""
        return len(self.history)

    def resume(self) -> bool:
        """Take up the checkpoint of the run's folder; False when there is none.

        Raises:
            TrainingError: it is damaged or belongs to a run that was started differently.
        """
        saved = load_checkpoint(self.folder)
        if saved is None:
            return False
        check_fingerprint(self.folder, saved.fingerprint, self.fingerprint)
        variables = self._variables()
        if len(saved.arrays) != len(variables):
            raise TrainingError(
                f"{self.folder}: expected a checkpoint of {len(variables)} variables, "
                f"got {len(saved.arrays)}"
            )
        for variable, array in zip(variables, saved.arrays, strict=True):
            variable.assign(array)
        self.history = saved.history
        return True

    def run(self, report: Callable[[Progress], None]) -> keras.Model:
        """Train to the last epoch, saving a checkpoint after each; return the averaged model."""
        for epoch in range(self.epochs_done, self.recipe.epochs):
            self._run_epoch(epoch, report)
        self._average.copy_to(self.averaged_model.weights)
        return self.averaged_model

    def _run_epoch(self, epoch: int, report: Callable[[Progress], None]) -> None:
        import tensorflow as tf

        recipe = self.recipe
        batches = training_batches(
            self.train,
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation,
            seed=recipe.seed,
            epoch=epoch,
        )
        started = time.perf_counter()
        losses, correct, seen = 0.0, 0, 0
        rate = 0.0
        for index, (images, labels) in enumerate(batches):
            step = epoch * self._steps + index
            rate = self._schedule.at(step)
            decay = averaging_decay(step, recipe.ema_decay)
            loss, hits = self._step_function(
                tf.constant(images),
                tf.constant(labels),
                tf.constant(rate, tf.float32),
                tf.constant(decay, tf.float32),
            )
            losses, correct, seen = losses + float(loss), correct + int(hits), seen + len(labels)
            report(Progress(epoch, recipe.epochs, index + 1, self._steps, float(loss)))
        if not np.isfinite(losses):
            raise TrainingError(
                f"epoch {epoch + 1}: the loss is {losses}: lower the learning rate "
                f"({recipe.learning_rate})"
            )
        trained = time.perf_counter()
        self._average.copy_to(self.averaged_model.weights)
        scores = predict(self.averaged_model, self.validation.images)
        record = {
            "epoch": epoch + 1,
            "learning_rate": rate,
            "train_loss": losses / self._steps,
            "train_accuracy": correct / seen,
            "validation_loss": cross_entropy(scores, self.validation.labels),
            "validation_accuracy": float(np.mean(scores.argmax(1) == self.validation.labels)),
            "train_s": round(trained - started, 3),
            "validation_s": round(time.perf_counter() - trained, 3),
        }
        self.history.append(record)
        arrays = [variable.numpy() for variable in self._variables()]
        Checkpoint(self.fingerprint, self.epochs_done, self.history, arrays).save(self.folder)
        report(Progress(epoch, recipe.epochs, self._steps, self._steps, losses, record))

    def _variables(self) -> list[object]:
        """Every variable that a step reads or writes, the dropout generators' states included."""
        return [
            *(variable.value for variable in self.model.variables),
            *(variable.value for variable in self._optimizer.variables),
            *self._average.variables,
        ]


def predict(
    model: keras.Model, images: NDArray[np.uint8], *, batch_size: int = 500
) -> NDArray[np.float32]:
    """Scores of `images` (uint8 (n, height, width, 3)) as float32 (n, classes)."""
    parts = [
        np.asarray(model(images[start : start + batch_size].astype(np.float32), training=False))
        for start in range(0, len(images), batch_size)
    ]
    return np.concatenate(parts)


def cross_entropy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean of -ln(score of the true class); scores below 1e-7 count as 1e-7, Keras's bound."""
    chosen = scores[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-7)).mean())
