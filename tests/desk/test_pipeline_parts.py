"""The hash of a folder, the state on the disk, and where training looks for a scan."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from folder_runs import fill

from convert.__main__ import main
from convert.command import run_command
from convert.data.folder import read_folder
from convert.data.source import load_splits
from convert.errors import DataError
from convert.folder_lock import locked
from convert.int8.arguments import parse_arguments as quantize_arguments
from convert.pipeline.arguments import parse_request
from convert.pipeline.errors import StateError
from convert.pipeline.folder_digest import folder_digest
from convert.pipeline.run import Run
from convert.pipeline.state import State, StepRecord, open_state, read_state
from convert.pipeline.steps import train_step
from convert.report.outcome import _confusions_table, _matrix
from convert.scan import main as scan_main
from convert.scores.options import score_settings
from convert.scores.settings import ScoreSettings
from convert.search.method import Method


def digest(folder: Path) -> str:
    return folder_digest(folder, lambda done, total: None)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos", ("bolt", "nut"), 3)


# The command line


def test_options_of_the_compilation_are_handed_on() -> None:
    words = ["photos", "--name", "parts", "--ranges", "percentile", "--percentile", "99.9"]
    words += ["--equalize", "--equalization", "weights", "--bias-correction", "--max-drop", "0.25"]
    words += ["--temperature", "fit", "--accept-accuracy", "97.5", "--output", "softmax"]
    given = list(parse_request(None, words).quantization)
    assert "--equalize" in given
    found = quantize_arguments(None, given)
    assert found.method == Method("percentile", 99.9, "weights", True)
    assert found.max_drop == pytest.approx(0.0025)
    assert score_settings(found) == ScoreSettings("softmax", True, pytest.approx(0.975))
    assert parse_request(None, ["photos", "--name", "parts"]).quantization == ()
    searched = parse_request(
        None, ["photos", "--name", "parts", "--search", "--time-budget", "90"]
    ).quantization
    found = quantize_arguments(None, list(searched))
    assert found.search
    assert found.time_budget == 90.0


def test_options_that_contradict_each_other_are_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse_request(None, ["photos", "--name", "parts", "--search", "--equalize"])
    assert "--search chooses by itself: expected it without --equalize" in capsys.readouterr().err


# The hash of a folder


def test_the_digest_is_of_names_and_contents_alone(photos: Path, tmp_path: Path) -> None:
    before = digest(photos)
    moved = photos.rename(tmp_path / "elsewhere")
    for path in moved.rglob("*.jpg"):
        os.utime(path, (0, 0))
    (moved / "notes.txt").write_text("no picture")
    seen: list[tuple[int, int]] = []
    assert folder_digest(moved, lambda done, total: seen.append((done, total))) == before
    assert seen == [(n, 6) for n in range(1, 7)]


@pytest.mark.parametrize("change", ["content", "name", "class", "more", "fewer", "unreadable"])
def test_every_change_of_the_pictures_changes_the_digest(change: str, photos: Path) -> None:
    before = digest(photos)
    path = photos / "bolt" / "p0007x.jpg"
    if change == "content":
        path.write_bytes(path.read_bytes() + b"x")
    elif change == "name":
        path.rename(path.with_name("other.jpg"))
    elif change == "class":
        path.rename(photos / "nut" / "moved.jpg")
    elif change == "more":
        (photos / "nut" / "more.jpg").write_bytes(path.read_bytes())
    elif change == "fewer":
        path.unlink()
    else:
        path.unlink()
        path.symlink_to(photos / "nowhere.jpg")
    assert digest(photos) != before


def test_a_folder_without_classes_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 2 classes"):
        digest(tmp_path)


# The state


def test_the_state_survives(tmp_path: Path) -> None:
    record = StepRecord({"pictures": "ab"}, {"scan.json": "cd"}, 0, "python -m convert.scan 'ф'")
    state = State("my-parts", "1.0", "pi5").with_done("scan", record)
    state = state.with_begun("train", {"options": "-x"})
    state.write(tmp_path / "state.json")
    assert read_state(tmp_path / "state.json") == state
    again = open_state(tmp_path / "state.json", name="my-parts", version="2.0", board=None)
    assert (again.version, again.board, again.steps) == ("2.0", None, state.steps)


def test_another_teacher_or_start_under_the_same_name_is_another_training(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convert.pipeline.steps._skips_digest", lambda places: "")  # no scan here
    teacher, start = tmp_path / "teacher.keras", tmp_path / "start.keras"
    teacher.write_bytes(b"1")
    start.write_bytes(b"2")
    words = ["--teacher", str(teacher), "--init", str(start)]
    request = parse_request(None, [str(photos), "--name", "mine", "--", *words])
    state = State("mine", "1.0")
    seen = [train_step(request, state, "pictures").inputs]
    for path in (teacher, start):
        path.write_bytes(b"3")
        seen.append(train_step(request, state, "pictures").inputs)
    assert len({json.dumps(inputs) for inputs in seen}) == 3
    plain = parse_request(None, [str(photos), "--name", "mine"])
    assert set(train_step(plain, state, "pictures").inputs) == {
        "pictures", "skipped pictures", "options"
    }  # fmt: skip


def test_a_step_that_begins_again_is_no_longer_done() -> None:
    record = StepRecord({}, {}, 0, "")
    state = State("x", "1.0").with_done("scan", record).with_begun("scan", {"pictures": "new"})
    assert state.steps == {}
    assert state.begun == {"scan": {"pictures": "new"}}
    assert state.with_done("scan", record).begun == {}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "minivgg-edge-run", "format_version": 9}', "\0",
     '{"format": "minivgg-edge-run", "format_version": 1, "name": "x", "version": "1", '
     '"board": null, "steps": {"scan": {"inputs": {}}}, "begun": {}}'],
)  # fmt: skip
def test_a_damaged_state_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(StateError, match=re.escape(str(path))):
        read_state(path)


def test_a_new_folder_may_be_missing_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        assert open_state(folder / "state.json", name="x", version="1.0", board=None).steps == {}
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(StateError, match="expected a new folder"):
            open_state(folder / "state.json", name="x", version="1.0", board=None)


def test_a_folder_of_a_run_without_its_state_is_taken_up(tmp_path: Path) -> None:
    for name in ("scan.json", "split.json", "x.tflite", "report.html", ".minivgg-edge-0.tmp"):
        (tmp_path / name).write_text(name)
    (tmp_path / "training").mkdir()
    state = open_state(tmp_path / "state.json", name="x", version="1.0", board=None)
    assert (state.name, state.steps) == ("x", {})
    assert (tmp_path / "split.json").read_text() == "split.json"
    with pytest.raises(StateError, match=r"got something else: 'x\.tflite': name another --out"):
        open_state(tmp_path / "state.json", name="y", version="1.0", board=None)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(StateError, match=r"got something else: 'mine\.txt'"):
        open_state(tmp_path / "state.json", name="x", version="1.0", board=None)


# Two runs in one folder


def test_a_second_run_in_a_folder_ends_at_once(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with locked(out):
        assert run_command(main, [str(photos), "--name", "x", "--out", str(out), "--quiet"]) == 2
    assert f"error: {out}: expected no other run at work there, got one" in capsys.readouterr().err
    assert list(out.iterdir()) == []
    with locked(out):  # it ended with the block
        pass


def test_what_another_run_did_meanwhile_counts(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    request = parse_request(None, [str(photos), "--name", "x", "--out", str(out), "--quiet"])
    run = Run(request, lambda text: None)
    out.mkdir()
    done = StepRecord({"pictures": "of the other"}, {}, 0, "python -m convert.scan")
    State("x", "1.0").with_done("scan", done).write(request.places.state)
    for step in ("_do", "_refuse_hopeless"):
        monkeypatch.setattr(Run, step, lambda *_, **__: 0)
    assert run.run() == 0
    kept = read_state(request.places.state)
    assert kept is not None
    assert kept.steps == {"scan": done}


# Where training looks for a scan


@pytest.fixture
def broken(photos: Path) -> Path:
    """A folder in which one picture cannot be decoded; it is only read."""
    (photos / "bolt" / "broken.jpg").write_bytes(b"no picture")
    return photos


def test_a_scan_is_found_beside_the_split(broken: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with pytest.raises(DataError, match="cannot be decoded"):
        read_folder(broken, height=8, width=8, split_file=out / "split.json")
    scan_main([str(broken), "--out", str(out / "scan.json"), "--quiet"])
    for read in (read_folder, load_splits):
        splits = read(broken, height=8, width=8, split_file=out / "split.json")
        assert [skipped.name for skipped in splits.skipped] == ["bolt/broken.jpg"]
    assert sorted(path.name for path in broken.iterdir()) == ["bolt", "nut"]


def test_a_scan_that_is_named_goes_before(broken: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere.json"
    out.mkdir()
    scan_main([str(broken), "--out", str(elsewhere), "--quiet"])
    document = json.loads(elsewhere.read_bytes())
    for place in (out, broken):
        (place / "scan.json").write_text(json.dumps({**document, "skip": {}}))
    for read in (read_folder, load_splits):
        splits = read(broken, height=8, width=8, split_file=out / "split.json", scan_file=elsewhere)
        assert [skipped.name for skipped in splits.skipped] == ["bolt/broken.jpg"]
    with pytest.raises(DataError, match="expected a scan"):
        load_splits(broken, height=8, width=8, scan_file=tmp_path / "missing.json")


def test_without_one_beside_the_split_that_of_the_folder_counts(
    broken: Path, tmp_path: Path
) -> None:
    scan_main([str(broken), "--quiet"])
    splits = read_folder(broken, height=8, width=8, split_file=tmp_path / "split.json")
    assert [skipped.name for skipped in splits.skipped] == ["bolt/broken.jpg"]


# The page


def test_the_matrix_and_the_most_frequent_mistakes() -> None:
    counts = np.array([[4, 0, 1], [0, 0, 4], [0, 9, 16]]).tolist()
    shown = {
        "split": "test",
        "target_confusion": counts,
        "per_class": [{"label": label} for label in ("a", "b\n", "c")],
    }
    matrix = _matrix(shown)
    assert [[cell.count for cell in row] for row in matrix.rows] == counts
    assert [[cell.heat for cell in row] for row in matrix.rows] == [
        [50, 0, 33],
        [0, 0, 67],
        [0, 100, 100],
    ]
    found = _confusions_table(shown)
    assert found is not None
    assert found.rows == (("c", "b\\n", "9"), ("b\\n", "c", "4"), ("a", "c", "1"))
    assert _confusions_table({**shown, "target_confusion": [[1, 0], [0, 1]]}) is None
