"""The forms of an evaluation, for programs and persons: each figure from a table by hand."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re

import pytest

from minivgg_edge.cli.evaluation import Answer, Evaluation, to_csv, to_json
from minivgg_edge.cli.evaluation_report import to_lines

LABELS = ("cat", "dog", "猫")


def evaluation(**changes: object) -> Evaluation:
    """Return cat 2 of 3 right and one unreadable, dog 1 of 2 right, 猫 without pictures."""
    fields: dict[str, object] = {
        "labels": LABELS,
        "answers": (
            Answer("cat/1.png", 0, 0, 0.75),
            Answer("cat/2.png", 0, 0, 0.9375),
            Answer("cat/3, or 4.png", 0, 1, 0.50390625),
            Answer("cat/5.png", 0, None, None, "'cat/5.png': empty file"),
            Answer("dog/1.png", 1, 1, 0.3),
            Answer("dog/\udcff.png", 1, 0, 1.0),
        ),
        "missing": ("猫",),
        "skipped": 4,
        "mean_ms": 1.23456,
        "num_threads": 1,
        "header": (("model", "tiny"), ("sha256", "ab" * 32), ("folder", "test\nset")),
    }
    return Evaluation(**{**fields, **changes})  # type: ignore[arg-type]


def test_json() -> None:
    document = to_json(evaluation())
    json.dumps(document, allow_nan=False)
    assert document["model"] == "tiny"
    assert document["verified"] is True
    assert document["pictures"] == 5
    assert document["correct"] == 3
    assert document["accuracy"] == 3 / 5
    assert document["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    # Wilson's formula by hand: n = 5, k = 3, z = 1.96
    assert document["accuracy_interval"]["low"] == pytest.approx(0.2307, abs=1e-4)
    assert document["accuracy_interval"]["high"] == pytest.approx(0.8824, abs=1e-4)
    assert document["confusion_matrix"] == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert document["missing_labels"] == ["猫"]
    assert document["skipped_files"] == 4
    assert document["mean_ms"] == 1.235
    assert document["unreadable"] == [{"path": "cat/5.png", "error": "'cat/5.png': empty file"}]
    cat, _dog, missing = document["classes"]
    assert {**cat, "recall_interval": None} == {
        "label": "cat",
        "index": 0,
        "pictures": 3,
        "correct": 2,
        "recall": 2 / 3,
        "precision": 2 / 3,
        "f1": 2 / 3,
        "recall_interval": None,
    }
    assert missing["recall"] is None
    assert missing["precision"] is None
    assert missing["recall_interval"] is None


def test_csv() -> None:
    text = to_csv(evaluation()).decode("utf-8")
    assert list(csv.reader(io.StringIO(text))) == [
        ["path", "true", "predicted", "score", "correct"],
        ["cat/1.png", "cat", "cat", "0.75", "1"],
        ["cat/2.png", "cat", "cat", "0.9375", "1"],
        ["cat/3, or 4.png", "cat", "dog", "0.50390625", "0"],
        ["cat/5.png", "cat", "", "", ""],
        ["dog/1.png", "dog", "dog", "0.3", "1"],
        ["dog/\\udcff.png", "dog", "cat", "1", "0"],
    ]


def test_csv_of_a_name_with_the_end_of_a_line() -> None:
    answers = [Answer(name, 0, None, math.nan) for name in ("cat/a\rb.jpg", "cat/c\nd.jpg")]
    text = to_csv(dataclasses.replace(evaluation(), answers=tuple(answers))).decode("utf-8")
    assert text == (
        'path,true,predicted,score,correct\n"cat/a\rb.jpg",cat,,,\n"cat/c\nd.jpg",cat,,,\n'
    )


def test_lines() -> None:
    text = "\n".join(to_lines(evaluation()))
    assert "folder             test\\nset" in text
    assert "pictures           5 in 2 classes" in text
    assert "accuracy           60.00 % (3 right), 95 % interval 23.07 to 88.24 % (Wilson)" in text
    assert "balanced accuracy  58.33 % (mean recall of the classes)" in text
    assert "1.23 ms per picture (mean of read, decode, resize and run the model; 1 thread)" in text
    assert "unreadable         1, counted nowhere above" in text
    assert "missing labels     猫" in text
    assert "skipped files      4 (no pictures by their ending" in text
    assert re.search(r"^cat +3 +2 +66\.7 % +20\.8 to 93\.9 % +66\.7 % +66\.7 %$", text, re.M)
    assert re.search(r"^猫 +0 +0 +- +- +- +-$", text, re.M)
    assert text.endswith(
        "confusion matrix, pictures: rows are the true class, columns the answer\n"
        "        0  1  2\n"
        "0  cat  2  1  0\n"
        "1  dog  1  1  0\n"
        "2  猫   0  0  0"
    )


def test_rows_are_the_true_class_and_columns_the_answer() -> None:
    # cat: 1 of 3 right and answered once; dog: 1 of 1 right and answered three times.
    answers = [Answer("a", 0, 0, 1.0), Answer("b", 0, 1, 1.0), Answer("c", 0, 1, 1.0)]
    answers.append(Answer("d", 1, 1, 1.0))
    text = "\n".join(to_lines(evaluation(answers=tuple(answers))))
    # F1 is 2·right / (pictures + answers).
    assert re.search(r"^cat +3 +1 +33\.3 % .* % +100\.0 % +50\.0 %$", text, re.M)
    assert re.search(r"^dog +1 +1 +100\.0 % .* % +33\.3 % +50\.0 %$", text, re.M)
    assert "\n0  cat  1  2  0\n1  dog  0  1  0\n" in text


def test_many_classes_show_the_largest_confusions() -> None:
    labels = tuple(f"class {i}" for i in range(21))
    answers = [Answer(f"{i}", i, i, 1.0) for i in range(21)]
    answers += [Answer("a", 3, 7, 1.0)] * 2 + [Answer("b", 20, 1, 1.0)] * 3
    text = "\n".join(to_lines(evaluation(labels=labels, answers=tuple(answers), missing=())))
    assert text.endswith(
        "most frequent confusions (--json has the whole matrix)\n"
        "pictures  true class  answer\n"
        "       3  class 20    class 1\n"
        "       2  class 3     class 7"
    )


def test_several_threads_are_said() -> None:
    assert any("2 threads" in line for line in to_lines(evaluation(num_threads=2)))
