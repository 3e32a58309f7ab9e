"""A folder of images: both layouts, a split that stays put, and every refusal with its file."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.data import split_file as split_file_module
from convert.data.folder import read_folder
from convert.data.folder_splits import FolderSplits
from convert.data.split_file import SplitRule
from convert.errors import DataError
from convert.report.reading import reading_notes

SIZE = {"height": 4, "width": 5}


def save(path: Path, color: int) -> None:
    """A 5x4 PNG whose pixels and bytes are those of the number `color`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixel = (color & 255, color >> 8 & 255, color >> 16)
    Image.new("RGB", (5, 4), pixel).save(path, format="PNG")


def fill(folder: Path, *, start: int = 0, count: int = 20, **classes: int) -> None:
    """Pictures `start` ... `start + count - 1` in each class; the value keeps classes apart."""
    for name, offset in (classes or {"cat": 0, "dog": 1000}).items():
        for number in range(start, start + count):
            save(folder / name / f"{number:03}.png", offset + number)


def roles(splits: FolderSplits) -> dict[str, str]:
    """Role by file name."""
    sets = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {
        name: role
        for role, pictures in sets.items()
        if pictures is not None
        for name in pictures.names
    }


def kept_roles(folder: Path) -> dict[str, str]:
    """Role by file name as the split file has it, with copies that are not judged."""
    pictures = json.loads((folder / "split.json").read_bytes())["pictures"]
    return {name: entry["role"] for name, entry in pictures.items()}


# One folder per class


def test_pictures_labels_and_names(tmp_path: Path) -> None:
    fill(tmp_path)
    splits = read_folder(tmp_path, **SIZE)
    assert splits.name == tmp_path.name
    assert splits.train.class_names == ("cat", "dog")
    assert len(roles(splits)) == 40
    assert not splits.recognized
    for name, image, label in zip(
        splits.train.names, splits.train.images, splits.train.labels, strict=True
    ):
        assert np.array_equal(image, np.asarray(Image.open(tmp_path / name)))
        assert splits.train.class_names[label] == name.split("/")[0]


def test_the_role_follows_from_content_and_seed(tmp_path: Path) -> None:
    """The rule by hand: the first 53 bits of SHA-256("seed:content hash") as a fraction."""
    fill(tmp_path, count=40)
    got = roles(read_folder(tmp_path, **SIZE, seed=3, fractions=(0.25, 0.125)))
    for name, role in got.items():
        content = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        bits = int(hashlib.sha256(f"3:{content}".encode()).hexdigest(), 16) >> (256 - 53)
        position = bits / 2**53
        expected = "test" if position < 0.125 else "validation" if position < 0.375 else "train"
        assert role == expected, name
    assert set(got.values()) == {"train", "validation", "test"}


def test_fractions_are_met_about() -> None:
    rule = SplitRule(0, 0.2, 0.1)
    drawn = [rule.role(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest()) for n in range(4000)]
    # Five standard deviations of a binomial count: sqrt(4000 * 0.2 * 0.8) = 25.
    assert abs(drawn.count("validation") - 800) < 125
    assert abs(drawn.count("test") - 400) < 100


def test_adding_pictures_moves_none(tmp_path: Path) -> None:
    fill(tmp_path, count=60)  # enough for chance to give each class half of its share
    before = roles(read_folder(tmp_path, **SIZE))
    fill(tmp_path, start=60, count=60)
    with_file = roles(read_folder(tmp_path, **SIZE))
    (tmp_path / "split.json").unlink()
    without = roles(read_folder(tmp_path, **SIZE))
    assert len(with_file) == 240
    assert with_file == without
    assert {name: with_file[name] for name in before} == before


def test_each_class_gets_half_of_its_share_and_keeps_what_was_decided(tmp_path: Path) -> None:
    for seed in range(4):
        folder = tmp_path / str(seed)
        fill(folder, count=14, cat=1000 * seed, dog=1000 * seed + 500)
        before = read_folder(folder, **SIZE, seed=seed)
        assert before.test is not None
        for part in (before.validation, before.test):
            assert min(part.counts().values()) >= 1  # half of 15 % of 14
        fill(folder, start=14, count=46, cat=1000 * seed, dog=1000 * seed + 500)
        after = read_folder(folder, **SIZE)
        assert after.test is not None
        for part in (after.validation, after.test):
            assert min(part.counts().values()) >= 4  # half of 15 % of 60
        assert {name: roles(after)[name] for name in roles(before)} == roles(before)


