"""Confusion matrices and flips of the answers' document, against hand-worked tables."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import answers as answers_module
from benchmarks.answers import MOST_FLIPS, Answers, main, to_json
from convert.command import run_command
from convert.data.pictures import PictureSet

NAMES = ("ant", "bee", "cow")


def made(float32: list[list[float]], int8: list[list[float]], truth: list[int]) -> Answers:
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (len(truth), 4, 4, 3), dtype=np.uint8)
    pictures = PictureSet(images, np.array(truth, dtype=np.int64), NAMES)
    return Answers("D", pictures, np.array(float32, np.float32), np.array(int8, np.float32))


@pytest.fixture
def four() -> Answers:
    """Truth, float and int8: ant ant ant; bee bee cow; cow ant bee; cow cow cow."""
    return made(
        [[0.8, 0.1, 0.1], [0.1, 0.5, 0.4], [0.7, 0.2, 0.1], [0.0, 0.1, 0.9]],
        [[0.7, 0.2, 0.1], [0.1, 0.4, 0.5], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]],
        [0, 1, 2, 2],
    )


def test_document(four: Answers) -> None:
    document = json.loads(json.dumps(to_json(four, date="2026-01-02", command="c")))
    assert (document["schema"], document["kind"], document["count"]) == (1, "answers", 4)
    assert document["labels"] == list(NAMES)
    assert document["float32"] == {"top1": 3 / 4, "confusion": [[1, 0, 0], [0, 1, 0], [1, 0, 1]]}
    assert document["int8"] == {"top1": 2 / 4, "confusion": [[1, 0, 0], [0, 0, 1], [0, 1, 1]]}
    assert document["flip_count"] == 2
    # The third picture's scores moved by 0.6, the second's by 0.1.
    first, second = document["flips"]
    assert (first["index"], second["index"]) == (2, 1)
    assert first["truth"] == "cow"
    assert (first["float32_label"], first["float32_score"]) == ("ant", 0.7)
    assert (first["int8_label"], first["int8_score"]) == ("bee", 0.8)
    png = base64.b64decode(first["png_base64"])
    with Image.open(io.BytesIO(png)) as image:
        np.testing.assert_array_equal(np.asarray(image), four.pictures.images[2])


def test_pictures_are_limited_but_counted() -> None:
    count = MOST_FLIPS + 5
    answers = made([[1.0, 0.0, 0.0]] * count, [[0.0, 1.0, 0.0]] * count, [0] * count)
    document = to_json(answers, date="2026-01-02", command="c")
    assert document["flip_count"] == count
    assert [flip["index"] for flip in document["flips"]] == list(range(MOST_FLIPS))


def test_equal_answers_have_no_flips() -> None:
    scores = [[0.2, 0.3, 0.5]] * 2
    assert to_json(made(scores, scores, [0, 1]), date="d", command="c")["flips"] == []


def test_command(
    four: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = iter([four.float32, four.int8])
    monkeypatch.setattr(answers_module, "float_model_file", lambda _path, _name: b"float")
    monkeypatch.setattr(answers_module, "score_all", lambda _model, _images: next(scores))
    monkeypatch.setattr(
        answers_module, "read_test_pictures", lambda _data, _file: ("D", four.pictures)
    )
    out = tmp_path / "made" / "answers.json"
    assert main(["--out", str(out)]) == 0
    document = json.loads(out.read_bytes())
    assert document["command"] == f"python -m benchmarks.answers --out {out}"
    assert capsys.readouterr().out == (
        f"D, test, 4 pictures: float32 75.00%, int8 50.00%, 2 got another label\n{out}: written\n"
    )


def test_bad_data_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(main, ["--data", str(tmp_path / "none"), "--out", str(tmp_path / "o")]) == 2
    assert "expected a folder with a data set" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
