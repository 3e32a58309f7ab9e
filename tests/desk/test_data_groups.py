"""A split by groups: what belongs together stays together, also when pictures are added."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convert.data import picture_cache
from convert.data.folder import read_folder
from convert.data.folder_splits import FolderSplits
from convert.data.grouping import Grouping
from convert.data.roles import HashedPicture, assign_roles
from convert.data.split_file import Decision, SplitRecord, SplitRule
from convert.errors import DataError
from convert.report.reading import reading_notes

SIZE = {"height": 8, "width": 8}
ROUNDS = Grouping("pattern", r"_s(\d+)")


def scene(seed: int, side: int = 40) -> Image.Image:
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def shoot(folder: Path, subjects: Iterable[int], *, classes: int = 3, each: int = 2) -> None:
    """Each subject shows every class a few times."""
    for subject, label, take in itertools.product(subjects, range(classes), range(each)):
        path = folder / "abcdefgh"[label] / f"{'xyzuvw'[take]}_s{subject}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(1000 * subject + 10 * label + take).save(path)


def roles(splits: FolderSplits) -> dict[str, str]:
    sets = {"train": splits.train, "validation": splits.validation, "test": splits.test,
            "train, familiar": splits.familiar}  # fmt: skip
    return {
        name: role
        for role, pictures in sets.items()
        if pictures is not None
        for name in pictures.names
    }


def subject_of(name: str) -> str:
    return name.rpartition("_s")[2]


def test_a_subject_is_in_one_part(tmp_path: Path) -> None:
    shoot(tmp_path, range(30))
    splits = read_folder(tmp_path, **SIZE, grouping=ROUNDS)
    found: dict[str, set[str]] = {}
    for name, role in roles(splits).items():
        found.setdefault(subject_of(name), set()).add(role.split(",")[0])
    assert all(len(parts) == 1 for parts in found.values())
    assert set().union(*found.values()) == {"train", "validation", "test"}
    assert splits.groups == 30
    # Without groups chance tears most subjects apart.
    single = roles(read_folder(tmp_path, **SIZE, split_file=tmp_path.parent / "single.json"))
    torn = {
        subject: {r for n, r in single.items() if subject_of(n) == subject} for subject in found
    }
    assert sum(len(parts) > 1 for parts in torn.values()) > 15


def test_new_pictures_of_an_old_subject_join_it_and_move_nothing(tmp_path: Path) -> None:
    shoot(tmp_path, range(20))
    before = roles(read_folder(tmp_path, **SIZE, grouping=ROUNDS))
    shoot(tmp_path, range(10), each=4)
    shoot(tmp_path, range(20, 40))
    after = roles(read_folder(tmp_path, **SIZE))  # the grouping is the file's
    assert {name: after[name] for name in before} == before
    old = {subject_of(name): role.split(",")[0] for name, role in before.items()}
    for name, role in after.items():
        assert role.split(",")[0] == old.get(subject_of(name), role.split(",")[0])


def test_looks_and_series_without_a_pattern(tmp_path: Path) -> None:
    for subject, label in itertools.product(range(25), range(2)):
        path = tmp_path / "ab"[label] / f"IMG_{2 * subject + label + 100}.png"
        path.parent.mkdir(exist_ok=True)
        scene(100 * subject + label).save(path)
    splits = read_folder(tmp_path, **SIZE, grouping=Grouping("looks"))
    got = roles(splits)
    for subject in range(25):
        assert got[f"a/IMG_{2 * subject + 100}.png"] == got[f"b/IMG_{2 * subject + 101}.png"]
    assert splits.groups == 25


def test_each_class_gets_half_of_its_share(tmp_path: Path) -> None:
    for seed in range(6):
        folder = tmp_path / str(seed)
        shoot(folder, range(100 * seed, 100 * seed + 14), classes=2, each=3)
        splits = read_folder(folder, **SIZE, grouping=ROUNDS)
        assert splits.test is not None
        for pictures in (splits.validation, splits.test):
            assert min(pictures.counts().values()) >= 3  # half of 15 % of 42
        assert min(splits.train.counts().values()) >= 14


def test_a_class_that_is_one_series(tmp_path: Path) -> None:
    """40 frames of a webcam that did not move, in each class."""
    for label, number in itertools.product(range(2), range(40)):
        path = tmp_path / "ab"[label] / f"frame-{number}.png"
        path.parent.mkdir(exist_ok=True)
        image = np.array(scene(label))
        image[0, number] ^= 1
        Image.fromarray(image).save(path)
    with pytest.raises(
        DataError,
        match=r"class 'a': expected a picture to train on and another to validate on, got 40 that "
        r"all look alike or were taken in one series, .* another occasion, .* --group-by none",
    ):
        read_folder(tmp_path, **SIZE, grouping=Grouping("looks"))
    with pytest.raises(DataError, match="same text by the pattern 'frame'"):
        read_folder(tmp_path, **SIZE, grouping=Grouping("pattern", "frame"))
    assert not (tmp_path / "split.json").exists()
    assert len(roles(read_folder(tmp_path, **SIZE))) == 80


def test_another_grouping_is_refused(tmp_path: Path) -> None:
    shoot(tmp_path, range(8))
    read_folder(tmp_path, **SIZE, grouping=ROUNDS)
    with pytest.raises(DataError, match="expected a split by looks and series, got one by the pat"):
        read_folder(tmp_path, **SIZE, grouping=Grouping("looks"))
    read_folder(tmp_path, **SIZE, grouping=ROUNDS)


def test_a_split_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    shoot(tmp_path, range(8))
    before = roles(read_folder(tmp_path, **SIZE))
    document = json.loads((tmp_path / "split.json").read_bytes())
    document["version"] = 1
    del document["grouping"]
    (tmp_path / "split.json").write_text(json.dumps(document))
    assert roles(read_folder(tmp_path, **SIZE)) == before
    with pytest.raises(DataError, match="got one by single pictures"):
        read_folder(tmp_path, **SIZE, grouping=ROUNDS)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "else", "pattern": None},
        {"kind": "pattern", "pattern": None},
        {"kind": "looks", "pattern": "x"},
        {},
        None,
    ],
)
def test_a_damaged_grouping_is_refused(tmp_path: Path, change: object) -> None:
    shoot(tmp_path, range(8))
    read_folder(tmp_path, **SIZE)
    document = json.loads((tmp_path / "split.json").read_bytes())
    document["grouping"] = change
    (tmp_path / "split.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="expected a split file"):
        read_folder(tmp_path, **SIZE)


# Familiar pictures


def test_familiar_pictures_are_of_trained_subjects_and_stay(tmp_path: Path) -> None:
    shoot(tmp_path, range(60), classes=4, each=6)
    splits = read_folder(tmp_path, **SIZE, grouping=ROUNDS)
    assert splits.familiar is not None
    trained = {subject_of(name) for name in splits.train.names}
    assert {subject_of(name) for name in splits.familiar.names} <= trained
    assert not set(splits.familiar.names) & set(splits.train.names)
    total = len(splits.familiar) + len(splits.train)
    # A twentieth, give or take five deviations of a binomial count (1,000 * 0.05 * 0.95: 6.9).
    assert abs(len(splits.familiar) - 0.05 * total) < 35
    before = roles(splits)
    shoot(tmp_path, range(70), classes=4, each=6)
    after = roles(read_folder(tmp_path, **SIZE))
    assert {name: after[name] for name in before} == before


def test_a_familiar_picture_stays_one_when_its_group_is_deleted() -> None:
    decisions = {
        "a": Decision("train", "a" * 8, "a" * 8),
        "b": Decision("train", "b" * 8, "a" * 8, familiar=True),
        "c": Decision("validation", "c" * 8),
        "d": Decision("train", "d" * 8),
    }
    record = SplitRecord(SplitRule(), decisions, Grouping("looks"))
    left = [HashedPicture(name, 0, name * 8, None) for name in "bcd"]
    made, kept = assign_roles(left, ("x",), record)
    assert [decision.familiar for decision in made] == [True, False, False]
    assert kept.decisions["b"].familiar


def test_small_sets_give_none_away_and_later_not_what_was_trained_on(tmp_path: Path) -> None:
    shoot(tmp_path, range(10), classes=4, each=6)
    splits = read_folder(tmp_path, **SIZE, grouping=ROUNDS)
    assert splits.familiar is None
    trained = set(splits.train.names)
    shoot(tmp_path, range(70), classes=4, each=6)
    later = read_folder(tmp_path, **SIZE)
    assert later.familiar is not None
    assert not trained & set(later.familiar.names)


# The rule on its own


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=8, max_size=25),
    seed=st.integers(0, 50),
    late=st.integers(0, 30),
)
def test_no_group_is_torn_and_nothing_moves(sizes: list[int], seed: int, late: int) -> None:
    pictures, groups = [], []
    for group, size in enumerate(sizes):
        start = len(pictures)
        for number in range(size):
            name = f"{group}-{number}"
            pictures.append(HashedPicture(name, number % 2, f"{seed}/{name}".encode().hex(), None))
        groups.append(list(range(start, start + size)))
    early = max(0, len(pictures) - late)
    both = Counter(p.label for p in pictures)
    if min(both.get(0, 0), both.get(1, 0)) < 4:
        return
    record = SplitRecord(SplitRule(seed), {}, Grouping("looks"))
    try:
        first, kept = assign_roles(
            pictures[:early], ("a", "b"), record, [[i for i in g if i < early] for g in groups]
        )
    except DataError:
        return  # too few groups: a class could not be in two parts
    second, _ = assign_roles(pictures, ("a", "b"), kept, groups)
    assert [d.role for d in second[: len(first)]] == [d.role for d in first]
    for positions in groups:
        assert len({second[position].role for position in positions}) == 1


def test_a_picture_that_joins_two_parts_goes_with_the_most() -> None:
    decisions = {
        name: Decision(role, name * 8)
        for name, role in (("a", "train"), ("b", "train"), ("c", "validation"), ("d", "validation"))
    }
    record = SplitRecord(SplitRule(), decisions, Grouping("looks"))
    pictures = [HashedPicture(name, 0, name * 8, None) for name in "abcde"]
    made, _ = assign_roles(pictures, ("x",), record, [[0, 1, 2, 4]])
    assert [d.role for d in made] == ["train", "train", "validation", "validation", "train"]


def test_what_took_the_names_of_others_stays_together() -> None:
    """A camera's program that counts from one again writes other scenes under the old names."""
    decisions = {
        name: Decision(role, name * 8)
        for name, role in (("a", "train"), ("b", "test"), ("c", "train"), ("d", "validation"))
    }
    record = SplitRecord(SplitRule(), decisions, Grouping("looks"))
    # Behind each name another content: one scene of three, and a picture by itself.
    pictures = [HashedPicture(name, 0, name * 9, None) for name in "abcd"]
    made, _ = assign_roles(pictures, ("x",), record, [[0, 1, 2]])
    assert [d.role for d in made] == ["train", "train", "train", "validation"]


