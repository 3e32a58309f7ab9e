"""A scan finds what was put into a folder, and nothing in a folder without faults."""

from __future__ import annotations

import io
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert import scan as command
from convert.command import run_command
from convert.data.disjoint_sets import DisjointSets
from convert.data.folder import read_folder
from convert.errors import DataError
from convert.report.scan import scan_page, scan_text
from convert.scanning.duplicates import MOST_BITS, exact_duplicates, near_duplicates
from convert.scanning.facts import Facts, Header, perceptual_hash, read_header
from convert.scanning.groups import group_pictures
from convert.scanning.scan import scan_folder
from convert.scanning.series import find_series
from convert.scanning.skip_list import read_skip_list
from convert.training.input_size import folder_short_sides


def scene(seed: int, side: int = 96) -> Image.Image:
    """A picture of colored blobs that no other seed gives."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def fill(folder: Path, count: int = 20, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    """Different pictures in each class, without numbers in their names."""
    for label, name in enumerate(classes):
        for number in range(count):
            letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:02}")
            save(folder / name / f"{letters}.png", scene(1000 * label + number))
    return folder


def codes(folder: Path) -> dict[str, str]:
    """Severity by code of what a scan finds."""
    return {finding.code: finding.severity for finding in scan_folder(folder).findings}


def test_nothing_is_found_in_a_good_folder(tmp_path: Path) -> None:
    scan = scan_folder(fill(tmp_path))
    assert scan.findings == ()
    assert scan.skip == {}
    assert [(c.name, c.count, c.decodable, c.width, c.height) for c in scan.classes] == [
        ("cat", 20, 20, 96, 96),
        ("dog", 20, 20, 96, 96),
    ]
    assert "Nothing to complain about." in scan_text(scan)


def test_undecodable_pictures_are_listed_and_skipped(tmp_path: Path) -> None:
    fill(tmp_path)
    whole = (tmp_path / "cat" / "aa.png").read_bytes()
    (tmp_path / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dog" / "text.jpg").write_text("no picture")
    scan = scan_folder(tmp_path)
    (finding,) = scan.findings
    assert (finding.code, finding.severity) == ("undecodable", "warning")
    assert finding.pictures == (("cat/cut.png",), ("dog/text.jpg",))
    assert set(scan.skip) == {"cat/cut.png", "dog/text.jpg"}
    assert "damaged or cut off" in scan.skip["cat/cut.png"]["reason"]
    assert scan.skip["dog/text.jpg"]["reason"].startswith("not a picture")


def test_what_to_do_with_a_photo_of_a_phone(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "cat" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    reason = scan_folder(tmp_path).skip["cat/phone.heic"]["reason"]
    assert reason == "HEIC, which Pillow cannot read here: convert it to JPEG"


@pytest.mark.timeout(60)
def test_a_pipe_with_the_name_of_a_picture(tmp_path: Path) -> None:
    """Nobody writes into it: whoever opens it waits for ever."""
    fill(tmp_path)
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    scan = scan_folder(tmp_path)
    assert scan.skip["cat/pipe.jpg"]["reason"] == "expected a picture file, got a FIFO"


def test_copies_within_a_class_and_across(tmp_path: Path) -> None:
    fill(tmp_path, 21)  # with one skipped, still not a tiny class
    copy = (tmp_path / "cat" / "aa.png").read_bytes()
    (tmp_path / "cat" / "again.png").write_bytes(copy)
    (tmp_path / "dog" / "wrong.png").write_bytes((tmp_path / "cat" / "ab.png").read_bytes())
    scan = scan_folder(tmp_path)
    found = {finding.code: finding.pictures for finding in scan.findings}
    assert found == {
        "label-conflict": (("cat/ab.png", "dog/wrong.png"),),
        "exact-duplicates": (("cat/aa.png", "cat/again.png"),),
    }
    # Which label is right nobody can tell; a copy within a class does no harm.
    assert set(scan.skip) == {"cat/ab.png", "dog/wrong.png"}


def test_the_same_scene_saved_again(tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "cat" / "saved.jpg", scene(3), quality=60)
    save(tmp_path / "cat" / "smaller.png", scene(4).resize((60, 60)))
    save(tmp_path / "dog" / "other.jpg", scene(5), quality=80)
    found = {finding.code: finding.pictures for finding in scan_folder(tmp_path).findings}
    assert found == {
        "near-duplicates": (
            ("cat/ad.png", "cat/saved.jpg"),
            ("cat/ae.png", "cat/smaller.png"),
        ),
        "near-duplicates-across-classes": (("cat/af.png", "dog/other.jpg"),),
    }


def test_the_same_scene_in_two_parts(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    for name in ("cat", "dog"):
        for number in range(3):
            save(
                tmp_path / "test" / name / f"{'xyz'[number]}.png",
                scene(5000 + 100 * len(name) + number + 50 * (name == "dog")),
            )
    save(tmp_path / "test" / "cat" / "seen.jpg", scene(7), quality=85)
    found = {finding.code: finding.pictures for finding in scan_folder(tmp_path).findings}
    assert found["duplicates-across-parts"] == (("train/cat/ah.png", "test/cat/seen.jpg"),)


def test_tiny_unequal_and_hopeless_classes(tmp_path: Path) -> None:
    fill(tmp_path, 30, ("many",))
    save(tmp_path / "one" / "a.png", scene(90))
    for number in range(5):
        save(tmp_path / "few" / f"{'abcde'[number]}.png", scene(95 + number))
    assert codes(tmp_path) == {
        "hopeless-class": "error",
        "tiny-class": "warning",
        "imbalance": "warning",
    }


def refused(folder: Path) -> bool:
    """Whether training refuses to read the folder."""
    try:
        read_folder(folder, height=8, width=8, split_file=folder.parent / "split.json")
    except DataError:
        return True
    return False


def errors(folder: Path) -> set[str]:
    return {code for code, severity in codes(folder).items() if severity == "error"}


def test_a_class_of_copies_is_hopeless(tmp_path: Path) -> None:
    data = fill(tmp_path / "data")
    for name in "ab":
        save(data / "eel" / f"{name}.png", scene(5000))
    assert errors(data) == {"hopeless-class"}
    assert refused(data)
    save(data / "eel" / "c.png", scene(5001))
    assert errors(data) == set()
    assert not refused(data)


def test_a_class_that_is_skipped_is_hopeless(tmp_path: Path) -> None:
    data = fill(tmp_path / "data")
    for number in range(2):
        for name in ("cat", "eel"):
            save(data / name / f"{'xy'[number]}.png", scene(5000 + number))
    assert errors(data) == {"hopeless-class"}
    assert run_command(command.main, [str(data), "--quiet"]) == 1
    with pytest.raises(
        DataError,
        match=r"expected train pictures of every class, got none of \['eel'\]; left out .* 4",
    ):
        read_folder(data, height=8, width=8)


def test_a_class_that_is_missing_in_a_part(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data / "train")
    for number in range(3):
        save(data / "val" / "cat" / f"{'xyz'[number]}.png", scene(5000 + number))
    (data / "val" / "dog").mkdir()
    (data / "val" / "dog" / "x.png").write_bytes(b"no picture")
    assert errors(data) == {"class-missing-in-part"}
    assert refused(data)
    save(data / "val" / "dog" / "y.png", scene(5007))
    assert errors(data) == set()


def test_copies_in_two_parts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data / "train")
    for label, number in itertools.product(range(2), range(3)):
        save(data / "test" / ("cat", "dog")[label] / f"{'xyz'[number]}.png",
             scene(5000 + 10 * label + number))  # fmt: skip
    (data / "test" / "cat" / "broken.png").write_bytes(b"no picture")
    (data / "train" / "cat" / "broken.png").write_bytes(b"no picture")
    assert errors(data) == set()
    save(data / "test" / "cat" / "seen.png", scene(7))
    found = {finding.code: finding for finding in scan_folder(data).findings}
    assert found["copies-across-parts"].severity == "error"
    assert found["copies-across-parts"].pictures == (("train/cat/ah.png", "test/cat/seen.png"),)
    assert "duplicates-across-parts" not in found
    assert command.main([str(data), "--quiet"]) == 1
    assert refused(data)


def test_a_class_that_is_one_series(tmp_path: Path) -> None:
    """As training, which has to hold some of it out, says."""
    fill(tmp_path)
    for number in range(25):
        image = np.array(scene(7000))
        image[0, number] ^= 1
        save(tmp_path / "emu" / f"frame-{number}.png", Image.fromarray(image))
    found = {finding.code: finding for finding in scan_folder(tmp_path).findings}
    assert found["one-series"].severity == "warning"
    assert found["one-series"].sentence == (
        "all 25 pictures of class 'emu' look alike or were taken in one series"
    )
    assert "--group-by none" in found["one-series"].advice
    save(tmp_path / "emu" / "other.png", scene(7001))
    assert "one-series" not in codes(tmp_path)


@pytest.mark.parametrize(
    ("other", "shown"),
    [("Cat", "'Cat' and 'cat'"), ("caf\u00e9", None), ("\uff43at", "'cat' and '\\uff43at'")],
)
def test_classes_whose_names_look_alike(tmp_path: Path, other: str, shown: str | None) -> None:
    fill(tmp_path, classes=("cat", "dog", other))
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system takes both names for one")
    found = {finding.code: finding for finding in scan_folder(tmp_path).findings}
    assert ("alike-names" in found) == (shown is not None)
    if shown is not None:
        assert found["alike-names"].severity == "warning"
        assert f"classes {shown} have" in found["alike-names"].sentence


def test_parts_that_are_given_need_no_second_series(tmp_path: Path) -> None:
    for part, start in (("train", 0), ("val", 500)):
        for label, number in itertools.product(range(2), range(20)):
            image = np.array(scene(start + label))
            image[0, number] ^= 1
            save(tmp_path / part / "ab"[label] / f"frame-{number}.png", Image.fromarray(image))
    assert "one-series" not in codes(tmp_path)


def test_a_part_of_an_unknown_name(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    for label, number in itertools.product(range(2), range(3)):
        name = ("cat", "dog")[label]
        save(tmp_path / "holdout" / name / f"{'xyz'[number]}.png", scene(9000 + 10 * label))
    save(tmp_path / "more" / "a.png", scene(9999))
    (tmp_path / "notes").mkdir()
    scan = scan_folder(tmp_path)
    (finding,) = (finding for finding in scan.findings if finding.code == "unused-folders")
    assert finding.severity == "warning"
    assert finding.sentence.endswith("are passed over: 'holdout', 'more'")
    assert scan.ignored == ("holdout", "more", "notes")
    assert "Passed over, no pictures of a class: 3 (holdout, more, notes)" in scan_text(scan)
    (tmp_path / "holdout").rename(tmp_path / "valid")
    (tmp_path / "more" / "a.png").unlink()
    assert "unused-folders" not in codes(tmp_path)


def test_looks_and_sizes(tmp_path: Path) -> None:
    fill(tmp_path)
    cat = tmp_path / "cat"
    save(cat / "grey.png", scene(201).convert("L"))
    save(cat / "small.png", scene(202).resize((20, 20)))
    save(cat / "long.png", scene(203).resize((300, 60)))
    transparent = scene(204).convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
    save(cat / "alpha.png", transparent)
    save(cat / "moving.gif", scene(205), save_all=True, append_images=[scene(206)])
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    save(cat / "turned.jpg", scene(207).resize((96, 48)), exif=exif)
    scan = scan_folder(tmp_path)
    found = {f.code: (f.severity, f.pictures) for f in scan.findings}
    assert found == {
        "small": ("warning", (("cat/small.png",),)),
        "aspect": ("warning", (("cat/long.png",),)),
        "grey": ("warning", (("cat/grey.png",),)),
        "transparent": ("note", (("cat/alpha.png",),)),
        "animated": ("note", (("cat/moving.gif",),)),
        "rotated": ("note", (("cat/turned.jpg",),)),
        "gps": ("note", (("cat/turned.jpg",),)),
    }
    (turned,) = (facts for facts in scan.facts if facts.name == "cat/turned.jpg")
    assert (turned.width, turned.height) == (48, 96)


def test_an_animation_that_was_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its first picture is whole, which is the one that counts; nowhere may it be a traceback."""
    frames = [scene(seed, 24) for seed in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    whole = stream.getvalue()
    fill(tmp_path)
    headers = set()
    for cut in range(len(whole) // 2, len(whole), 61):
        (tmp_path / "cat" / "moving.gif").write_bytes(whole[:cut])
        header = read_header(tmp_path / "cat" / "moving.gif")
        headers.add((header.format, header.frames))
        assert folder_short_sides(tmp_path)
    assert ("GIF", 1) in headers
    assert run_command(command.main, [str(tmp_path)]) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tag", "taken"),
    [
        (0x9003, "2026:01:01 10:00:00"),  # DateTimeOriginal
        (0x9004, "2026:01:01 10:00:00"),  # DateTimeDigitized
        (0x0132, None),  # DateTime: when a program has changed the file
    ],
)
def test_the_moment_of_the_exposure(tmp_path: Path, tag: int, taken: str | None) -> None:
    exif = Image.Exif()
    (exif if tag == 0x0132 else exif.get_ifd(0x8769))[tag] = "2026:01:01 10:00:00"
    save(tmp_path / "cat" / "1.jpg", scene(1), exif=exif)
    assert read_header(tmp_path / "cat" / "1.jpg").taken == taken


def test_grey_alone_is_no_fault(tmp_path: Path) -> None:
    for label, number in itertools.product(range(2), range(20)):
        save(tmp_path / "ab"[label] / f"{'abcdefghijklmnopqrst'[number]}.png",
             scene(100 * label + number).convert("L"))  # fmt: skip
    assert codes(tmp_path) == {"grey": "note"}


# Series


def facts(name: str, label: int, taken: str | None = None, phash: int = 0) -> Facts:
    thumbnail = np.zeros((64, 64, 3), np.uint8)
    return Facts(name, label, 1, name, Header(taken=taken), 64, 64, False, phash, thumbnail)


FAR = [0x0F0F0F0F0F0F0F0F * (i % 2) ^ (0xFFFF << 4 * i) & (2**64 - 1) for i in range(10)]


def test_rounds_through_the_classes() -> None:
    """0 1 2 | 0 1 1 2 | gap | 1 2: a second try stays in its round, a gap ends one."""
    labels = [0, 1, 2, 0, 1, 1, 2, None, None, None, None, 1, 2]
    found = [
        facts(f"c{label}/IMG_{100 + number}.JPG", label)
        for number, label in enumerate(labels)
        if label is not None
    ]
    series = find_series(found)
    assert series.rounds == ((0, 1, 2), (3, 4, 5, 6), (7, 8))
    assert series.bursts == ()


def test_two_cameras_with_one_number_leave_the_rounds() -> None:
    found = [facts(f"c{n % 3}/IMG_{100 + n}.JPG", n % 3, None, FAR[n % 10]) for n in range(30)]
    rounds = find_series(found).rounds
    assert [len(each) for each in rounds] == [3] * 10
    found.append(facts("c1/IMG_105.JPG", 1, None, FAR[3]))  # of class 2 above
    assert find_series(found).rounds == rounds
    # Files are in the order of their classes: the other camera's may come first.
    found.insert(0, found.pop())
    shifted = find_series(found).rounds
    assert shifted[0] == (1, 2, 3)
    assert shifted[1] == (4, 5, 0)
    assert shifted[2:] == tuple(tuple(n + 1 for n in each) for each in rounds[2:])


def test_an_ordinary_class_beside_rounds_is_judged_by_itself() -> None:
    """Its numbers follow each other, its pictures are of different things but for two."""
    found = [facts(f"c{n % 3}/IMG_{100 + n}.JPG", n % 3, None, FAR[n % 10]) for n in range(30)]
    rounds = find_series(found).rounds
    for number in range(90):
        value = FAR[7] if number == 8 else FAR[number % 10]
        found.append(facts(f"none/DSC_{number:04}.JPG", 3, None, value))
    series = find_series(found)
    assert series.rounds == rounds
    assert series.bursts == ((37, 38),)
    # The same where one camera took all of them.
    found[30:] = [
        facts(f"none/IMG_{900 + i}.JPG", 3, None, f.phash) for i, f in enumerate(found[30:])
    ]
    assert find_series(found) == series


def test_bursts_by_time() -> None:
    times = ["2026:01:01 10:00:00", "2026:01:01 10:00:01", "2026:01:01 10:00:03",
             "2026:01:01 10:05:00", None]  # fmt: skip
    found = [facts(f"cat/IMG_{n}.JPG", 0, time, FAR[n]) for n, time in enumerate(times)]
    found.append(facts("dog/IMG_5.JPG", 1, "2026:01:01 10:00:01", FAR[5]))
    assert find_series(found).bursts == ((0, 1, 2),)


def test_bursts_without_numbers() -> None:
    found = [facts("cat/a.jpg", 0, "2026:01:01 10:00:00", FAR[0]),
             facts("cat/b.jpg", 0, "2026:01:01 10:00:02", FAR[1]),
             facts("cat/c.jpg", 0, "not a time", FAR[2])]  # fmt: skip
    assert find_series(found).bursts == ((0, 1),)


def test_bursts_without_times_need_resemblance() -> None:
    hashes = [0b0, 0b11111, 0b1111111111, 2**40 - 1]
    found = [facts(f"cat/frame_{n}.png", 0, None, value) for n, value in enumerate(hashes)]
    assert find_series(found).bursts == ((0, 1, 2),)


def test_each_class_numbered_from_one_is_no_series() -> None:
    found = [facts(f"{c}/{n}.png", c, None, FAR[n]) for c in range(2) for n in range(1, 9)]
    series = find_series(found)
    assert series.rounds == ()


# Groups


def test_groups_join_looks_and_series() -> None:
    found = [facts("cat/IMG_1.JPG", 0, "2026:01:01 10:00:00", FAR[0]),
             facts("cat/IMG_2.JPG", 0, "2026:01:01 10:00:01", FAR[1]),
             facts("cat/copy.jpg", 0, None, FAR[1]),
             facts("dog/x.jpg", 1, None, FAR[3])]  # fmt: skip
    assert group_pictures(found) == [[0, 1, 2]]


def test_a_pattern_instead_of_series() -> None:
    found = [facts(f"{c}/{who}_{c}.jpg", n % 2, None, FAR[n])
             for n, (c, who) in enumerate(itertools.product("ab", ("ann", "bob")))]  # fmt: skip
    found.append(facts("a/other.jpg", 0, None, FAR[8]))
    assert group_pictures(found, r"/(\w+)_") == [[0, 2], [1, 3]]
    assert group_pictures(found, "ann|bob") == [[0, 2], [1, 3]]
    with pytest.raises(DataError, match="expected a regular expression"):
        group_pictures(found, "(")
    with pytest.raises(DataError, match="expected a match in the names of the pictures"):
        group_pictures(found, "carla")


def test_a_group_pattern_for_no_pictures() -> None:
    with pytest.raises(DataError, match="expected a match"):
        group_pictures([], "x")


# Parts


def test_near_duplicates_over_blocks_agree_with_a_plain_loop(monkeypatch) -> None:
    from convert.scanning import duplicates

    monkeypatch.setattr(duplicates, "_BLOCK", 7)
    random = np.random.default_rng(4)
    base = random.integers(0, 2**64, 5, dtype=np.uint64)
    hashes = [int(base[i % 5]) ^ (1 << int(random.integers(64))) * (i > 5) for i in range(40)]
    found = [facts(f"cat/{i}", 0, None, value) for i, value in enumerate(hashes)]
    sets = DisjointSets(40)
    for i, j in itertools.combinations(range(40), 2):
        if (hashes[i] ^ hashes[j]).bit_count() <= MOST_BITS:
            sets.join(i, j)
    assert near_duplicates(found) == sets.groups()
    assert len(sets.groups()) == 5
    assert exact_duplicates(found) == []


def test_the_hash_is_that_of_imagehash() -> None:
    import imagehash

    image = scene(11, 64)
    assert f"{perceptual_hash(np.asarray(image)):016x}" == str(imagehash.phash(image))


# The command


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fill(tmp_path / "pets & <b>others")
    save(folder / "cat" / "<script>.jpg", scene(3), quality=60, exif=_gps())
    (folder / "dog" / "line\nbreak.png").write_bytes(b"no")
    page = tmp_path / "out" / "page.html"
    assert run_command(command.main, [str(folder), "--page", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "look the same as another of their class" in printed
    assert "line\\nbreak.png" in printed
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;.jpg" in text
    assert "pets &amp; &lt;b&gt;" in text
    assert b"Exif" not in page.read_bytes()
    assert read_skip_list(folder / "scan.json") == {"dog/line\nbreak.png": _sha256(b"no")}
    before = (folder / "scan.json").read_bytes()
    assert run_command(command.main, [str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(before)
    assert (folder / "scan.json").read_bytes() == before


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(command.main, [str(tmp_path / "none")]) == 2
    save(tmp_path / "one" / "a.png", scene(1))
    save(tmp_path / "two" / "a.png", scene(2))
    assert run_command(command.main, [str(tmp_path), "--quiet"]) == 1
    assert run_command(command.main, [str(tmp_path), "-o", str(tmp_path / "no" / "x.json")]) == 2
    assert "name a place with --out" in capsys.readouterr().err
    (tmp_path / ".page").mkdir()
    assert run_command(command.main, [str(tmp_path), "--page", str(tmp_path / ".page")]) == 2
    assert "name a place with --page" in capsys.readouterr().err


def test_the_page_shows_groups(tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "cat" / "saved.jpg", scene(3), quality=60)
    page = scan_page(scan_folder(tmp_path))
    assert page.count('<div class="group">') == 1
    assert page.count("data:image/jpeg;base64,") == 2


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"format": "x", "version": 1}'])
def test_what_is_no_scan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scan.json"
    path.write_text(text)
    with pytest.raises(DataError, match="expected a scan"):
        read_skip_list(path)
    with pytest.raises(DataError, match="No such file"):
        read_skip_list(tmp_path / "none.json")


def test_real_photos(shared_dir: Path) -> None:
    """Each signer shows ten digits, one after the other: consecutive numbers are a round."""
    scan = scan_folder(shared_dir / "data" / "sign-language-digits")
    found = {finding.code: finding for finding in scan.findings}
    rounds = found["rounds"].pictures
    assert (rounds[0][0], rounds[0][-1]) == ("0/IMG_1118.JPG", "9/IMG_1127.JPG")
    complete = [group for group in rounds if len(group) == 10]
    assert len(complete) > 0.9 * len(rounds)
    assert not {"undecodable", "label-conflict", "exact-duplicates"} & set(found)


def _gps() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def test_a_thumbnail_carries_nothing_but_pixels(tmp_path: Path) -> None:
    import base64
    import re

    fill(tmp_path)
    save(tmp_path / "cat" / "saved.jpg", scene(3), quality=60, exif=_gps())
    page = scan_page(scan_folder(tmp_path))
    for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", page):
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert dict(image.getexif()) == {}
