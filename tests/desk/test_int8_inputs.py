"""Pictures for a compilation: never those that the model was trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_model import (
    TINY_CLASSES,
    TINY_SIDE,
    RunQuantize,
    Tiny,
    TinyCompiled,
    tiny_pictures,
    write_folder,
)

from convert import evaluate as evaluation
from convert.data import cifar10, picture_cache
from convert.data.grouping import BY_LOOKS, NO_GROUPS, Grouping
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
        tmp_path / "photos",
        height=TINY_SIDE,
        width=TINY_SIDE,
        seed=5,
        class_names=TINY_CLASSES,
        grouping=BY_LOOKS,
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


@pytest.mark.parametrize("grouping", [NO_GROUPS, Grouping("pattern", r"(\d)\.png")])
def test_a_lost_split_file_comes_back_as_the_training_grouped_it(
    run: Path, grouping: Grouping
) -> None:
    split = run / "photos" / "split.json"
    split.unlink()
    record = json.loads((run / "training.json").read_bytes())
    splits = load_splits(
        run / "photos",
        height=TINY_SIDE,
        width=TINY_SIDE,
        seed=5,
        class_names=TINY_CLASSES,
        grouping=grouping,
    )
    record = {
        **record,
        "data": splits.provenance(),
        "trained_on": trained_on(splits.train),
        "choices": {"grouping": grouping.to_json()},
    }
    (run / "training.json").write_text(json.dumps(record))
    before = split.read_bytes()
    split.unlink()
    assert warnings(run) == ()
    assert split.read_bytes() == before


def test_what_is_measured_before_a_training_is_split_as_the_training_would(
    tiny: Tiny, tmp_path: Path
) -> None:
    data = write_folder(tmp_path, {"photos": tiny_pictures(20, seed=8)}) / "photos"
    load_pictures(data, Identity("any", TINY_CLASSES), size=SIZE)
    assert json.loads((data / "split.json").read_bytes())["grouping"]["kind"] == "looks"


@pytest.mark.parametrize("grouping", [{}, {"kind": "else", "pattern": None}, "looks"])
def test_a_damaged_grouping_in_the_record(tmp_path: Path, grouping: object) -> None:
    data = write_folder(tmp_path, {"photos": tiny_pictures(20, seed=8)}) / "photos"
    identity = Identity("any", TINY_CLASSES, training={"grouping": grouping})
    with pytest.raises(DataError, match="training record: expected the grouping of its split, got"):
        load_pictures(data, identity, size=SIZE)
    assert not (data / "split.json").exists()


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


def test_pictures_that_training_has_decoded_are_not_decoded_again(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    cache = tmp_path / "decoded"
    load_splits(
        run / "photos",
        height=TINY_SIDE,
        width=TINY_SIDE,
        class_names=TINY_CLASSES,
        cache=cache,
    )

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    identity = load_identity(run / "model.keras", name="tiny")
    expected = load_pictures(run / "photos", identity, size=SIZE)
    monkeypatch.setattr("convert.scanning.facts.decode", refuse)
    pictures = load_pictures(run / "photos", identity, size=SIZE, cache=cache)
    np.testing.assert_array_equal(pictures.validation.images, expected.validation.images)
    with pytest.raises(AssertionError, match="decoded again"):
        load_pictures(run / "photos", identity, size=SIZE)


def test_the_commands_keep_decoded_pictures_where_they_are_told(
    tiny: Tiny,
    tiny_compiled: TinyCompiled,
    run_quantize: RunQuantize,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    monkeypatch.chdir(tmp_path)
    out = ("-o", tmp_path / "out.tflite", "--max-drop", 5, "--calibration-count", 60, "--force")
    quantize = run_quantize(tiny.path, *out, "--data", tiny.data, "--cache", tmp_path / "one")
    assert quantize.code == 0, quantize.err
    assert [path.suffix for path in (tmp_path / "one").iterdir()] == [".npz"]
    evaluate = [str(tiny_compiled.path), "--float", str(tiny.path), "--data", str(tiny.data)]
    assert evaluation.main([*evaluate, "--cache", str(tmp_path / "two")]) == 0
    assert [path.suffix for path in (tmp_path / "two").iterdir()] == [".npz"]
    assert evaluation.main([*evaluate, "--no-cache"]) == 0
    assert not (tmp_path / "out" / "cache").exists()
    assert evaluation.main(evaluate) == 0
    assert len(list((tmp_path / "out" / "cache").iterdir())) == 1