def test_a_group_that_a_new_picture_makes_of_two_parts_is_named(tmp_path: Path) -> None:
    shoot(tmp_path, range(12))
    first = read_folder(tmp_path, **SIZE, grouping=ROUNDS)
    assert first.torn_groups == ()
    trained = subject_of(first.train.names[0]).removesuffix(".png")
    seen = scene(1000 * int(subject_of(first.validation.names[0]).removesuffix(".png")))
    seen.resize((50, 50)).save(tmp_path / "a" / f"late_s{trained}.png")
    second = read_folder(tmp_path, **SIZE)
    assert {name: roles(second)[name] for name in roles(first)} == roles(first)
    ((one, other),) = second.torn_groups
    assert roles(second)[one] != roles(second)[other]
    (note,) = (note for note in reading_notes(second) if "two parts" in note)
    assert f"earlier decisions stay: 1, such as that of {one} and {other};" in note


# The cache


def test_decoded_pictures_are_kept_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    shoot(tmp_path / "data", range(8))
    cache = tmp_path / "cache"
    first = read_folder(tmp_path / "data", **SIZE, cache=cache)
    assert "Decoded pictures are kept in" in first.cache_note
    (file,) = cache.iterdir()
    assert file.name == "8x8-none.npz"
    for path in sorted((tmp_path / "data" / "a").iterdir()):
        path.rename(path.with_name("again " + path.name))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a kept picture was decoded again")

    monkeypatch.setattr("convert.scanning.facts.decode", refuse)
    second = read_folder(tmp_path / "data", **SIZE, cache=cache)
    assert second.cache_note == ""
    assert np.array_equal(np.sort(first.train.images, 0), np.sort(second.train.images, 0))
    assert {n.replace("again ", ""): r for n, r in roles(second).items()} == roles(first)
    assert first.train.digest == second.train.digest


