"""The embedded sample: whole, by the rule, and no picture in two parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.command import run_command
from convert.data import cifar10, contact_sheet, sample, sample_build
from convert.data.pictures import PictureSet
from convert.data.split import take_per_class
from convert.errors import DataError


@pytest.fixture(scope="module")
def embedded() -> sample.Sample:
    return sample.load_sample()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sample that may be damaged."""
    return Path(shutil.copytree(sample.SAMPLE_FOLDER, tmp_path / "sample"))


def pixels(pictures: PictureSet) -> set[bytes]:
    return {image.tobytes() for image in pictures.images}


def test_sizes_and_balance(embedded: sample.Sample) -> None:
    per_class = {"calibration": 50, "validation": 250, "test": 200}
    for part, pictures in embedded.parts.items():
        assert pictures.counts() == dict.fromkeys(cifar10.CLASS_NAMES, per_class[part])
        # Every prefix of whole rounds is balanced.
        assert pictures.labels[:30].tolist() == list(range(10)) * 3


def test_no_picture_stands_in_two_parts(embedded: sample.Sample) -> None:
    calibration, validation, test = (pixels(part) for part in embedded.parts.values())
    assert (len(calibration), len(validation), len(test)) == (500, 2500, 2000)
    assert not calibration & validation
    assert not calibration & test
    assert not validation & test


def test_under_ten_megabytes() -> None:
    files = [path for path in sample.SAMPLE_FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10_000_000


def test_provenance(embedded: sample.Sample) -> None:
    document = embedded.provenance()
    assert document["name"] == "CIFAR-10 sample"
    assert document["classes"] == list(cifar10.CLASS_NAMES)
    assert document["splits"]["test"] == {"count": 2000, "digest": embedded.test.digest}
    assert json.loads(json.dumps(document)) == document


def test_png_pictures_are_the_first_of_their_classes(embedded: sample.Sample) -> None:
    paths = sample.picture_paths()
    assert [path.name for path in paths] == [f"{name}.png" for name in sorted(cifar10.CLASS_NAMES)]
    for path in paths:
        label = cifar10.CLASS_NAMES.index(path.stem)
        assert np.array_equal(np.asarray(Image.open(path)), embedded.test.images[label])


def test_the_sample_is_the_one_the_rule_gives(embedded: sample.Sample, shared_dir: Path) -> None:
    folder = shared_dir / "data" / "cifar-10-batches-bin"
    splits = cifar10.read_splits(folder)
    test = cifar10.read_test(folder)
    assert np.array_equal(embedded.validation.images, splits.validation.images[:2500])
    # Ranks 500..549 of all training records are ranks 0..49 of those left to train on.
    calibration = splits.train.subset(take_per_class(splits.train, start=0, stop=50))
    assert np.array_equal(embedded.calibration.images, calibration.images)
    tested = test.subset(take_per_class(test, start=0, stop=200))
    assert np.array_equal(embedded.test.images, tested.images)
    assert pixels(embedded.calibration) <= pixels(splits.train)
    assert not pixels(embedded.validation) & pixels(splits.train)


def test_sheet_round_trip_with_a_row_that_is_not_full(tmp_path: Path) -> None:
    images = np.zeros((7, 32, 32, 3), dtype=np.uint8)
    images[:, 3:9, 4:6] = np.random.default_rng(0).integers(0, 256, (7, 6, 2, 3))
    (tmp_path / "sheet.webp").write_bytes(contact_sheet.encode_sheet(images, columns=3))
    with Image.open(tmp_path / "sheet.webp") as sheet:
        assert sheet.size == (3 * 32, 3 * 32)
        assert np.array_equal(np.asarray(sheet)[32:64, 64:96], images[5])
    got = contact_sheet.read_sheet(tmp_path / "sheet.webp", count=7, columns=3)
    assert np.array_equal(got, images)
    assert contact_sheet.encode_sheet(images, columns=3) == (tmp_path / "sheet.webp").read_bytes()


def test_another_picture_in_a_sheet(copy: Path) -> None:
    images = np.zeros((500, 32, 32, 3), dtype=np.uint8)
    (copy / "calibration.webp").write_bytes(contact_sheet.encode_sheet(images))
    with pytest.raises(DataError, match=r"calibration\.webp: expected digest 4a29c6.*, got "):
        sample.load_sample(copy)


def test_a_sheet_of_another_size(copy: Path) -> None:
    shutil.copy(copy / "test.webp", copy / "validation.webp")
    with pytest.raises(
        DataError, match=r"validation\.webp: expected .*\(1600, 1600, 3\), got \(1280"
    ):
        sample.load_sample(copy)


def test_a_damaged_sheet(copy: Path) -> None:
    whole = (copy / "calibration.webp").read_bytes()
    (copy / "calibration.webp").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"contact sheet: .*calibration\.webp"):
        sample.load_sample(copy)
    (copy / "calibration.webp").unlink()
    with pytest.raises(DataError, match=r"calibration\.webp.*No such file"):
        sample.load_sample(copy)


