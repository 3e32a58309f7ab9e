"""`minivgg-edge evaluate` counts what `Classifier` answers, and refuses what it cannot count."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from recorded_threads import record_threads

from minivgg_edge import Classifier, Prediction, cli
from minivgg_edge.cli import evaluate

pytest.importorskip("PIL", reason="pictures are files here")
from PIL import Image

PER_CLASS = 3


@pytest.fixture(scope="module")
def labels() -> tuple[str, ...]:
    with Classifier() as classifier:
        return classifier.labels


@pytest.fixture
def folder(tmp_path: Path, labels: tuple[str, ...]) -> Path:
    """Random pictures: what the model says to them is asked, not assumed."""
    rng = np.random.default_rng(11)
    place = tmp_path / "set"
    for label in reversed(labels):
        (place / label).mkdir(parents=True)
        for i in range(PER_CLASS):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / label / f"{i}.png")
    return place


def answers(folder: Path, labels: tuple[str, ...]) -> list[tuple[str, str, str, float]]:
    """Ask the classifier picture by picture: (path, true, predicted, score)."""
    rows = []
    with Classifier() as classifier:
        for label in labels:
            for path in sorted((folder / label).glob("*.png")):
                (best,) = classifier.classify(path)
                name = path.relative_to(folder).as_posix()
                rows.append((name, label, best.label, best.score))
    return rows


def test_figures_are_those_of_the_answers(
    folder: Path, labels: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    wanted = answers(folder, labels)
    right = sum(true == predicted for _, true, predicted, _ in wanted)
    assert document["pictures"] == PER_CLASS * len(labels)
    assert document["correct"] == right
    assert document["accuracy"] == right / len(wanted)
    assert document["balanced_accuracy"] == pytest.approx(right / len(wanted))  # equal classes
    assert document["confusion_matrix"] == [
        [sum(row[1:3] == (true, predicted) for row in wanted) for predicted in labels]
        for true in labels
    ]
    assert document["folder"] == str(folder)
    assert document["mean_ms"] > 0
    assert document["unreadable"] == document["missing_labels"] == []


def test_report_for_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(folder), "--num-threads", "2"]) == 0
    captured = capsys.readouterr()
    for part in ("accuracy ", "balanced accuracy ", "(Wilson)", "2 threads", "confusion matrix"):
        assert part in captured.out
    assert captured.err == ""  # no progress where nobody watches


def test_csv(
    folder: Path, labels: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "answers.csv"
    assert cli.main(["evaluate", str(folder), "--csv", str(target)]) == 0
    assert capsys.readouterr().out.endswith(f"\n\n{target}: written\n")
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = answers(folder, labels)
    assert [(r["path"], r["true"], r["predicted"]) for r in rows] == [w[:3] for w in wanted]
    assert [np.float32(r["score"]) for r in rows] == [np.float32(w[3]) for w in wanted]
    assert [r["correct"] for r in rows] == [str(int(w[1] == w[2])) for w in wanted]


def test_csv_that_exists(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "answers.csv"
    command = ["evaluate", str(folder), "--csv", str(target)]
    assert cli.main(command) == 0
    assert cli.main(command) == 0
    assert capsys.readouterr().out.endswith(f"{target}: unchanged\n")
    target.write_text("something else")
    assert cli.main(command) == 2
    assert capsys.readouterr().err == (
        f"minivgg-edge: error: {str(target)!r}: exists with other content; --force replaces it\n"
    )
    assert target.read_text() == "something else"
    assert cli.main([*command, "--force"]) == 0
    assert target.read_text().startswith("path,true,predicted,score,correct\n")


def test_full_disk_leaves_no_csv(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    target = tmp_path / "answers.csv"
    assert cli.main(["evaluate", str(folder), "--csv", str(target)]) == 2
    assert (
        capsys.readouterr().err
        == f"minivgg-edge: error: {str(target)!r}: No space left on device\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_csv_place_is_checked_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "no" / "answers.csv"
    assert cli.main(["evaluate", str(folder), "--csv", str(target)]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        f"minivgg-edge: error: {str(target)!r}: the CSV file's folder does not exist\n"
    )
    assert captured.out == ""
    for name in (str(tmp_path), os.devnull, "."):
        assert cli.main(["evaluate", str(folder), "--csv", name]) == 2
        captured = capsys.readouterr()
        assert f"{name!r}: expected a regular file for --csv, or a new name" in captured.err
        assert captured.out == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_csv_is_written_where_nobody_reads_the_report(
    folder: Path, labels: tuple[str, ...], tmp_path: Path
) -> None:
    target = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "minivgg_edge", "evaluate", str(folder), "--csv", str(target)]
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert run.returncode == 2
    assert b"No space left on device" in run.stderr
    with target.open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + PER_CLASS * len(labels)


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_csv_folder_that_cannot_be_written(
    options: list[str],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "answers.csv"
    if options:
        target.touch()
    # Root may write whatever the mode says.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    assert cli.main(["evaluate", str(folder), "--csv", str(target), *options]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        f"minivgg-edge: error: {str(target)!r}: the CSV file's folder cannot be written\n"
    )
    assert captured.out == ""


def test_unreadable_picture_counts_nowhere(
    folder: Path, labels: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = folder / labels[0] / "0.png"
    bad.write_bytes(bad.read_bytes()[:100])
    target = tmp_path / "answers.csv"
    assert cli.main(["evaluate", str(folder), "--json", "--csv", str(target)]) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["pictures"] == PER_CLASS * len(labels) - 1
    assert document["classes"][0]["pictures"] == PER_CLASS - 1
    (unreadable,) = document["unreadable"]
    assert unreadable["path"] == f"{labels[0]}/0.png"
    assert captured.err == f"minivgg-edge: error: {unreadable['error']}\n"
    assert repr(str(bad)) in unreadable["error"]
    assert f"{labels[0]}/0.png,{labels[0]},,,\n" in target.read_text(encoding="utf-8")


def test_the_mean_time_is_that_of_the_pictures_that_could_be_read(
    folder: Path,
    labels: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / labels[0] / "0.png").write_bytes(b"no picture")
    now = 0.0
    classify = Classifier.classify

    def take_4_ms(self: Classifier, picture: str) -> tuple[Prediction, ...]:
        nonlocal now
        now += 0.004
        return classify(self, picture)

    monkeypatch.setattr(Classifier, "classify", take_4_ms)
    monkeypatch.setattr(evaluate, "time", SimpleNamespace(perf_counter=lambda: now))
    assert cli.main(["evaluate", str(folder), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["mean_ms"] == 4


def test_the_classifier_gets_the_number_of_threads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = record_threads(monkeypatch, evaluate)
    assert cli.main(["evaluate", str(folder), "--num-threads", "2"]) == 0
    assert asked == [2]


def test_nothing_readable_is_no_evaluation(
    tmp_path: Path, labels: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / labels[3]).mkdir()
    (tmp_path / labels[3] / "a.png").touch()
    target = tmp_path / "answers.csv"
    arguments = ["evaluate", str(tmp_path), "--allow-missing", "--csv", str(target)]
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.endswith(f"{str(tmp_path)!r}: none of the 1 pictures could be read\n")
    assert captured.out == ""
    assert not target.exists()


def test_missing_label(
    folder: Path, labels: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / labels[2]).rename(folder / ".aside")
    assert cli.main(["evaluate", str(folder)]) == 2
    assert f"none for {labels[2]!r}" in capsys.readouterr().err
    assert cli.main(["evaluate", str(folder), "--allow-missing", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["missing_labels"] == [labels[2]]
    assert document["classes"][2]["recall"] is None


def test_folder_errors_reach_the_exit_code(
    tmp_path: Path, labels: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(tmp_path / "missing")]) == 2
    assert "expected a folder with one folder per class, got nothing" in capsys.readouterr().err
    (tmp_path / "no such label").mkdir()
    assert cli.main(["evaluate", str(tmp_path)]) == 2
    assert "no label of the model has this name" in capsys.readouterr().err
    (tmp_path / "no such label").rename(tmp_path / labels[0])
    assert cli.main(["evaluate", str(tmp_path), "--allow-missing"]) == 2
    assert "class folder without pictures" in capsys.readouterr().err
