"""What a folder of images decides about its training: size, blocks, batch, weights, start."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.data.grouping import NO_GROUPS, Grouping, grouping_of
from convert.data.picture_cache import cache_of
from convert.data.pictures import PictureSet
from convert.errors import CheckpointError, DataError, TrainingError
from convert.quiet import quiet
from convert.training.arguments import parse_arguments
from convert.training.augmentation import Augmentation
from convert.training.checkpoint import check_fingerprint, with_later_options
from convert.training.class_weights import class_weights
from convert.training.distillation import Distillation
from convert.training.family import FAMILY, fitted
from convert.training.input_size import choose_side, folder_short_sides
from convert.training.kept import answered_at_once
from convert.training.presets import PRESETS, resolved
from convert.training.reading import input_size, read_data
from convert.training.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("count", "short_side", "side"),
    [
        (0, 100, 32),
        (60, 20, 32),
        (60, 47, 32),
        (60, 48, 48),
        (60, 3000, 64),
        (3_999, 3000, 64),
        (4_000, 95, 64),
        (4_000, 96, 96),
        (20_000, 3000, 64),  # 184 million pixels at 96, 82 at 64
        (40_000, 3000, 48),
        (1_000_000, 3000, 32),
    ],
)
def test_the_side_follows_size_and_count(count, short_side, side):
    assert choose_side([short_side] * count).side == side


def test_half_of_the_pictures_have_the_side():
    assert choose_side([20, 48, 1000]).side == 48
    assert choose_side([20, 30, 48, 1000]).side == 32
    assert choose_side([20, 48, 1000]).reason == "3 pictures with a median short side of 48 pixels"


def folder_of(target: Path, counts: dict[str, int], *, width: int = 50, height: int = 40) -> Path:
    random = np.random.default_rng(0)
    for name, count in counts.items():
        (target / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(target / name / f"{number}.png")
    return target


@pytest.mark.timeout(60)
def test_the_headers_are_read_and_broken_files_passed_over(tmp_path):
    data = folder_of(tmp_path / "data", {"a": 2, "b": 1})
    (data / "b" / "broken.png").write_bytes(b"no picture")
    os.mkfifo(data / "b" / "pipe.png")  # into which nobody writes
    assert folder_short_sides(data) == [40, 40, 40]
    assert input_size(data, None).side == 32
    assert input_size(data, 48).side == 48


def test_no_data_has_no_size(tmp_path):
    with pytest.raises(DataError, match="expected a folder with a data set, got nothing"):
        input_size(tmp_path / "nowhere", None)


@pytest.mark.parametrize("name", list(FAMILY))
@pytest.mark.parametrize("side", [32, 48, 64, 96, 128, 160, 192, 224])
def test_blocks_are_added_until_the_last_map_is_small(name, side):
    named, architecture = FAMILY[name], fitted(FAMILY[name], side)
    assert architecture.blocks[: len(named.blocks)] == named.blocks
    assert side >> len(architecture.blocks) <= 8
    grown = len(architecture.blocks) > len(named.blocks)
    # One block fewer would be too few, and a dense head over a grown net is never taken.
    assert not grown or side >> (len(architecture.blocks) - 1) > 8
    assert architecture.head == ("gap" if grown else named.head)
    assert (architecture.height, architecture.width) == (side, side)


def test_added_blocks_have_twice_the_channels_up_to_a_bound():
    assert fitted(FAMILY["minivgg"], 224).blocks == (
        *((32, 32), (64, 64)),
        *((128, 128), (128, 128), (128, 128)),
    )
    assert fitted(FAMILY["minivgg-max"], 256).blocks[-1] == (256, 256)
    assert fitted(FAMILY["minivgg"], 32) == FAMILY["minivgg"]


@pytest.mark.parametrize(
    ("count", "batch"),
    [(1, 16), (42, 16), (511, 16), (512, 32), (1371, 64), (2048, 128), (10**6, 128)],
)
def test_the_batch_leaves_sixteen_steps_an_epoch(count, batch):
    values = resolved("quick", {}, folder_count=count)
    assert values["batch_size"] == batch
    assert values["learning_rate"] == pytest.approx(0.1 * batch / 128)


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_small_folder_gets_the_steps_of_the_preset(name):
    preset = PRESETS[name]
    small = resolved(name, {}, folder_count=42)
    assert (small["epochs"] - 1) * 2 < preset.folder_steps <= small["epochs"] * 2
    assert resolved(name, {}, folder_count=10**5)["epochs"] == preset.folder_epochs


def test_what_is_said_goes_before_the_folder():
    said = {"batch_size": 32, "epochs": 50, "patience": 0, "rotate": 0.0, "init": None}
    values = resolved("quick", said, folder_count=5000)
    assert (values["batch_size"], values["epochs"], values["patience"]) == (32, 50, 0)
    assert values["rotate"] == 0.0
    assert values["learning_rate"] == pytest.approx(0.1 * 32 / 128)
    assert values["init"] == "published"
    assert resolved("quick", {"epochs": 200}, folder_count=5000)["patience"] == 50
    assert resolved("quick", {"learning_rate": 0.3}, folder_count=50)["learning_rate"] == 0.3


def pictures(*counts: int) -> PictureSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = tuple(f"class {number}" for number in range(len(counts)))
    return PictureSet(np.zeros((len(labels), 4, 4, 3), np.uint8), labels, names)


def test_balanced_classes_have_no_weights():
    assert class_weights(pictures(10, 10)) == ()
    assert class_weights(pictures(15, 10)) == ()


def test_weights_by_hand():
    # Inverse frequency 1 and 2; the mean over 20 + 10 pictures is 4/3 before it is made 1.
    assert class_weights(pictures(20, 10)) == pytest.approx((0.75, 1.5))
    # 100 to 1 counts as 5 to 1: (100 + 5) / 101 is divided out.
    assert class_weights(pictures(100, 1)) == pytest.approx((101 / 105, 505 / 105), abs=1e-6)


def test_weights_change_the_loss_as_their_mean_says(tmp_path):
    from convert.training.loop import Trainer

    random = np.random.default_rng(1)
    images = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    four = PictureSet(images, np.array([0, 1] * 4), ("a", "b"))
    plain = Augmentation(crop_fraction=0.0, flip=False, cutout_fraction=0.0)
    with quiet():
        losses = {}
        for weights in ((), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)):
            recipe = Recipe(
                epochs=1, batch_size=8, warmup_epochs=0, augmentation=plain, class_weights=weights
            )
            model = replace(FAMILY["minivgg-nano"]).build(classes=2, seed=1, name="m")
            trainer = Trainer(model, recipe, four, four, folder=tmp_path, fingerprint={})
            losses[weights] = next(iter(trainer.steps(0))).loss
    assert losses[()] == pytest.approx(losses[(1.0, 1.0)], rel=1e-5)
    assert losses[(1.0, 0.0)] + losses[(0.0, 1.0)] == pytest.approx(losses[()], rel=1e-4)
    assert losses[(1.0, 0.0)] != pytest.approx(losses[(0.0, 1.0)], rel=1e-3)


def test_weights_of_other_classes_are_refused(tmp_path):
    from convert.training.loop import Trainer

    with quiet():
        model = FAMILY["minivgg-nano"].build(classes=2, seed=1, name="m")
    recipe = Recipe(class_weights=(1.0, 1.0, 1.0))
    with pytest.raises(TrainingError, match="a weight for each of 2 classes, got 3"):
        Trainer(model, recipe, pictures(1, 1), pictures(1, 1), folder=tmp_path, fingerprint={})


def test_grouping_of_a_new_and_of_an_old_split(tmp_path):
    split = tmp_path / "split.json"
    assert grouping_of(None, split) == Grouping("looks")
    split.touch()
    assert grouping_of(None, split) is None
    assert grouping_of("looks", split) == Grouping("looks")
    assert grouping_of("none", split) == NO_GROUPS
    assert grouping_of(r"(\d+)-", split) == Grouping("pattern", r"(\d+)-")


def test_each_folder_has_a_cache_of_its_own(tmp_path):
    one, other = tmp_path / "a" / "photos", tmp_path / "b" / "photos"
    digest = hashlib.sha256(str(one.resolve()).encode()).hexdigest()[:8]
    assert cache_of(one, None) == Path("out") / "cache" / f"photos-{digest}"
    assert cache_of(one, None) != cache_of(other, None)
    assert cache_of(one, tmp_path) == tmp_path
    assert cache_of(one, None, none=True) is None


def test_as_many_pixels_are_answered_at_once_as_with_cifar10():
    assert answered_at_once(32, 32) == 500
    assert answered_at_once(224, 224) == 500 * 32 * 32 // (224 * 224)
    assert answered_at_once(4000, 3000) == 1


def test_a_checkpoint_from_before_an_option_has_its_default():
    recipe = Recipe(distillation=Distillation("0"))
    now = {"recipe": json.loads(json.dumps(recipe.to_json())), "crop": "none"}
    before = json.loads(json.dumps(now))
    for later in ("patience", "class_weights", "normalization_momentum"):
        del before["recipe"][later]
    for later in ("clear_epochs", "clear_share"):
        del before["recipe"][later]
    for later in ("rotate_deg", "zoom", "blur"):
        del before["recipe"]["augmentation"][later]
    for later in ("rounds", "sees"):
        del before["recipe"]["distillation"][later]
    assert with_later_options(before) == now
    assert with_later_options({"crop": "none"}) == {"crop": "none"}


def test_a_checkpoint_does_not_know_what_its_folder_was_called(tmp_path):
    saved, now = ({"data": {"name": name, "splits": {}}} for name in ("before", "after"))
    check_fingerprint(tmp_path, saved, now)
    now["data"]["splits"] = {"train": {"count": 1}}
    with pytest.raises(CheckpointError, match="another run"):
        check_fingerprint(tmp_path, saved, now)


def test_a_grouping_of_parts_is_refused(tmp_path):
    """Nobody would look whether a subject stands in two of them."""
    random = np.random.default_rng(1)
    for place in ("train/a", "train/b", "validation/a", "validation/b"):
        (tmp_path / place).mkdir(parents=True)
        pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / place / "1.png")
    words = ["--data", str(tmp_path), "--group-by"]
    for given in (r"(\w+)", "looks"):
        with pytest.raises(DataError, match="still to be split with --group-by, got its parts"):
            read_data(parse_arguments(None, [*words, given]), 8, lambda done, total: None)
    read = read_data(parse_arguments(None, words[:2]), 8, lambda done, total: None)
    assert len(read.train) == 2


def trained(data: Path, out: Path, *words: str) -> dict[str, object]:
    """Run the command as a user does and return the record of the run."""
    program = [sys.executable, "-m", "convert.train", "--data", str(data), "-o", str(out)]
    lock = ["--lock", str(out.with_name("lock"))]
    run = subprocess.run(
        [*program, *lock, "--no-cache", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Input 32x32: " in run.stdout
    return json.loads((out / "training.json").read_text())


def test_two_classes_of_thirty_photos(tmp_path):
    names = {"gears & bolts 🔩": 30, "Schräubchen 螺丝": 30}
    data = folder_of(tmp_path / "data", names)
    record = trained(data, tmp_path / "out", "--epochs", "1", "--name", "parts")
    assert set(record["labels"]) == set(names)
    assert set(record["results"]) >= {"validation", "test"}
    assert record["choices"]["size"]["reason"].startswith("60 pictures with a median short side")
    assert record["recipe"]["batch_size"] == 16
    assert record["recipe"]["patience"] == 10
    assert record["init"]["layers"] == [
        f"conv{block}_{place}{end}" for block in (1, 2) for place in (1, 2) for end in ("", "_bn")
    ]
    split = json.loads((data / "split.json").read_text())
    assert split["grouping"]["kind"] == "looks"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "gears &amp; bolts 🔩" in page


def test_120_unequal_classes(tmp_path):
    counts = {f"{number:03d}": 10 if number else 30 for number in range(120)}
    data = folder_of(tmp_path / "data", counts, width=34, height=33)
    words = ["--blocks", "8|8|8", "--head", "gap", "--epochs", "1", "--group-by", "none"]
    record = trained(data, tmp_path / "out", *words)
    assert len(record["labels"]) == len(record["recipe"]["class_weights"]) == 120
    assert record["recipe"]["class_weights"][0] == min(record["recipe"]["class_weights"])
    assert "init" not in record
    assert json.loads((data / "split.json").read_text())["grouping"]["kind"] == "none"