def test_another_class_or_another_name_moves_none(tmp_path: Path) -> None:
    fill(tmp_path)
    before = roles(read_folder(tmp_path, **SIZE))
    fill(tmp_path, ape=2000)
    for path in sorted((tmp_path / "cat").iterdir()):
        path.rename(path.with_name(f"renamed {path.name}"))
    after = roles(read_folder(tmp_path, **SIZE))
    for name, role in before.items():
        assert after[name.replace("cat/", "cat/renamed ")] == role


def test_the_seed_draws_another_split_only_where_there_is_none(tmp_path: Path) -> None:
    fill(tmp_path)
    first = roles(read_folder(tmp_path, **SIZE, seed=0))
    assert roles(read_folder(tmp_path, **SIZE, seed=1)) == first
    other = tmp_path / "other.json"
    assert roles(read_folder(tmp_path, **SIZE, seed=1, split_file=other)) != first


def test_split_file_says_what_was_decided(tmp_path: Path) -> None:
    fill(tmp_path)
    splits = read_folder(tmp_path, **SIZE, fractions=(0.2, 0.1))
    assert splits.split_file == tmp_path / "split.json"
    document = json.loads((tmp_path / "split.json").read_bytes())
    assert document["seed"] == 0
    assert document["fractions"] == {"validation": 0.2, "test": 0.1}
    pictures = document["pictures"]
    assert {name: entry["role"] for name, entry in pictures.items()} == roles(splits)
    for name, entry in pictures.items():
        assert entry["sha256"] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_existing_entries_win(tmp_path: Path) -> None:
    fill(tmp_path)
    read_folder(tmp_path, **SIZE)
    document = json.loads((tmp_path / "split.json").read_bytes())
    document["pictures"]["cat/003.png"]["role"] = "test"
    document["pictures"]["cat/004.png"]["role"] = "validation"
    (tmp_path / "split.json").write_text(json.dumps(document))
    got = roles(read_folder(tmp_path, **SIZE))
    assert (got["cat/003.png"], got["cat/004.png"]) == ("test", "validation")


def test_an_edited_picture_keeps_its_role(tmp_path: Path) -> None:
    fill(tmp_path)
    before = roles(read_folder(tmp_path, **SIZE))
    for path in (tmp_path / "cat").iterdir():
        with path.open("ab") as file:
            file.write(b"a comment behind the picture")
    assert roles(read_folder(tmp_path, **SIZE)) == before


def test_a_picture_that_comes_back_has_its_old_role(tmp_path: Path) -> None:
    fill(tmp_path, count=30)
    before = roles(read_folder(tmp_path, **SIZE))
    away = tmp_path.parent / "away.png"
    for name in [name for name in before if name.startswith("cat")][:5]:
        shutil.move(tmp_path / name, away)
        read_folder(tmp_path, **SIZE)
        shutil.move(away, tmp_path / name)
    assert roles(read_folder(tmp_path, **SIZE)) == before


def test_a_second_reading_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    first = read_folder(tmp_path, **SIZE)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(split_file_module, "write_atomically", refuse)
    assert roles(read_folder(tmp_path, **SIZE)) == roles(first)
    (tmp_path / "split.json").unlink()
    with pytest.raises(
        DataError, match=r"split\.json: .*Permission denied.*read-only.*--split-file"
    ):
        read_folder(tmp_path, **SIZE)


def test_small_classes_get_a_validation_and_a_training_picture(tmp_path: Path) -> None:
    for seed in range(12):
        folder = tmp_path / str(seed)
        fill(folder, count=2, cat=10 * seed, dog=1000 + 10 * seed)
        # Without the minimum nearly every class would have test pictures only.
        splits = read_folder(folder, **SIZE, fractions=(0.05, 0.9))
        assert splits.train.counts() == {"cat": 1, "dog": 1}
        assert splits.validation.counts() == {"cat": 1, "dog": 1}
        assert splits.test is None


def test_the_minimum_takes_from_training_sooner_than_from_test(tmp_path: Path) -> None:
    for seed in range(12):
        folder = tmp_path / str(seed)
        fill(folder, count=8, cat=10 * seed, dog=1000 + 10 * seed)
        splits = read_folder(folder, **SIZE, fractions=(1e-9, 0.5))
        assert splits.validation.counts() == {"cat": 1, "dog": 1}
        rule = SplitRule(0, 1e-9, 0.5)
        for name, role in roles(splits).items():
            content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            if rule.role(content) == "test":
                assert role == "test"


