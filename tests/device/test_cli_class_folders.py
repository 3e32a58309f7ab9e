"""Class folders are matched to labels by name, and every mismatch is an error that names it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from minivgg_edge.cli.class_folders import FolderError, read_class_folders

LABELS = ("zebra", "cat", "10")  # neither sorted nor numeric: the order of folders must not matter


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not read here")


def test_pictures_in_the_order_of_the_labels(tmp_path: Path) -> None:
    fill(tmp_path, "cat/b.png", "cat/a.JPG", "cat/deep/er/c.webp", "10/x.png", "zebra/z.gif")
    found = read_class_folders(str(tmp_path), LABELS)
    assert [(p.name, p.index) for p in found.pictures] == [
        ("zebra/z.gif", 0),
        ("cat/a.JPG", 1),
        ("cat/b.png", 1),
        ("cat/deep/er/c.webp", 1),
        ("10/x.png", 2),
    ]
    assert all(Path(p.path).is_file() for p in found.pictures)
    assert found.missing == ()
    assert found.skipped == 0


def test_other_files_are_counted_and_hidden_ones_ignored(tmp_path: Path) -> None:
    fill(tmp_path, "cat/a.png", "10/x.png", "zebra/z.gif")
    fill(tmp_path, "notes.txt", "cat/Thumbs.db", "cat/.DS_Store", ".git/config", "cat/.x/a.png")
    found = read_class_folders(str(tmp_path), LABELS)
    assert len(found.pictures) == 3
    assert found.skipped == 2


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_to_folders_are_counted_and_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "set/cat/a.png", "set/10/x.png", "elsewhere/b.png", "elsewhere/c.png")
    (tmp_path / "set" / "zebra").symlink_to(tmp_path / "elsewhere")  # a class folder itself
    (tmp_path / "set" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "cat" / ".hidden").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "10" / "circle").symlink_to(tmp_path / "set")
    found = read_class_folders(str(tmp_path / "set"), LABELS)
    assert [p.name for p in found.pictures] == [
        "zebra/b.png",
        "zebra/c.png",
        "cat/a.png",
        "10/x.png",
    ]
    assert found.skipped == 2
    (tmp_path / "set" / "cat" / "a.png").unlink()
    with pytest.raises(FolderError, match=r", got links to folders, which are not followed$"):
        read_class_folders(str(tmp_path / "set"), LABELS)


def test_missing_label_is_an_error_unless_allowed(tmp_path: Path) -> None:
    fill(tmp_path, "cat/a.png")
    message = "expected a folder for each of the 3 labels, none for 'zebra', '10'"
    with pytest.raises(FolderError, match=message):
        read_class_folders(str(tmp_path), LABELS)
    found = read_class_folders(str(tmp_path), LABELS, allow_missing=True)
    assert [p.index for p in found.pictures] == [1]
    assert found.missing == ("zebra", "10")


@pytest.mark.parametrize("name", ["Cat", "cat ", "1", "010", "lion"])
def test_unknown_folder_name(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "cat/a.png", f"{name}/a.png")
    message = (
        f"{str(tmp_path / name)!r}: no label of the model has this name; "
        "expected one of 'zebra', 'cat', '10'"
    )
    with pytest.raises(FolderError, match=re.escape(message) + "$"):
        read_class_folders(str(tmp_path), LABELS, allow_missing=True)


@pytest.mark.parametrize(
    ("label", "name"), [("K\xe4fer", "Ka\u0308fer"), ("Ka\u0308fer", "K\xe4fer")]
)
def test_the_same_name_in_other_characters(tmp_path: Path, label: str, name: str) -> None:
    fill(tmp_path, "cat/a.png", f"{name}/a.png")
    if (tmp_path / label).exists():
        pytest.skip("this file system takes both for the same name")
    message = (
        f"{label!a} is written with other Unicode characters (NFC/NFD) than {name!a}: "
        "rename the folder"
    )
    with pytest.raises(FolderError, match=re.escape(message) + "$"):
        read_class_folders(str(tmp_path), ("cat", label))


def test_folder_above_gets_a_hint(tmp_path: Path) -> None:
    fill(tmp_path, "test/cat/a.png")
    message = f"did you mean {str(tmp_path / 'test')!r}?"
    with pytest.raises(FolderError, match=re.escape(message)):
        read_class_folders(str(tmp_path), LABELS)


def test_many_labels_are_not_all_listed(tmp_path: Path) -> None:
    fill(tmp_path, "lion/a.png")
    with pytest.raises(FolderError, match=r"'18', '19' and 80 more$"):
        read_class_folders(str(tmp_path), [str(i) for i in range(100)])


def test_class_folder_without_pictures(tmp_path: Path) -> None:
    fill(tmp_path, "zebra/z.gif", "10/x.png")
    (tmp_path / "cat").mkdir()
    message = f"{str(tmp_path / 'cat')!r}: class folder without pictures: expected files ending in "
    with pytest.raises(FolderError, match=re.escape(message) + r".*\.png.*, got an empty folder"):
        read_class_folders(str(tmp_path), LABELS)
    fill(tmp_path, "cat/a.svg", "cat/b.svg", "cat/c.txt")
    with pytest.raises(FolderError, match=r"got 3 other files \(\.svg, \.txt\)"):
        read_class_folders(str(tmp_path), LABELS)


def test_no_folder(tmp_path: Path) -> None:
    fill(tmp_path, "file")
    for name, got in (("missing", "nothing"), ("file", "a file")):
        message = (
            f"{str(tmp_path / name)!r}: expected a folder with one folder per class, got {got}"
        )
        with pytest.raises(FolderError, match=re.escape(message)):
            read_class_folders(str(tmp_path / name), LABELS)


def test_the_empty_name_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "zebra/z.gif", "cat/a.png", "10/x.png")
    monkeypatch.chdir(tmp_path)
    assert len(read_class_folders(".", LABELS).pictures) == 3
    with pytest.raises(FolderError, match=r"^'': expected a folder .* per class, got nothing"):
        read_class_folders("", LABELS)


def test_no_class_folders(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    message = "expected one folder per class ('zebra', 'cat', '10'), found no folder"
    with pytest.raises(FolderError, match=re.escape(message)):
        read_class_folders(str(tmp_path), LABELS)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX names")
def test_line_end_in_a_name_cannot_fake_a_line(tmp_path: Path) -> None:
    fill(tmp_path, "a\nb/a.png")
    with pytest.raises(FolderError) as caught:
        read_class_folders(str(tmp_path), LABELS)
    assert "\n" not in str(caught.value)


def test_folder_that_cannot_be_listed_is_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "zebra/z.gif", "10/x.png", "cat/a.png", "cat/locked/b.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root could list it whatever its mode
    with pytest.raises(PermissionError, match="Permission denied"):
        read_class_folders(str(tmp_path), LABELS)
