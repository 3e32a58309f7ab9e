"""The training loop: epochs of steps, the averaged weights judged on validation pictures."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import CheckpointError, TrainingError
from convert.training.averaging import WeightAverage, averaging_decay, between
from convert.training.batches import steps_per_epoch, training_batches
from convert.training.checkpoint import (
    FORMAT,
    Checkpoint,
    check_fingerprint,
    load_checkpoint,
    with_later_options,
)
from convert.training.distillation import CachedAnswers, softened_logits
from convert.training.kept import KeptModel, cross_entropy, predict
from convert.training.network import Weights, set_momentum
from convert.training.patience import best_epoch, out_of_patience
from convert.training.progress import Progress, StepResult
from convert.training.recipe import Recipe
from convert.training.repeated import RepeatedAnswers, order_digest
from convert.training.step import build_optimizer, traced_step
from convert.training.teacher import Teacher, answering, cached_answers, fast_teacher

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


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
        teacher: Teacher | None = None,
        init_share: float = 1.0,
        wait: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Prepare a run.

        Args:
            model: what `build_minivgg` returned.
            recipe: how it is trained.
            train: the pictures to train on.
            validation: the pictures to judge each epoch by.
            folder: for checkpoints and the teacher's answers.
            fingerprint: what else the result depends on, as JSON values.
            teacher: the recipe's, if it has one.
            init_share: how far the weights that are kept in the end lie on the way from those of
                `model`, 0, to those that the run came to, 1; see `training.averaging.between`.
                Steps and what epochs are judged by do not depend on it, so it is no part of the
                fingerprint: a run may be resumed with another.
            wait: called before each step; returns the seconds it waited, which are not counted.

        Raises:
            TrainingError: the model and the recipe do not fit, or cached answers are damaged.
        """
        if recipe.class_weights and len(recipe.class_weights) != train.classes:
            raise TrainingError(
                f"expected a weight for each of {train.classes} classes, "
                f"got {len(recipe.class_weights)}"
            )
        if init_share < 1.0 and recipe.branches != "none":
            # A kernel and its normalization's factor are multiplied when branches are fused: what
            # is saved would not lie on the straight way.
            raise TrainingError("--init-share needs --branches none")
        self.recipe, self.train, self.validation = recipe, train, validation
        self.folder = folder
        self.fingerprint = {**fingerprint, "recipe": recipe.to_json()}
        self.history: list[dict[str, float]] = []
        set_momentum(model, recipe.normalization_momentum)
        self._kept = KeptModel(
            model,
            branches=recipe.branches,
            precision=recipe.precision,
            any_size=recipe.small_epochs > 0,
        )
        self._trained = self._kept.trained
        self._wait = wait
        self._steps = steps_per_epoch(len(train), recipe.batch_size)
        self._answers, self._repeated, live = self._teaching(teacher)
        self._average = WeightAverage(self._trained)
        self._optimizer = build_optimizer(self._trained, recipe)
        self._schedule = recipe.schedule(self._steps)
        self._init_share = init_share
        self._initial = self._average.values() if init_share < 1.0 else None
        # With patience: what the epoch with the least validation loss was judged by.
        self._best: Weights | None = None
        # With a clear share: the average that the clear epochs began with.
        self._before_clear: Weights | None = None
        # Traced when they are first called: one for smaller pictures, one for whole ones.
        self._step_functions = {
            small: traced_step(
                self._trained, self._optimizer, self._average, recipe, teacher=live, small=small
            )
            for small in (False, True)
        }

    @property
    def epochs_done(self) -> int:
        """Finished epochs."""
        return len(self.history)

    @property
    def kept_epoch(self) -> int:
        """The epoch (from 1) behind which weights are kept, as far as the run has come."""
        if not self.recipe.patience:
            return self.epochs_done
        return best_epoch(self.history, small_epochs=self.recipe.small_epochs)

    def resume(self) -> bool:
        """Take up the checkpoint of the run's folder; False when there is none.

        Raises:
            CheckpointError: it is damaged or belongs to a run that was started differently.
        """
        saved = load_checkpoint(self.folder)
        if saved is None:
            return False
        check_fingerprint(self.folder, with_later_options(saved.fingerprint), self.fingerprint)
        variables = self._variables()
        is_between = self._is_between(saved.epochs_done)
        paths = list(self._average.values())
        expected = len(variables) + len(paths) * (bool(self.recipe.patience) + is_between)
        if len(saved.arrays) != expected:
            raise CheckpointError(
                f"{self.folder}: expected a checkpoint of {expected} variables, "
                f"got {len(saved.arrays)}"
            )
        arrays = iter(saved.arrays)
        for variable in variables:
            variable.assign(next(arrays))
        if self.recipe.patience:
            self._best = {path: next(arrays) for path in paths}
        if is_between:
            self._before_clear = {path: next(arrays) for path in paths}
        self.history = saved.history
        return True

    def run(self, report: Callable[[Progress], None]) -> keras.Model:
        """Train to the end, saving a checkpoint after each epoch; return the kept model."""
        for epoch in range(self.epochs_done, self.recipe.epochs):
            if self._is_out_of_patience():
                break
            self._run_epoch(epoch, report)
        return self.kept_model()

    def _is_out_of_patience(self) -> bool:
        recipe = self.recipe
        return out_of_patience(self.history, recipe.patience, small_epochs=recipe.small_epochs)

    def kept_model(self) -> keras.Model:
        """The plain model with the weights that are kept as far as the run has come: averages."""
        self._kept.take(self._kept_values())
        return self._kept.plain

    def _kept_values(self) -> Weights:
        reached = self._judged_values() if self._best is None else self._best
        if self._initial is None:
            return reached
        return between(self._initial, reached, self._init_share)

    def _judged_values(self) -> Weights:
        """The average; in clear epochs with a share, what lies so far between two averages."""
        average = self._average.values()
        if self._before_clear is None:
            return average
        return between(self._before_clear, average, self.recipe.clear_share)

    def _is_between(self, epochs_done: int) -> bool:
        """Whether a run has by then trained clear epochs of which it keeps a share."""
        recipe = self.recipe
        return recipe.clear_share < 1.0 and epochs_done > recipe.first_clear_epoch

    def fusion_difference(self, images: NDArray[np.uint8]) -> float | None:
        """Largest difference of a score between the kept model and the one with branches.

        Args:
            images: uint8 (n, height, width, 3), to be answered by both.

        Returns:
            None for a model that was trained without branches.

        Raises:
            TrainingError: it is more than rounding.
        """
        if self.recipe.branches == "none":
            return None
        return self._kept.fusion_difference(self._kept_values(), images)

    def _teaching(
        self, teacher: Teacher | None
    ) -> tuple[CachedAnswers | None, RepeatedAnswers | None, keras.Model | None]:
        """The teacher's answers of one kind, or the model that answers inside the step."""
        distillation = self.recipe.distillation
        if distillation is None or teacher is None:
            return None, None, None
        if distillation.views == "live":
            return None, None, fast_teacher(teacher, self.recipe.precision)
        if distillation.views == "repeated":
            return None, self._repeated_answers(teacher), None
        log_scores = cached_answers(teacher, self.train.images, folder=self.folder)
        return CachedAnswers(log_scores, distillation.temperature), None, None

    def _repeated_answers(self, teacher: Teacher) -> RepeatedAnswers:
        recipe, train = self.recipe, self.train
        epochs = recipe.answered_epochs
        drawn_by = [
            FORMAT,
            # Other versions may draw or resample otherwise.
            np.__version__,
            PIL.__version__,
            order_digest(train),
            recipe.seed,
            recipe.batch_size,
            asdict(recipe.augmentation),
            asdict(recipe.mixing),
            recipe.precision,
        ]
        if recipe.shows_clear:
            drawn_by.append("clear")
        if recipe.clear_epochs:
            # The clear ones stand behind the others: where, the rounds say.
            drawn_by.append(f"clear epochs behind {recipe.answered_rounds}")
        digest = hashlib.sha256(json.dumps(drawn_by, sort_keys=True).encode()).hexdigest()
        return RepeatedAnswers(
            self.folder / f"teacher-{teacher.sha256[:16]}-{digest[:16]}-{epochs}.npy",
            answering(teacher, recipe.precision),
            epochs=epochs,
            steps=self._steps,
            batch=min(recipe.batch_size, len(self.train)),
            classes=self.train.classes,
        )

    def steps(self, epoch: int) -> Iterator[StepResult]:
        """Take the steps of an epoch (from 0), one each time the iterator goes on."""
        import tensorflow as tf

        recipe, repeated = self.recipe, self._repeated
        drawn = recipe.drawn_epoch(epoch)
        batches = training_batches(
            self.train,
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation_in(epoch),
            seed=recipe.seed,
            epoch=drawn,
            mixing=recipe.mixing_in(epoch),
            teacher=self._answers,
            # A teacher whose answers are known looks at nothing.
            clear=recipe.shows_clear and (repeated is None or not repeated.knows(drawn)),
        )
        step_function = self._step_functions[epoch < recipe.small_epochs]
        no_answers = np.zeros((0, self.train.classes), dtype=np.float32)
        for index, batch in enumerate(batches):
            waited_s = self._wait()
            step = epoch * self._steps + index
            images = tf.constant(batch.images)
            # One tensor where both see the same: nothing is copied.
            shown = images if batch.shown is batch.images else tf.constant(batch.shown)
            answers = no_answers if batch.teacher is None else batch.teacher
            if repeated is not None and recipe.distillation is not None:
                log_scores = repeated.to(drawn, index, batch.shown)
                answers = softened_logits(log_scores, recipe.distillation.temperature)
            loss, hits = step_function(
                images,
                shown,
                tf.constant(batch.targets),
                tf.constant(answers),
                tf.constant(self._schedule.at(step), tf.float32),
                tf.constant(averaging_decay(step, recipe.ema_decay), tf.float32),
            )
            yield StepResult(float(loss), int(hits), len(batch.images), waited_s)

    def _run_epoch(self, epoch: int, report: Callable[[Progress], None]) -> None:
        epochs, steps = self.recipe.epochs, self._steps
        if self.recipe.clear_share < 1.0 and epoch == self.recipe.first_clear_epoch:
            self._before_clear = self._average.values()
        started = time.perf_counter()
        results: list[StepResult] = []
        for result in self.steps(epoch):
            results.append(result)
            report(Progress(epoch, epochs, len(results), steps, result.loss))
        trained_s = time.perf_counter() - started - sum(result.waited_s for result in results)
        loss = sum(result.loss for result in results) / steps
        if not np.isfinite(loss):
            raise TrainingError(
                f"epoch {epoch + 1}: the loss is {loss}: lower the learning rate "
                f"({self.recipe.learning_rate})"
            )
        self._wait()
        started = time.perf_counter()
        judged = self._judged_values()
        self._kept.take(judged)
        scores = predict(self._kept.plain, self.validation.images)
        record = {
            "epoch": epoch + 1,
            "learning_rate": self._schedule.at((epoch + 1) * steps - 1),
            "train_loss": loss,
            "train_accuracy": sum(r.hits for r in results) / sum(r.count for r in results),
            "validation_loss": cross_entropy(scores, self.validation.labels),
            "validation_accuracy": float(np.mean(scores.argmax(1) == self.validation.labels)),
            "train_s": round(trained_s, 3),
            "validation_s": round(time.perf_counter() - started, 3),
        }
        self.history.append(record)
        arrays = [variable.numpy() for variable in self._variables()]
        if self.recipe.patience:
            if self.kept_epoch == self.epochs_done:
                self._best = judged
            arrays += (self._best or judged).values()
        if self._before_clear is not None:
            arrays += self._before_clear.values()
        Checkpoint(self.fingerprint, self.epochs_done, self.history, arrays).save(self.folder)
        report(Progress(epoch, epochs, steps, steps, loss, record))

    def _variables(self) -> list[tf.Variable]:
        """Every variable that a step reads or writes, the dropout generators' states included."""
        return [
            *(variable.value for variable in self._trained.variables),
            *(variable.value for variable in self._optimizer.variables),
            *self._average.variables,
        ]