def test_a_vanished_validation_picture_is_replaced_by_new_pictures_only(tmp_path: Path) -> None:
    fill(tmp_path, count=3)
    splits = read_folder(tmp_path, **SIZE, fractions=(1e-9, 0.0))
    (gone,) = [name for name in splits.validation.names if name.startswith("cat")]
    (tmp_path / gone).unlink()
    # The others have been trained on: none of them may start to judge.
    with pytest.raises(DataError, match="class 'cat': expected a picture to train on and another"):
        read_folder(tmp_path, **SIZE)
    save(tmp_path / "cat" / "new.png", 500)
    assert roles(read_folder(tmp_path, **SIZE))["cat/new.png"] == "validation"


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    fill(tmp_path, count=5)
    save(tmp_path / "eel" / "a.png", 7000)
    shutil.copy(tmp_path / "eel" / "a.png", tmp_path / "eel" / "copy.png")
    with pytest.raises(DataError, match=r"class 'eel': expected .* got 1 different pictures"):
        read_folder(tmp_path, **SIZE)
    assert not (tmp_path / "split.json").exists()


# Duplicates


def test_copies_share_a_role(tmp_path: Path) -> None:
    fill(tmp_path, count=30)
    for path in sorted((tmp_path / "cat").iterdir()):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
    read_folder(tmp_path, **SIZE)
    got = kept_roles(tmp_path)
    copies = [name for name in got if "copy of " in name]
    assert len(copies) == 30
    for name in copies:
        assert got[name] == got[name.replace("copy of ", "")]


def test_of_held_out_copies_one_is_judged(tmp_path: Path) -> None:
    """Else a gate or a threshold would be sure by copying files."""
    fill(tmp_path, count=30)
    once = read_folder(tmp_path, **SIZE)
    assert once.copies == 0
    for path in sorted((tmp_path / "cat").iterdir()):
        for number in range(3):
            shutil.copy(path, path.with_name(f"copy {number} of {path.name}"))
    splits = read_folder(tmp_path, **SIZE)
    cat = splits.train.class_names.index("cat")
    held_out = [n for n, role in kept_roles(tmp_path).items() if "cat/" in n and role != "train"]
    judged = [*splits.validation.names, *splits.test.names]
    assert len(judged) == len({name.replace("copy ", "") for name in judged})
    assert splits.copies == 3 * len(held_out) // 4 > 0
    assert (once.validation.labels == cat).sum() == (splits.validation.labels == cat).sum()
    assert (splits.train.labels == cat).sum() == 4 * (once.train.labels == cat).sum()
    assert f"Copies of held-out pictures, of which one is judged: {splits.copies}" in reading_notes(
        splits
    )
    # Copies are groups too, but of one picture that is judged.
    assert splits.independent["validation"] == len(splits.validation)


def test_a_copy_that_comes_later_joins_its_original(tmp_path: Path) -> None:
    fill(tmp_path)
    read_folder(tmp_path, **SIZE)
    document = json.loads((tmp_path / "split.json").read_bytes())
    entry = document["pictures"]["dog/001.png"]
    entry["role"] = "test" if entry["role"] == "train" else "train"
    (tmp_path / "split.json").write_text(json.dumps(document))
    shutil.copy(tmp_path / "dog" / "001.png", tmp_path / "dog" / "zz.png")
    read_folder(tmp_path, **SIZE)
    assert kept_roles(tmp_path)["dog/zz.png"] == entry["role"]


def test_the_same_content_in_two_classes(tmp_path: Path) -> None:
    fill(tmp_path)
    shutil.copy(tmp_path / "cat" / "007.png", tmp_path / "dog" / "mine.png")
    with pytest.raises(DataError, match=r"in one class.*'cat/007\.png' and 'dog/mine\.png'"):
        read_folder(tmp_path, **SIZE)


def test_the_same_content_in_two_parts(tmp_path: Path) -> None:
    for part, offset in (("train", 0), ("val", 100), ("test", 200)):
        fill(tmp_path / part, count=3, cat=offset, dog=1000 + offset)
    shutil.copy(tmp_path / "train/cat/001.png", tmp_path / "test/cat/x.png")
    with pytest.raises(DataError, match=r"one part.*'train/cat/001\.png' and 'test/cat/x\.png'"):
        read_folder(tmp_path, **SIZE)


