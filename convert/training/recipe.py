"""How a run trains: the numbers of a recipe and their checks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

from convert.training.augmentation import Augmentation
from convert.training.distillation import Distillation
from convert.training.mixing import Mixing
from convert.training.network import Branches, Precision
from convert.training.schedule import WarmupCosine


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a run trains; the defaults are those of `--recipe quick`.

    Attributes:
        epochs: passes over the training pictures.
        batch_size: pictures per step.
        learning_rate: peak of the schedule.
        warmup_epochs: epochs of linear warm-up.
        momentum: Nesterov momentum.
        weight_decay: decoupled decay per step and unit of learning rate (Loshchilov and Hutter
            2019, arXiv:1711.05101), on kernels only; with momentum 0.9 a value w acts like an L2
            penalty of w / 10.
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016,
            arXiv:1512.00567).
        ema_decay: decay of the weight average per step.
        normalization_momentum: share of their last value in the moving statistics per step.
        seed: seed of everything random in the run.
        augmentation: how training pictures are varied.
        mixing: whether they are mixed with each other.
        clear_epochs: of the last epochs, how many see pictures that are neither mixed nor blurred
            nor in another light: what was learnt from strong changes is refined on what a model is
            shown most (He et al. 2019, arXiv:1909.09148).
        clear_share: how far the kept weights lie on the way from the average before the clear
            epochs, 0, to that behind them, 1; see `training.averaging.between`.
        branches: "rep": with branches that are fused at the end, see `training.network`.
        precision: that steps compute in.
        progressive: share of the epochs, from the first on, that see the pictures smaller, see
            `training.smaller`.
        distillation: the teacher and its part; None without one.
        patience: stop when the averaged model's validation loss has not become less for so many
            epochs, and keep the average with the least; 0: train to the end and keep the last.
        class_weights: of each class in the loss; empty: all count the same.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-3
    label_smoothing: float = 0.1
    ema_decay: float = 0.999
    normalization_momentum: float = 0.99
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixing: Mixing = field(default_factory=Mixing)
    clear_epochs: int = 0
    clear_share: float = 1.0
    branches: Branches = "none"
    precision: Precision = "float32"
    progressive: float = 0.0
    distillation: Distillation | None = None
    patience: int = 0
    class_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"expected at least 1 epoch, got {self.epochs}")
        if self.batch_size < 1:
            raise ValueError(f"expected a batch of at least 1 picture, got {self.batch_size}")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(
                f"expected a warm-up shorter than {self.epochs} epochs, got {self.warmup_epochs}"
            )
        below_one = ("momentum", "label_smoothing", "ema_decay", "normalization_momentum")
        for name in (*below_one, "progressive"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"expected {name} in 0..1 (1 excluded), got {getattr(self, name)}")
        if not 0.0 < self.learning_rate < math.inf:
            raise ValueError(f"expected a positive learning rate, got {self.learning_rate}")
        if not 0.0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a weight decay of at least 0, got {self.weight_decay}")
        if not 0 <= self.clear_epochs <= self.epochs:
            raise ValueError(
                f"expected 0 to {self.epochs} clear epochs, those of the run, "
                f"got {self.clear_epochs}"
            )
        if not 0.0 < self.clear_share <= 1.0:
            raise ValueError(f"expected a clear share in 0..1 (0 excluded), got {self.clear_share}")
        if self.clear_share < 1.0 and not self.clear_epochs:
            raise ValueError("expected clear epochs of which to keep a share, got none")
        if self.clear_share < 1.0 and self.first_clear_epoch <= self.small_epochs:
            raise ValueError(
                "expected epochs of whole pictures before the clear ones for a clear share, got "
                f"{self.epochs} epochs, the last {self.clear_epochs} clear"
                + (f", the first {self.small_epochs} smaller" if self.small_epochs else "")
            )
        if self.patience < 0:
            raise ValueError(f"expected a patience of at least 0 epochs, got {self.patience}")
        # Keras and numpy take 32 bits.
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"expected a seed from 0 to {2**32 - 1}, got {self.seed}")

    @property
    def first_clear_epoch(self) -> int:
        """The epoch (from 0) that the clear ones begin with; the number of epochs without any."""
        return self.epochs - self.clear_epochs

    @property
    def small_epochs(self) -> int:
        """How many epochs see the pictures smaller; the last one never does."""
        return min(round(self.progressive * self.epochs), self.epochs - 1)

    def is_clear(self, epoch: int) -> bool:
        """Whether an epoch (from 0) is one of the `clear_epochs`; none behind the last one is."""
        return self.first_clear_epoch <= epoch < self.epochs

    def augmentation_in(self, epoch: int) -> Augmentation:
        """Return how the pictures of an epoch (from 0) are varied."""
        return self.augmentation.clear if self.is_clear(epoch) else self.augmentation

    def mixing_in(self, epoch: int) -> Mixing:
        """Return how the pictures of an epoch (from 0) are mixed."""
        return Mixing() if self.is_clear(epoch) else self.mixing

    @property
    def answered_epochs(self) -> int:
        """How many epochs' pictures a teacher answers, of repeated views; 0 of others."""
        # All rounds, even of a run of fewer epochs: a longer one goes on with the same answers.
        return self.answered_rounds + min(self.answered_rounds, self.clear_epochs)

    @property
    def answered_rounds(self) -> int:
        """How many of the answered epochs are not clear; 0 of other views than repeated ones."""
        distillation = self.distillation
        return (
            distillation.rounds
            if distillation is not None and distillation.views == "repeated"
            else 0
        )

    def drawn_epoch(self, epoch: int) -> int:
        """Return the epoch (from 0) whose pictures an epoch sees: repeated views come again.

        Those of clear epochs repeat among themselves, behind the others.
        """
        rounds = self.answered_rounds
        if not rounds:
            return epoch
        if self.is_clear(epoch):
            return rounds + (epoch - self.first_clear_epoch) % rounds
        return epoch % rounds

    @property
    def shows_clear(self) -> bool:
        """Whether a teacher sees the pictures without the student's blur and change of light."""
        distillation = self.distillation
        return distillation is not None and distillation.sees == "clear"

    def to_json(self) -> dict[str, object]:
        """Return the recipe as JSON values."""
        return {**asdict(self), "class_weights": list(self.class_weights)}

    def schedule(self, steps: int) -> WarmupCosine:
        """The learning-rate schedule for `steps` steps an epoch."""
        warmup = round(self.warmup_epochs * steps)
        return WarmupCosine(self.learning_rate, warmup, self.epochs * steps)
