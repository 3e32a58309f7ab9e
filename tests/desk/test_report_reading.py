"""What is said about a folder of images after it was read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from convert.data.folder import read_folder
from convert.data.pictures import Splits
from convert.report.reading import reading_notes


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder of parts with a picture of its own in each place."""
    for number, place in enumerate(
        ("train/cat", "train/dog", "validation/cat", "validation/dog"), start=1
    ):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (6, 6), (50 * number, 0, 0)).save(tmp_path / place / "1.png")
    return tmp_path


def test_nothing_to_say(parts: Path) -> None:
    splits = read_folder(parts, height=3, width=3)
    assert reading_notes(splits) == ()
    assert reading_notes(Splits("CIFAR-10", splits.train, splits.validation, None)) == ()


def test_everything_at_once(parts: Path) -> None:
    (parts / "train" / "cat" / "broken.png").write_bytes(b"no picture")
    (parts / "notes.txt").touch()
    (parts / "train" / "dog" / "Thumbs.db").touch()
    # The same pixels as validation/cat/1.png at the model's size, in another file.
    Image.new("RGB", (9, 9), (150, 0, 0)).save(parts / "train" / "cat" / "again.png")
    notes = reading_notes(read_folder(parts, height=3, width=3, skip_broken=True))
    assert len(notes) == 3
    assert notes[0].startswith("Skipped: 1, such as ")
    assert "broken.png" in notes[0]
    assert notes[1] == "Ignored, no pictures of a class: 2, such as notes.txt"
    assert "two parts: 1, such as train/cat/again.png and validation/cat/1.png" in notes[2]


def test_names_that_no_terminal_shows_as_they_are(parts: Path) -> None:
    (parts / "notes \x1b[2J\udce4.txt").touch()
    (note,) = reading_notes(read_folder(parts, height=3, width=3))
    assert note == r"Ignored, no pictures of a class: 1, such as notes \x1b[2J\udce4.txt"


def test_where_the_split_is_kept(parts: Path) -> None:
    kept = parts / "kept.json"
    folder = parts / "train"
    for name in ("cat", "dog"):
        Image.new("RGB", (6, 6), (1, 2, ord(name[0]))).save(folder / name / "2.png")
    notes = reading_notes(read_folder(folder, height=3, width=3, split_file=kept))
    assert notes == (f"The split is kept in {kept}",)