def test_lookalikes_across_roles_are_reported(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=3, cat=0, dog=1000)
    fill(tmp_path / "val", count=3, cat=100, dog=1100)
    Image.open(tmp_path / "train/cat/001.png").save(tmp_path / "val/cat/again.bmp")
    splits = read_folder(tmp_path, **SIZE)
    assert splits.lookalikes == (("train/cat/001.png", "val/cat/again.bmp"),)


# Parts


@pytest.mark.parametrize("name", ["validation", "valid", "val"])
def test_parts_give_the_roles(tmp_path: Path, name: str) -> None:
    for part, offset in (("train", 0), (name, 100), ("test", 200)):
        fill(tmp_path / part, count=3, cat=offset, dog=1000 + offset)
    splits = read_folder(tmp_path, **SIZE)
    assert {path.split("/")[0]: role for path, role in roles(splits).items()} == {
        "train": "train",
        name: "validation",
        "test": "test",
    }
    assert len(roles(splits)) == 18
    assert splits.split_file is None
    assert not (tmp_path / "split.json").exists()


def test_validation_is_split_off_train(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=30)
    fill(tmp_path / "test", count=4, cat=500, dog=1500)
    splits = read_folder(tmp_path, **SIZE, fractions=(0.3, 0.2))
    assert splits.test is not None
    assert all(name.startswith("test/") for name in splits.test.names)
    assert all(name.startswith("train/") for name in splits.train.names + splits.validation.names)
    assert 6 <= len(splits.validation) <= 30  # 0.3 of 60: 18, give or take 3.4 deviations of 3.5
    document = json.loads((tmp_path / "split.json").read_bytes())
    assert document["fractions"] == {"validation": 0.3, "test": 0.0}
    assert all(name.startswith("train/") for name in document["pictures"])
    assert roles(read_folder(tmp_path, **SIZE)) == roles(splits)


