"""The state of a run at the end of an epoch: enough to go on as if nothing had happened."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import CheckpointError
from minivgg_edge.atomic import write_atomically

CHECKPOINT_NAME = "checkpoint.npz"
# Raised when the variables of a run, their order or what steps do with them change.
FORMAT = 3
_LATER_OPTIONS: Mapping[str, object] = {
    "normalization_momentum": 0.99,
    "patience": 0,
    "class_weights": [],
    "progressive": 0.0,
    "clear_epochs": 0,
    "clear_share": 1.0,
}
_LATER_AUGMENTATION: Mapping[str, object] = {"rotate_deg": 0.0, "zoom": 0.0, "blur": 0.0}
_LATER_DISTILLATION: Mapping[str, object] = {"rounds": 16, "sees": "same"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run needs to continue.

    Attributes:
        fingerprint: what the run was started with; a run with another fingerprint must not resume.
        epochs_done: finished epochs.
        history: one record of figures per finished epoch.
        arrays: every variable of the run, in the order in which the run lists them; then, with
            patience, the best weights so far, and the average before the clear epochs where a share
            of them is kept.
    """

    fingerprint: dict[str, object]
    epochs_done: int
    history: list[dict[str, float]]
    arrays: Sequence[NDArray[Any]]

    def save(self, folder: Path) -> None:
        """Write the checkpoint over the previous one, whole or not at all."""
        state = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "epochs_done": self.epochs_done,
            "history": self.history,
        }
        named: dict[str, Any] = {"state": np.array(json.dumps(state))}
        named |= {f"variable_{index:04d}": array for index, array in enumerate(self.arrays)}
        buffer = io.BytesIO()
        np.savez(buffer, **named)
        write_atomically(folder / CHECKPOINT_NAME, buffer.getvalue())


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of `folder`; None when there is none yet.

    Raises:
        CheckpointError: the file is damaged, or of a version that trains differently.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return None
    try:
        # From bytes: numpy leaves a damaged file open when it is given the path.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            state = json.loads(str(archive["state"]))
            names = sorted(name for name in archive.files if name.startswith("variable_"))
            arrays = [archive[name] for name in names]
        written = state.get("format", 1)
        if written != FORMAT:
            raise CheckpointError(
                f"{path}: expected a checkpoint of format {FORMAT}, got {written}: go on with the "
                "version that began the run, or discard it with --force"
            )
        return Checkpoint(state["fingerprint"], state["epochs_done"], state["history"], arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path}: expected a checkpoint, got a damaged file ({error})"
        ) from None


def with_later_options(fingerprint: Mapping[str, object]) -> dict[str, object]:
    """Add to a run's recipe the options that came after the version that began the run.

    It was trained without them, which is what their defaults say; a run of weeks must not be lost
    because a new option exists.
    """
    recipe = fingerprint.get("recipe")
    if not isinstance(recipe, Mapping):
        return dict(fingerprint)
    whole = {**_LATER_OPTIONS, **recipe}
    augmentation = whole.get("augmentation")
    if isinstance(augmentation, Mapping):
        whole["augmentation"] = {**_LATER_AUGMENTATION, **augmentation}
    distillation = whole.get("distillation")
    if isinstance(distillation, Mapping):
        whole["distillation"] = {**_LATER_DISTILLATION, **distillation}
    return {**fingerprint, "recipe": whole}


def check_fingerprint(path: Path, saved: dict[str, object], current: dict[str, object]) -> None:
    """Refuse to mix two runs.

    Raises:
        CheckpointError: the values differ; names each that does.
    """
    saved, current = _without_data_name(saved), _without_data_name(current)
    differing = sorted(key for key in {*saved, *current} if saved.get(key) != current.get(key))
    if differing:
        details = "; ".join(
            f"{key}: saved {saved.get(key)!r}, now {current.get(key)!r}" for key in differing
        )
        raise CheckpointError(f"{path}: the checkpoint belongs to another run ({details})")


def _without_data_name(fingerprint: Mapping[str, object]) -> dict[str, object]:
    """Leave out what a folder is called: the digests say which pictures it holds."""
    data = fingerprint.get("data")
    if not isinstance(data, Mapping):
        return dict(fingerprint)
    return {**fingerprint, "data": {key: data[key] for key in data if key != "name"}}
