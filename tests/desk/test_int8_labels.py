"""Labels come from a file or the training record, and match pictures by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.inputs import load_identity, load_pictures
from convert.int8.labels import read_labels, read_training_record, reorder
from convert.int8.packing import Identity


def test_a_file_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("7 eleven\r\nchat noir \né\n\n", encoding="utf-8")
    assert read_labels(path) == ("7 eleven", "chat noir", "é")


def test_a_byte_order_mark_is_no_part_of_a_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbfcat\r\ndog\r\n")
    assert read_labels(path) == ("cat", "dog")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cat\n\ndog\n", r"labels\.txt: label 1: expected a name, got ''"),
        (b"cat\ndog\ncat\n", "expected each label once, got 'cat' twice"),
        (b"cat\n", "expected at least 2 labels, got 1"),
        (b"", "expected at least 2 labels, got 0"),
        (b"\xff\xfe", r"labels\.txt: expected UTF-8 text"),
    ],
)
def test_malformed_labels(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_labels(path)


def test_the_training_record(tiny: Tiny, tmp_path: Path) -> None:
    identity = load_identity(tiny.path, name="tiny")
    assert identity.labels == ("red", "green", "blue")
    assert identity.crop == "center"
    assert "command" not in identity.training

    labels = tmp_path / "labels.txt"
    labels.write_text("x\ny\nz\n")
    named = load_identity(tiny.path, name="tiny", labels_file=labels)
    assert named.labels == ("x", "y", "z")

    labels.write_text("green\nred\nblue\n")
    with pytest.raises(DataError, match=r"in the order of .*training\.json, .*leave --labels out"):
        load_identity(tiny.path, name="tiny", labels_file=labels)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "expected JSON"),
        ("[]", "expected a JSON object, got list"),
        ('{"labels": "cat"}', "labels: expected a list, got 'cat'"),
        ('{"labels": ["cat", 3]}', "label 1: expected a name, got 3"),
        ('{"labels": ["cat", "dog "]}', "label 1: expected one line without outer spaces"),
        ('{"labels": ["cat\\nlynx", "dog"]}', "label 0: expected one line without outer spaces"),
        ('{"crop": "left"}', "crop: expected 'none' or 'center', got 'left'"),
    ],
)
def test_a_malformed_record(record: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(record)
    (tmp_path / "model.keras").write_bytes(b"model")
    with pytest.raises(DataError, match=r"training\.json: .*" + message):
        load_identity(tmp_path / "model.keras", name="x")


def test_without_a_record(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"model")
    assert read_training_record(tmp_path / "model.keras") == {}
    identity = load_identity(tmp_path / "model.keras", name="x")
    assert identity.labels == ()
    assert identity.training["float_model"]["size_bytes"] == 5


def test_classes_are_matched_by_name() -> None:
    images = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    pictures = PictureSet(images, np.array([0, 1, 2]), ("10", "2", "cat"))
    renumbered = reorder(pictures, ("cat", "2", "10"), source="data")
    assert renumbered.class_names == ("cat", "2", "10")
    assert renumbered.labels.tolist() == [2, 1, 0]
    with pytest.raises(DataError, match=r"none named \['dog'\], and \['cat'\] besides"):
        reorder(pictures, ("10", "2", "dog"), source="data")


def test_pictures_of_the_sample_in_the_order_of_a_model(tmp_path: Path) -> None:
    names = load_pictures(None, _identity(()), size=(32, 32)).validation.class_names
    turned = tuple(reversed(names))
    pictures = load_pictures(None, _identity(turned), size=(32, 32))
    assert pictures.validation.class_names == turned
    assert pictures.test is not None
    assert len(pictures.calibration) == 500


def test_pictures_of_a_folder(tiny: Tiny) -> None:
    pictures = load_pictures(tiny.data, _identity(("blue", "green", "red")), size=(16, 16))
    assert pictures.calibration.class_names == ("blue", "green", "red")
    assert [len(pictures.calibration), len(pictures.validation)] == [120, 180]


def _identity(labels: tuple[str, ...]) -> Identity:
    return Identity("x", labels)
