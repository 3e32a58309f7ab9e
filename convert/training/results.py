"""What a finished run leaves behind: the model, its record, its curves, its page."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.atomic import write_output
from convert.data.folder_splits import FolderSplits
from convert.data.held_out import trained_on
from convert.data.pictures import Splits
from convert.report.mistakes import worst_mistakes
from convert.report.training import training_page
from convert.training.checkpoint import CHECKPOINT_NAME
from convert.training.curves import curves_svg
from convert.training.kept import predict
from convert.training.loop import Trainer
from convert.training.portable import portable
from convert.training.record import (
    history_csv,
    judged,
    machine_trained_on,
    to_json,
    tool_versions,
    weights_sha256,
)

if TYPE_CHECKING:
    import keras

MODEL_NAME = "model.keras"
RECORD_NAME = "training.json"
LOG_NAME = "log.csv"
CURVES_NAME = "curves.svg"
REPORT_NAME = "report.html"
_FUSION_PICTURES = 500


def write_results(
    model: keras.Model,
    trainer: Trainer,
    splits: Splits,
    *,
    folder: Path,
    command: str,
    choices: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Judge `model` on validation and test pictures and write everything into `folder`.

    In a folder of images, "validation" and "test" are pictures of groups that were not trained on;
    "familiar" are held-out pictures of groups that were: what a random split would report.

    Args:
        model: the kept one.
        trainer: that trained it.
        splits: the data set.
        folder: of the run.
        command: that was run.
        choices: what was decided by the pictures and why, as JSON values; into the record.

    Returns:
        The record that was written to `training.json`.
    """
    fusion = trainer.fusion_difference(splits.validation.images[:_FUSION_PICTURES])

    roles = {"validation": splits.validation}
    if splits.test is not None and len(splits.test):
        roles["test"] = splits.test
    if isinstance(splits, FolderSplits) and splits.familiar is not None:
        roles["familiar"] = splits.familiar
    scores = {role: predict(model, pictures.images) for role, pictures in roles.items()}
    record = {
        "command": command,
        "name": model.name,
        "labels": list(splits.train.class_names),
        **trainer.fingerprint,
        "parameters": model.count_params(),
        "weights_sha256": weights_sha256(model),
        "fusion_difference": fusion,
        "choices": dict(choices or {}),
        "kept_epoch": trainer.kept_epoch,
        "results": {role: judged(scores[role], pictures) for role, pictures in roles.items()},
        "history": trainer.history,
        "versions": tool_versions(),
        "machine": machine_trained_on(),
    }
    if not splits.recognized:  # the published data set has one split, its digest says it all
        record["trained_on"] = trained_on(splits.train)
    # Again: a kill behind the last checkpoint has left the log without its last epoch.
    write_output(folder / LOG_NAME, history_csv(trainer.history), force=True)
    curves = curves_svg(trainer.history)
    page = training_page(record, worst_mistakes(scores["validation"], splits.validation), curves)
    write_output(folder / CURVES_NAME, curves, force=True)
    write_output(folder / REPORT_NAME, page.encode("utf-8", "surrogateescape"), force=True)
    write_output(folder / RECORD_NAME, to_json(record), force=True)
    write_output(folder / MODEL_NAME, _keras_bytes(model), force=True)
    # Last: until the model stands, a kill must find the checkpoint to resume from.
    (folder / CHECKPOINT_NAME).unlink(missing_ok=True)
    return record


def _keras_bytes(model: keras.Model) -> bytes:
    """Return the `.keras` file as bytes, so that it is written as atomically as the rest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL_NAME
        try:
            model.save(path)
        except OSError as error:  # a full disk; the error of a write does not know its file
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        return portable(path.read_bytes(), model)
