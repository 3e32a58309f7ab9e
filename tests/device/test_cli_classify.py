"""`minivgg-edge classify` says what `Classifier` says, and names each picture it cannot read."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from recorded_threads import record_threads

from minivgg_edge import Classifier, cli
from minivgg_edge.cli import classify
from minivgg_edge.model_file import ModelFile

pytest.importorskip("PIL", reason="pictures are files here")
from PIL import Image


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(7)
    names = []
    for i, shape in enumerate([(32, 32, 3), (50, 41, 3), (20, 90)]):
        path = folder / f"picture {i}.png"
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
        names.append(str(path))
    return names


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "text.jpg"
    path.write_text("this is no picture")
    return str(path)


def test_table_says_what_the_classifier_says(
    pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["classify", *pictures]) == 0
    captured = capsys.readouterr()
    header, *lines = captured.out.splitlines()[:4]
    assert header.split() == ["label", "score", "time", "picture"]
    with Classifier() as classifier:
        for line, picture in zip(lines, pictures, strict=True):
            (best,) = classifier.classify(picture)
            wanted = rf"{best.label} +{100 * best.score:.1f} % +\d+\.\d\d ms  {re.escape(picture)}"
            assert re.fullmatch(wanted, line)
            assert line.index(picture) == header.index("picture")
    assert captured.err == ""


def test_table_says_what_the_time_covers(
    pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["classify", pictures[0], "--num-threads", "2"]) == 0
    text = capsys.readouterr().out
    assert "time: read, decode, resize and run the model, 2 threads" in text
    assert re.search(r"Loading the model took \d+ ms, not included\.", text)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_times_are_milliseconds_of_one_picture_each(
    pictures: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    form: list[str],
) -> None:
    # 2 s for the model, a second before each picture, 5 and 7 ms for the pictures.
    clock = iter([10.0, 12.0, 13.0, 13.005, 14.0, 14.007])
    monkeypatch.setattr(classify, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert cli.main(["classify", *form, *pictures[:2]]) == 0
    lines = capsys.readouterr().out.splitlines()
    if form:
        assert [json.loads(line)["time_ms"] for line in lines] == [5, 7]
    else:
        assert " 5.00 ms " in lines[1]
        assert " 7.00 ms " in lines[2]
        assert "Loading the model took 2000 ms" in lines[-1]


def test_the_classifier_gets_the_number_of_threads(
    pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = record_threads(monkeypatch, classify)
    assert cli.main(["classify", "--num-threads", "2", pictures[0]]) == 0
    assert asked == [2]


def test_top_k_ranks_the_labels(pictures: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["classify", "--top-k", "3", *pictures[:2]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["#", "label", "score", "time", "picture"]
    with Classifier() as classifier:
        wanted = [p for name in pictures[:2] for p in classifier.classify(name, top_k=3)]
    assert [line.split()[:2] for line in lines[1:7]] == [
        [str(i % 3 + 1), prediction.label] for i, prediction in enumerate(wanted)
    ]
    assert [pictures[0] in line for line in lines[1:4]] == [True, False, False]


def test_more_labels_than_there_are_need_no_wider_ranks(
    pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Classifier() as classifier:
        labels = len(classifier.labels)
    tables = []
    for top_k in (labels, 10**24):
        assert cli.main(["classify", "--top-k", str(top_k), pictures[0]]) == 0
        tables.append([line.split()[:2] for line in capsys.readouterr().out.splitlines()])
        assert len(tables[-1]) == 1 + labels + 3  # header, labels, and what the time covers
    assert tables[0][: 1 + labels] == tables[1][: 1 + labels]


def test_nothing_reaches_the_threshold(
    pictures: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether a score is exactly 1 depends on the model; here none may be.
    monkeypatch.setattr(Classifier, "classify", lambda *_arguments, **_options: ())
    assert cli.main(["classify", "--threshold", "1", pictures[0]]) == 0
    header, line = capsys.readouterr().out.splitlines()[:2]
    assert line.startswith("(below threshold)")
    assert line.endswith(pictures[0])
    assert line.index(pictures[0]) == header.index("picture")


def test_none_of_these(
    pictures: list[str],
    capsys: pytest.CaptureFixture[str],
    repack: Callable[..., Path],
    bundled: ModelFile,
) -> None:
    with Classifier() as classifier:
        scores = [classifier.classify(picture)[0].score for picture in pictures]
    least, most = min(scores), max(scores)
    assert least < most  # or no threshold lies between them
    output = dataclasses.replace(bundled.manifest.output, threshold=most)
    model = ["classify", "--model", str(repack(output=output))]
    assert cli.main([*model, "--threshold", "model", *pictures]) == 0
    lines = capsys.readouterr().out.splitlines()[1 : 1 + len(pictures)]
    rejected = [line.startswith("(none of these)") for line in lines]
    assert rejected == [score < most for score in scores]
    assert cli.main([*model, "--threshold", "model", "--json", *pictures]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["predictions"] == [] for document in documents] == rejected


def test_a_model_without_a_threshold(
    without_threshold: Path, pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["classify", "--model", str(without_threshold), "--threshold", "model", *pictures]
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "expected a model that states a threshold for --threshold model" in captured.err


def test_json_lines(pictures: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["classify", "--json", "--top-k", "2", *pictures]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["picture"] for document in documents] == pictures
    with Classifier() as classifier:
        for document in documents:
            wanted = classifier.classify(document["picture"], top_k=2)
            assert document["predictions"] == [
                {"label": p.label, "index": p.index, "score": p.score} for p in wanted
            ]
            assert document["time_ms"] > 0


def test_threshold_is_passed_on(pictures: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["classify", "--json", "--top-k", "99", "--threshold", "0.05", pictures[0]]
    assert cli.main(arguments) == 0
    (document,) = map(json.loads, capsys.readouterr().out.splitlines())
    with Classifier() as classifier:
        wanted = classifier.classify(pictures[0], top_k=99, threshold=0.05)
    assert [found["label"] for found in document["predictions"]] == [p.label for p in wanted]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_bad_picture_is_named_and_the_others_are_classified(
    pictures: list[str], broken: str, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    assert cli.main(["classify", *form, pictures[0], broken, "missing.png", pictures[1]]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("picture 0.png") == 1
    assert captured.out.count("picture 1.png") == 1
    first, second = captured.err.splitlines()
    assert first.startswith(f"minivgg-edge: error: {broken!r}: ")
    assert second.startswith("minivgg-edge: error: 'missing.png': ")
    if form:
        documents = [json.loads(line) for line in captured.out.splitlines()]
        assert [document["picture"] for document in documents] == [
            pictures[0],
            broken,
            "missing.png",
            pictures[1],
        ]
        assert documents[1] == {
            "picture": broken,
            "error": first.removeprefix("minivgg-edge: error: "),
        }


def test_only_bad_pictures_leave_standard_output_empty(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["classify", broken]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [None, b"", b"no model at all", b"\x1c\0\0\0TFL3" + bytes(99)])
def test_bad_model(
    pictures: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
) -> None:
    model = tmp_path / "model.tflite"
    if content is not None:
        model.write_bytes(content)
    assert cli.main(["classify", "--model", str(model), pictures[0]]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"minivgg-edge: error: {str(model)!r}: expected ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_unknown_model_name(pictures: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["classify", "--model", "unheard-of", pictures[0]]) == 2
    assert "unheard-of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--top-k", "0", "a whole number of at least 1, got '0'"),
        ("--top-k", "1.5", "a whole number of at least 1, got '1.5'"),
        ("--num-threads", "-1", "a whole number of at least 1, got '-1'"),
        ("--threshold", "1.01", "a number from 0 to 1, got '1.01'"),
        ("--threshold", "nan", "a number from 0 to 1, got 'nan'"),
        ("--threshold", "half", "a number from 0 to 1, got 'half'"),
    ],
)
def test_bad_numbers(
    capsys: pytest.CaptureFixture[str], option: str, value: str, expected: str
) -> None:
    assert cli.main(["classify", f"{option}={value}", "x.png"]) == 2
    assert f"argument {option}: expected {expected}" in capsys.readouterr().err