def test_train_alone_has_no_test_part(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    assert read_folder(tmp_path, **SIZE).test is None


def test_train_can_be_a_class(tmp_path: Path) -> None:
    fill(tmp_path, bus=0, train=1000)
    assert read_folder(tmp_path, **SIZE).train.class_names == ("bus", "train")


def test_two_validation_parts(tmp_path: Path) -> None:
    for offset, part in enumerate(("train", "validation", "val")):
        fill(tmp_path / part, cat=100 * offset, dog=1000 + 100 * offset)
    with pytest.raises(DataError, match="expected one validation part, got validation and val"):
        read_folder(tmp_path, **SIZE)


def test_a_class_missing_in_a_part(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test", cat=500)
    with pytest.raises(
        DataError, match=r"test: expected .*\['cat', 'dog'\], got none for \['dog'\]"
    ):
        read_folder(tmp_path, **SIZE)
    shutil.move(tmp_path / "test" / "cat", tmp_path / "test" / "dog")
    fill(tmp_path / "test", cat=500, eel=2000)
    with pytest.raises(DataError, match=r"unknown ones for \['eel'\]"):
        read_folder(tmp_path, **SIZE)


# Class names


def test_plain_string_order(tmp_path: Path) -> None:
    names = {"10": 0, "2": 1000, "Zoo": 2000, "ape": 3000}
    fill(tmp_path, count=4, **names)
    assert read_folder(tmp_path, **SIZE).train.class_names == ("10", "2", "Zoo", "ape")


def test_names_with_spaces_emoji_and_other_scripts(tmp_path: Path) -> None:
    names = {"two words": 0, "🐈‍⬛": 1000, "собака": 2000, "狐": 3000}
    fill(tmp_path, count=4, **names)
    splits = read_folder(tmp_path, **SIZE)
    assert splits.train.class_names == tuple(sorted(names))
    first = (tmp_path / "split.json").read_bytes()
    assert roles(read_folder(tmp_path, **SIZE)) == roles(splits)
    assert (tmp_path / "split.json").read_bytes() == first


def test_the_order_of_a_trained_model(tmp_path: Path) -> None:
    fill(tmp_path)
    splits = read_folder(tmp_path, **SIZE, class_names=["dog", "cat"])
    assert splits.train.class_names == ("dog", "cat")
    assert all(
        splits.train.class_names[label] == name.split("/")[0]
        for name, label in zip(splits.train.names, splits.train.labels, strict=True)
    )


def test_classes_that_do_not_match_the_model(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(DataError, match=r"got none for \['eel'\] and unknown ones for \['dog'\]"):
        read_folder(tmp_path, **SIZE, class_names=["cat", "eel"])
    with pytest.raises(DataError, match=r"got none for \['eel'\] and unknown ones for \[\]"):
        read_folder(tmp_path, **SIZE, class_names=["cat", "dog", "eel"])


def test_fewer_than_two_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 2 classes, got 0"):
        read_folder(tmp_path, **SIZE)
    fill(tmp_path, cat=0)
    with pytest.raises(DataError, match="at least 2 classes, got 1: 'cat'"):
        read_folder(tmp_path, **SIZE)


@pytest.mark.parametrize("name", ["hot\ndog", "dog\n", "dog ", " dog", "dog\t", "dog\u2028"])
def test_a_class_name_that_is_no_label(tmp_path: Path, name: str) -> None:
    fill(tmp_path, **{"cat": 0, name: 1000})
    expected = f"names of one line in UTF-8 without outer spaces, got {name!r}"
    with pytest.raises(DataError, match=re.escape(expected)):
        read_folder(tmp_path, **SIZE)


# Files


def test_other_files_are_ignored_but_named(tmp_path: Path) -> None:
    fill(tmp_path, count=4)
    for name in ("README.md", "cat/notes.txt", "dog/.DS_Store", "cat/._001.png", "dog/raw/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"-")
    (tmp_path / ".git").mkdir()
    save(tmp_path / "dog" / "UPPER.PNG", 1500)
    splits = read_folder(tmp_path, **SIZE)
    assert sorted(splits.ignored) == [
        ".git",
        "README.md",
        "cat/._001.png",
        "cat/notes.txt",
        "dog/.DS_Store",
        "dog/raw",
    ]
    assert "dog/UPPER.PNG" in roles(splits)


def test_ignored_beside_and_inside_parts(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=4)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "train" / "list.csv").write_bytes(b"-")
    splits = read_folder(tmp_path, **SIZE)
    assert sorted(splits.ignored) == ["annotations", "train/list.csv"]
    assert read_folder(tmp_path, **SIZE).ignored == splits.ignored  # split.json is not among them


def test_pictures_below_a_class_folder(tmp_path: Path) -> None:
    """`Train` and `Test` must not pass for two classes."""
    fill(tmp_path / "Train")
    fill(tmp_path / "Test", cat=500, dog=1500)
    with pytest.raises(DataError, match=r"Test.cat: expected the pictures of a class directly in"):
        read_folder(tmp_path, **SIZE)


def test_pictures_two_folders_below_a_class(tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "cat" / "2023" / "summer" / "new.png", 700)
    with pytest.raises(DataError, match=r"2023: expected the pictures of a class directly in"):
        read_folder(tmp_path, **SIZE)


def test_a_link_in_a_circle_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "cat" / "circle").symlink_to("circle")
    assert "cat/circle" in read_folder(tmp_path, **SIZE).ignored
    (tmp_path / "cat" / "circle.png").symlink_to("circle.png")
    (skipped,) = read_folder(tmp_path, **SIZE, skip_broken=True).skipped
    assert skipped.name == "cat/circle.png"


def test_a_split_file_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    fill(tmp_path / "photos")
    place = tmp_path / "new" / "dir" / "split.json"
    read_folder(tmp_path / "photos", **SIZE, split_file=place)
    assert place.is_file()


def test_a_class_folder_without_pictures(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "eel").mkdir()
    (tmp_path / "eel" / "a.txt").write_bytes(b"-")
    with pytest.raises(
        DataError, match=r"eel: expected pictures of class 'eel', got none \(1 other"
    ):
        read_folder(tmp_path, **SIZE)


def test_a_broken_picture(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "cat" / "a\nb.jpg").write_bytes(b"no picture at all")
    (tmp_path / "dog" / "empty.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"cat/a\\nb\.jpg'.*2 of 42 pictures cannot be decoded"):
        read_folder(tmp_path, **SIZE)
    assert not (tmp_path / "split.json").exists()
    splits = read_folder(tmp_path, **SIZE, skip_broken=True)
    assert [skipped.name for skipped in splits.skipped] == ["cat/a\nb.jpg", "dog/empty.png"]
    assert "empty" in splits.skipped[1].reason
    assert len(roles(splits)) == 40
    assert "dog/empty.png" not in json.loads((tmp_path / "split.json").read_bytes())["pictures"]


def test_a_class_of_broken_pictures_only(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "eel").mkdir()
    (tmp_path / "eel" / "a.jpg").write_bytes(b"no picture at all")
    with pytest.raises(DataError, match=r"train pictures of every class, got none .*\['eel'\]"):
        read_folder(tmp_path, **SIZE, skip_broken=True)


def test_size_and_crop_are_those_of_preprocess(tmp_path: Path) -> None:
    fill(tmp_path)
    wide = np.zeros((4, 12, 3), dtype=np.uint8)
    wide[:, 4:8] = 200  # the middle third
    for path in (tmp_path / "cat").iterdir():
        wide[0, 0, 0] += 1
        Image.fromarray(wide).save(path)
    splits = read_folder(tmp_path, height=4, width=4, crop="center")
    cats = splits.train.images[splits.train.labels == 0]
    assert (cats == 200).all()
    with pytest.raises(ValueError, match="height and width"):
        read_folder(tmp_path, height=0, width=4)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: expected a folder of images, got No such file"):
        read_folder(tmp_path / "none", **SIZE)
    (tmp_path / "file").write_bytes(b"-")
    with pytest.raises(DataError, match="file: expected a folder of images, got Not a directory"):
        read_folder(tmp_path / "file", **SIZE)


# The split file


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b"{}",
        b'{"format":"other","version":1}',
        b'{"format":"minivgg-edge-split","version":2}',
        b'{"format":"minivgg-edge-split","version":1,"seed":0,"fractions":{"validation":2,"test":0},'
        b'"pictures":{}}',
        b'{"format":"minivgg-edge-split","version":1,"seed":0,"fractions":{"validation":0.1,'
        b'"test":0},"pictures":{"a":{"role":"judge","sha256":"00"}}}',
        b'{"format":"minivgg-edge-split","version":1,"seed":0,"fractions":{"validation":0.1,'
        b'"test":0},"pictures":[]}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_split_file(tmp_path: Path, content: bytes) -> None:
    fill(tmp_path)
    (tmp_path / "split.json").write_bytes(content)
    with pytest.raises(DataError, match=r"split\.json: expected a split file .*remove it to split"):
        read_folder(tmp_path, **SIZE)
    assert (tmp_path / "split.json").read_bytes() == content


def test_a_folder_in_the_place_of_the_split_file(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / ".roles").mkdir()
    with pytest.raises(DataError, match=r"\.roles: expected a split file, got Is a directory"):
        read_folder(tmp_path, **SIZE, split_file=tmp_path / ".roles")


def test_two_roles_for_one_content(tmp_path: Path) -> None:
    fill(tmp_path)
    shutil.copy(tmp_path / "cat" / "001.png", tmp_path / "cat" / "copy.png")
    read_folder(tmp_path, **SIZE)
    document = json.loads((tmp_path / "split.json").read_bytes())
    document["pictures"]["cat/001.png"]["role"] = "train"
    document["pictures"]["cat/copy.png"]["role"] = "test"
    (tmp_path / "split.json").write_text(json.dumps(document))
    with pytest.raises(
        DataError, match=r"got train for 'cat/001\.png' and test for 'cat/copy\.png'"
    ):
        read_folder(tmp_path, **SIZE)


def test_other_fractions_than_the_file_has(tmp_path: Path) -> None:
    fill(tmp_path)
    read_folder(tmp_path, **SIZE, fractions=(0.2, 0.1))
    read_folder(tmp_path, **SIZE)
    with pytest.raises(DataError, match=r"expected fractions 0\.3 to validate .* by 0\.2 and 0\.1"):
        read_folder(tmp_path, **SIZE, fractions=(0.3, 0.1))


@pytest.mark.parametrize(
    "fractions", [(0.0, 0.1), (-0.1, 0.1), (0.1, -0.1), (0.5, 0.5), (float("nan"), 0.1)]
)
def test_fractions_out_of_range(tmp_path: Path, fractions: tuple[float, float]) -> None:
    fill(tmp_path, count=2)
    with pytest.raises(ValueError, match="expected fractions with 0 < validation"):
        read_folder(tmp_path, **SIZE, fractions=fractions)


def test_sign_language_digits(shared_dir: Path, tmp_path: Path) -> None:
    """A real folder: 2,062 JPEGs with EXIF, read-only, a license file among the classes."""
    source = shared_dir / "data" / "sign-language-digits"
    splits = read_folder(source, height=32, width=32, split_file=tmp_path / "split.json")
    assert splits.train.class_names == tuple("0123456789")
    assert splits.ignored == ("LICENSE",)
    assert splits.skipped == ()
    assert splits.lookalikes == ()
    assert splits.test is not None
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 2062
    assert not (source / "split.json").exists()