def test_no_cache_for_small_pictures_or_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoot(tmp_path / "data", range(8))
    cache = tmp_path / "cache"
    assert read_folder(tmp_path / "data", **SIZE, cache=cache).cache_note == ""
    assert not cache.exists()
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    usage = type("Usage", (), {"free": 1 << 20})
    monkeypatch.setattr(picture_cache.shutil, "disk_usage", lambda path: usage)
    note = read_folder(tmp_path / "data", **SIZE, cache=cache).cache_note
    assert "are not kept" in note
    assert "1 MB are free" in note
    assert not list(cache.iterdir())


def test_a_damaged_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    shoot(tmp_path / "data", range(8))
    cache = tmp_path / "cache"
    read_folder(tmp_path / "data", **SIZE, cache=cache)
    (file,) = cache.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"8x8-none\.npz: expected pictures .* remove the file"):
        read_folder(tmp_path / "data", **SIZE, cache=cache)


def test_what_another_version_has_decoded_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    shoot(tmp_path / "data", range(4))
    cache = tmp_path / "cache"
    first = read_folder(tmp_path / "data", **SIZE, cache=cache)
    (file,) = cache.iterdir()
    with np.load(file) as arrays:
        old = {name: arrays[name] for name in arrays.files}
    old["images"][:] = 7
    for made_by in ({"made_by": np.array("Pillow 1.0")}, None):
        del old["made_by"]  # as the first version wrote it
        old.update(made_by or {})
        np.savez(file, **old)
        again = read_folder(tmp_path / "data", **SIZE, cache=cache)
        assert again.train.digest == first.train.digest
        assert "are kept in" in again.cache_note
        assert read_folder(tmp_path / "data", **SIZE, cache=cache).cache_note == ""