def test_labels_that_do_not_fit(copy: Path) -> None:
    document = json.loads((copy / "sample.json").read_bytes())
    document["sheets"]["calibration"]["labels"][:2] = [1, 0]
    (copy / "sample.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"calibration\.webp: expected digest"):
        sample.load_sample(copy)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"name":"a","classes":["b"],"sheets":1}'])
def test_no_index(copy: Path, content: str) -> None:
    (copy / "sample.json").write_text(content)
    with pytest.raises(DataError, match=r"sample\.json: expected the index that .*--build"):
        sample.load_sample(copy)


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sample\.json: expected the sample's index, got No such"):
        sample.load_sample(tmp_path)


def test_verify_on_the_command_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(sample.main, ["--verify"]) == 0
    assert "calibration: 500 pictures, digest 4a29c6" in capsys.readouterr().out
    shutil.copy(copy / "pictures" / "cat.png", copy / "pictures" / "ship.png")
    assert run_command(sample.main, ["--verify", "--folder", str(copy)]) == 2
    assert "ship.png: expected a test picture of its class" in capsys.readouterr().err
    shutil.rmtree(copy / "pictures")
    assert run_command(sample.main, ["--verify", "--folder", str(copy)]) == 2
    assert "expected PNG pictures, got none" in capsys.readouterr().err


def test_a_png_that_names_no_class(copy: Path) -> None:
    (copy / "pictures" / "cat.png").rename(copy / "pictures" / "lynx.png")
    with pytest.raises(DataError, match=r"lynx\.png: expected a name among"):
        sample.verify_sample(copy)


def test_build_needs_data(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        sample.main(["--build"])
    assert exit_info.value.code == 2
    assert "--build needs --data DIR" in capsys.readouterr().err


def test_build_writes_what_verify_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build on a small stand-in for CIFAR-10: the real one takes minutes of WebP search."""
    data, folder = tmp_path / "data", tmp_path / "built"
    data.mkdir()
    for seed, name in enumerate((*cifar10.TRAIN_FILES, cifar10.TEST_FILE)):
        # Plain colors: noise would keep the WebP search busy for seconds.
        colors = np.random.default_rng(seed).integers(0, 256, (50, 3, 1), dtype=np.uint8)
        records = np.empty((50, 3073), dtype=np.uint8)
        records[:, 1:] = np.repeat(colors, 1024, axis=2).reshape(50, -1)
        records[:, 0] = np.arange(50) % 10
        records.tofile(data / name)
    arguments = ["--build", "--data", str(data), "--folder", str(folder)]
    assert run_command(sample.main, arguments) == 2
    assert "expected the train records of CIFAR-10 with digest 55a61f" in capsys.readouterr().err
    assert not folder.exists()

    monkeypatch.setattr(cifar10, "TRAIN_DIGEST", cifar10.read_training(data).digest)
    monkeypatch.setattr(cifar10, "TEST_DIGEST", cifar10.read_test(data).digest)
    ranks = {"calibration": ("train", 5, 7), "validation": ("train", 0, 5), "test": ("test", 0, 3)}
    monkeypatch.setattr(sample_build, "RANKS", ranks)
    assert run_command(sample.main, arguments) == 0
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(first) == 4 + len(cifar10.CLASS_NAMES)
    assert "test.webp: written" in capsys.readouterr().out
    assert run_command(sample.main, arguments) == 0
    assert "test.webp: unchanged" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in first} == first
    assert sample.load_sample(folder).calibration.counts() == dict.fromkeys(cifar10.CLASS_NAMES, 2)
