"""What a finished run leaves behind, and a disk that is full at that moment."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_model import Tiny

from convert.data.pictures import Splits
from convert.quiet import quiet
from convert.training.recipe import Recipe
from convert.training.results import write_results

EPOCH = {
    "epoch": 1,
    "train_loss": 2.0,
    "train_accuracy": 0.25,
    "validation_loss": 1.5,
    "validation_accuracy": 0.5,
}


def write(tiny: Tiny, folder: Path, *, recognized: bool = False) -> dict[str, object]:
    """Write the results of a run whose last checkpoint stands, but not its log."""
    parts = tiny.pictures
    splits = Splits("tiny", parts["train"], parts["validation"], parts["test"], recognized)
    trainer = SimpleNamespace(
        fingerprint={
            "data": splits.provenance(),
            "architecture": {"blocks": [[8], [8]], "head": "gap"},
            "recipe": Recipe().to_json(),
        },
        kept_epoch=1,
        history=[EPOCH],
        fusion_difference=lambda images: 2e-6,
    )
    (folder / "checkpoint.npz").touch()
    with quiet():  # Keras warns of what its own future numpy will do
        return write_results(tiny.model, trainer, splits, folder=folder, command="train")


def test_the_log_is_whole_though_the_run_was_killed_before_it_wrote_it(
    tiny: Tiny, tmp_path: Path
) -> None:
    write(tiny, tmp_path)
    assert (tmp_path / "log.csv").read_text().splitlines()[-1] == "1,2.0,0.25,1.5,0.5"
    assert not (tmp_path / "checkpoint.npz").exists()


def test_only_a_published_data_set_goes_without_the_names_of_its_pictures(
    tiny: Tiny, tmp_path: Path
) -> None:
    assert write(tiny, tmp_path)["fusion_difference"] == 2e-6
    assert "trained_on" in write(tiny, tmp_path)
    write(tiny, tmp_path, recognized=True)
    assert "trained_on" not in json.loads((tmp_path / "training.json").read_text())


def test_a_full_disk_keeps_the_checkpoint(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tiny.model, "save", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write(tiny, tmp_path)
    assert Path(caught.value.filename).name == "model.keras"
    assert (tmp_path / "checkpoint.npz").exists()
    assert not (tmp_path / "model.keras").exists()