def test_a_place_for_the_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_PIXELS", 1)
    shoot(tmp_path / "data", range(4))
    (tmp_path / "out").touch()
    note = read_folder(tmp_path / "data", **SIZE, cache=tmp_path / "out" / "cache").cache_note
    assert "are not kept" in note
    assert note.endswith("Not a directory")


# What the scan listed


def test_what_the_scan_lists_is_left_out(tmp_path: Path) -> None:
    from convert.scan import main

    shoot(tmp_path, range(10))
    (tmp_path / "a" / "broken.png").write_bytes(b"no picture")
    wrong = (tmp_path / "a" / "x_s1.png").read_bytes()
    (tmp_path / "b" / "wrong.png").write_bytes(wrong)
    with pytest.raises(
        DataError, match=r"1 of 62 pictures cannot be decoded; `python -m convert\.scan`"
    ):
        read_folder(tmp_path, **SIZE)
    assert main([str(tmp_path), "--quiet"]) == 0
    splits = read_folder(tmp_path, **SIZE)
    assert [skipped.name for skipped in splits.skipped] == [
        "a/broken.png",
        "a/x_s1.png",
        "b/wrong.png",
    ]
    assert len(roles(splits)) == 59
    # The wrong copy is gone: nothing speaks against the other any more.
    (tmp_path / "b" / "wrong.png").unlink()
    assert "a/x_s1.png" in roles(read_folder(tmp_path, **SIZE, split_file=tmp_path / "other.json"))
    (tmp_path / "b" / "wrong.png").write_bytes(wrong)
    # Replaced since: the list was about another file.
    scene(7777).save(tmp_path / "a" / "broken.png")
    assert "a/broken.png" in roles(read_folder(tmp_path, **SIZE))
    (tmp_path / "a" / "broken.png").write_bytes(b"broken otherwise")
    with pytest.raises(DataError, match=r"broken\.png.*1 of 62 pictures cannot be decoded"):
        read_folder(tmp_path, **SIZE)
