"""Everything a run needs before its first step: model, recipe, teacher, and why they are so."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.data.folder_splits import FolderSplits
from convert.data.pictures import Splits
from convert.errors import TrainingError
from convert.training.arguments import architecture_of, option_values, recipe_of
from convert.training.class_weights import class_weights
from convert.training.family import FAMILY, Architecture
from convert.training.input_size import InputSize
from convert.training.processor import precision_note
from convert.training.reading import is_folder
from convert.training.recipe import Recipe
from convert.training.repeated import order_digest
from convert.training.transfer import Transfer, init_path, transfer_weights

if TYPE_CHECKING:
    import keras

    from convert.training.loop import Trainer
    from convert.training.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that can begin.

    Attributes:
        model: untrained, but for what was taken over.
        recipe: how it is trained.
        splits: the pictures.
        fingerprint: what else the result depends on, as JSON values.
        choices: what was decided by the pictures and why, as JSON values for the record.
        notes: the same in sentences.
        teacher: the recipe's, if it has one.
        init_share: see `Trainer`.
    """

    model: keras.Model
    recipe: Recipe
    splits: Splits
    fingerprint: Mapping[str, object]
    choices: Mapping[str, object]
    notes: tuple[str, ...]
    teacher: Teacher | None
    init_share: float = 1.0

    def trainer(self, folder: Path, *, wait: Callable[[], float]) -> Trainer:
        """Build what trains the model.

        Args:
            folder: of the run.
            wait: called before each step, see `Trainer`.

        Raises:
            TrainingError: the model and the recipe do not fit, or cached answers are damaged.
        """
        from convert.training.loop import Trainer

        return Trainer(
            self.model,
            self.recipe,
            self.splits.train,
            self.splits.validation,
            folder=folder,
            fingerprint=dict(self.fingerprint),
            teacher=self.teacher,
            init_share=self.init_share,
            wait=wait,
        )


def prepare(options: argparse.Namespace, splits: Splits, size: InputSize) -> Prepared:
    """Build model, recipe and teacher for the pictures.

    Raises:
        TrainingError: options that do not fit each other or the pictures.
        FloatModelError: the teacher or the model of `--init` cannot be loaded safely.
    """
    from convert.training.teacher import load_teachers

    teacher = (
        None
        if options.teacher is None
        else load_teachers(options.teacher, splits, crop=options.crop)
    )
    count = len(splits.train) if is_folder(options.data) else None
    recipe = recipe_of(
        options,
        teacher_sha256=None if teacher is None else teacher.sha256,
        folder_count=count,
        class_weights=class_weights(splits.train),
    )
    architecture = architecture_of(options, size.side)
    try:
        model = architecture.build(
            classes=splits.train.classes, seed=options.seed, name=options.name
        )
    except ValueError as error:
        raise TrainingError(str(error)) from None
    # What the preset would take, but no kernel fits: that is no reason to refuse other blocks.
    required = options.init is not None
    start = option_values(options, folder_count=count)["init"]
    init = init_path(start, architecture.blocks, required=required)
    transfer = (
        None
        if init is None
        else transfer_weights(model, init, splits, crop=options.crop, required=required)
    )
    _check_init_share(options.init_share, transfer)
    fingerprint: dict[str, object] = {
        "data": splits.provenance(),
        "architecture": architecture.to_json(),
        "crop": options.crop,
        "order": order_digest(splits.train),
    }
    if transfer is not None:
        fingerprint["init"] = transfer.to_json()
    choices: dict[str, object] = {"size": {"side": size.side, "reason": size.reason}}
    if transfer is not None:
        # Not into the fingerprint: it changes nothing before the end of a run.
        choices["init_share"] = options.init_share
    if teacher is not None:
        choices["teacher"] = teacher.to_json()
    choices["blocks_added"] = _blocks_added(options, architecture)
    choices["groups"] = splits.groups if isinstance(splits, FolderSplits) else 0
    if isinstance(splits, FolderSplits):
        choices["torn"] = splits.torn
        choices["placed"] = list(splits.placed)
    if isinstance(splits, FolderSplits) and splits.grouping is not None:
        # Not into the fingerprint, which has the pictures of each part.
        choices["grouping"] = splits.grouping.to_json()
    return Prepared(
        model,
        recipe,
        splits,
        fingerprint,
        choices,
        _notes(options, splits, size, architecture, recipe, transfer, teacher),
        teacher,
        options.init_share,
    )


def _check_init_share(share: float, transfer: Transfer | None) -> None:
    """Refuse to keep a share of what a run changes in weights that it did not begin with.

    Raises:
        TrainingError: it did not.
    """
    if share < 1.0 and (transfer is None or not transfer.whole):
        got = "none" if transfer is None else f"{len(transfer.layers)} layers of {transfer.source}"
        raise TrainingError(
            "--init-share needs an --init FILE with the same classes and layers, all of which are "
            f"taken over, got {got}"
        )


def _blocks_added(options: argparse.Namespace, architecture: Architecture) -> int:
    if options.blocks is not None:
        return 0
    return len(architecture.blocks) - len(FAMILY[options.model].blocks)


def _notes(
    options: argparse.Namespace,
    splits: Splits,
    size: InputSize,
    architecture: Architecture,
    recipe: Recipe,
    transfer: Transfer | None,
    teacher: Teacher | None,
) -> tuple[str, ...]:
    blocks = " | ".join(",".join(map(str, widths)) for widths in architecture.blocks)
    notes = [
        f"Input {size.side}x{size.side}: {size.reason}",
        f"Convolutions {blocks}, then "
        + ("a pooled head" if architecture.head == "gap" else f"{architecture.dense_units} units"),
        f"At most {recipe.epochs} epochs of batches of {recipe.batch_size}"
        if recipe.patience
        else f"{recipe.epochs} epochs of batches of {recipe.batch_size}",
    ]
    slow = precision_note(recipe.precision)
    if slow is not None:
        notes.append(slow)
    if transfer is not None:
        layers = "All" if transfer.whole else str(len(transfer.layers))
        notes.append(f"{layers} layers start as in {transfer.source}")
        if options.init_share < 1.0:
            notes.append(f"The saved model keeps {options.init_share:g} of what the run changes")
        notes.extend(transfer.notes)
    if recipe.class_weights:
        pairs = tuple(zip(recipe.class_weights, splits.train.class_names, strict=True))
        heaviest, lightest = max(pairs), min(pairs)
        notes.append(
            f"Classes are weighted from {lightest[0]:.2f} ({lightest[1]}) "
            f"to {heaviest[0]:.2f} ({heaviest[1]})"
        )
    if teacher is not None:
        accuracy = f"{teacher.validation_accuracy:.2%} of the validation pictures"
        if teacher.members:
            each = ", ".join(f"{member.validation_accuracy:.2%}" for member in teacher.members)
            notes.append(f"The mean of the teachers is right on {accuracy}, they are on {each}")
        else:
            notes.append(f"The teacher is right on {accuracy}")
        notes.extend(teacher.notes)
    if recipe.distillation is not None and recipe.distillation.views == "cached":
        notes.append("The teacher answers each picture, unless it has before")
    if recipe.distillation is not None and recipe.distillation.views == "repeated":
        rounds = recipe.distillation.rounds
        notes.append(
            f"The teacher answers in the first {rounds} epochs, whose pictures repeat"
            + (", and in the clear ones" if recipe.clear_epochs else "")
        )
    return tuple(notes)
