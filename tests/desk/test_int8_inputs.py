"""Pictures for a compilation: never those that the model was trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_model import TINY_CLASSES, TINY_SIDE, RunQuantize, Tiny, tiny_pictures, write_folder

from convert.data import cifar10
from convert.data.held_out import trained_on
from convert.data.source import load_splits
from convert.errors import DataError
from convert.int8.inputs import check_unseen, check_weights, load_identity, load_pictures
from convert.int8.packing import Identity
from convert.training.record import weights_sha256

SIZE = (TINY_SIDE, TINY_SIDE)


@pytest.fixture
def run(tiny: Tiny, tmp_path: Path) -> Path:
    """A model file with the record of a training on `photos`, split by seed 5."""
    write_folder(tmp_path, {"photos": tiny_pictures(20, seed=8)})
    splits = load_splits(
        tmp_path / "photos", height=TINY_SIDE, width=TINY_SIDE, seed=5, class_names=TINY_CLASSES
    )
    record = {
        "labels": list(TINY_CLASSES),
        "data": splits.provenance(),
        "recipe": {"seed": 5},
        "weights_sha256": weights_sha256(tiny.model),
        "trained_on": trained_on(splits.train),
    }
    (tmp_path / "training.json").write_text(json.dumps(record))
    shutil.copy(tiny.path, tmp_path / "model.keras")
    return tmp_path


def warnings(run: Path, *, split_file: Path | None = None) -> tuple[str, ...]:
    """Read the pictures as `convert.quantize` does, and check them."""
    identity = load_identity(run / "model.keras", name="tiny")
    pictures = load_pictures(run / "photos", identity, size=SIZE, split_file=split_file)
    return check_unseen(json.loads((run / "training.json").read_bytes()), pictures)


def draw_another_split(run: Path, path: Path) -> None:
    load_splits(run / "photos", height=TINY_SIDE, width=TINY_SIDE, seed=6, split_file=path)


def test_the_split_of_the_training(run: Path) -> None:
    assert warnings(run) == ()


def test_a_lost_split_file_comes_back(run: Path) -> None:
    split = run / "photos" / "split.json"
    before = split.read_bytes()
    split.unlink()
    assert warnings(run) == ()
    assert split.read_bytes() == before


def test_pictures_that_are_added_later(run: Path) -> None:
    write_folder(run, {"more": tiny_pictures(20, seed=9)})
    for name in TINY_CLASSES:
        for path in (run / "more" / name).iterdir():
            path.rename(run / "photos" / name / f"new-{path.name}")
    assert warnings(run) == ()


def test_another_split(run: Path) -> None:
    split = run / "photos" / "split.json"
    split.rename(run / "kept.json")
    draw_another_split(run, split)
    with pytest.raises(DataError, match="photos: expected validation pictures that the model was"):
        warnings(run)
    assert warnings(run, split_file=run / "kept.json") == ()


def test_the_command_refuses_another_split(run: Path, run_quantize: RunQuantize) -> None:
    draw_another_split(run, run / "other.json")
    arguments = [run / "model.keras", "--data", run / "photos", "-o", run / "out.tflite"]
    result = run_quantize(*arguments, "--split-file", run / "other.json")
    assert result.code == 2
    assert result.err.startswith("error: photos: expected validation pictures that the model was")
    assert "The split is kept in " in result.out
    assert not (run / "out.tflite").exists()


def test_the_command_skips_broken_pictures_when_asked(run: Path, run_quantize: RunQuantize) -> None:
    (run / "photos" / "red" / "broken.png").write_bytes(b"no picture")
    arguments = [run / "model.keras", "--data", run / "photos", "-o", run / "out.tflite"]
    refused = run_quantize(*arguments)
    assert refused.code == 2
    assert "broken.png" in refused.err
    assert "Skipped: 1" in run_quantize(*arguments, "--skip-broken").out


def test_a_record_of_another_model(tiny: Tiny, run: Path, run_quantize: RunQuantize) -> None:
    record = json.loads((run / "training.json").read_bytes())
    check_weights(record, tiny.model, run / "model.keras")
    (run / "training.json").write_text(json.dumps({**record, "weights_sha256": "0" * 64}))
    result = run_quantize(run / "model.keras", "--data", run / "photos", "-o", run / "out.tflite")
    assert result.code == 2
    assert "training.json: expected the training record of model.keras, got" in result.err


def test_the_embedded_sample_is_a_selection_of_what_cifar10_holds_out() -> None:
    identity = Identity("any", cifar10.CLASS_NAMES)
    sample = load_pictures(None, identity, size=(cifar10.SIDE, cifar10.SIDE))
    splits = {
        "validation": {"digest": cifar10.VALIDATION_DIGEST},
        "test": {"digest": cifar10.TEST_DIGEST},
    }
    assert check_unseen({"data": {"splits": splits}}, sample) == ()
    other = {"data": {"splits": {**splits, "validation": {"digest": "0" * 64}}}}
    assert len(check_unseen(other, sample)) == 1
    # A model that was trained on a folder with the same pictures in it is found out.
    with pytest.raises(DataError, match="CIFAR-10 sample: expected validation"):
        check_unseen({**other, "trained_on": trained_on(sample.validation)}, sample)
