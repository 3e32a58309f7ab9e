"""The comparison: every figure worked by hand on six pictures, and a run of two real models."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_model import Tiny, TinyCompiled

from convert.errors import DataError
from convert.int8.compare import compare
from convert.int8.comparison import Comparison, perplexity
from convert.int8.comparison_json import comparison_json
from minivgg_edge.model_file import read_model_file

#                      ok loss gain both-wrong-same both-wrong-other ok
_TRUE = np.array([0, 0, 1, 1, 2, 2])
_REFERENCE = np.array([0, 0, 2, 0, 0, 2])
_TARGET = np.array([0, 1, 1, 0, 1, 2])


@pytest.fixture
def six() -> Comparison:
    return Comparison("set", "test", ("a", "b", "c"), _TRUE, _REFERENCE, _TARGET)


def test_figures(six: Comparison) -> None:
    assert six.count == 6
    assert six.reference_top1 == pytest.approx(3 / 6)
    assert six.target_top1 == pytest.approx(3 / 6)
    assert (six.losses, six.gains) == (1, 1)
    assert six.drop == 0.0
    assert six.agreement == pytest.approx(3 / 6)
    assert six.flips.tolist() == [1, 2, 4]
    assert six.p_value == 1.0
    assert six.reference_confusion.tolist() == [[2, 0, 0], [1, 0, 1], [1, 0, 1]]
    assert six.target_confusion.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 1]]
    assert not six.collapsed


def test_record_and_json(six: Comparison) -> None:
    record = six.record()
    assert (record.dataset, record.split, record.count, record.drop) == ("set", "test", 6, 0.0)
    assert record.drop_low < 0 < record.drop_high
    document = json.loads(json.dumps(comparison_json(six), allow_nan=False))
    assert document["per_class"][1] == {
        "label": "b",
        "count": 2,
        "float": 0.0,
        "target": 0.5,
        "only_float_right": 0,
        "only_target_right": 1,
        "mcnemar_p": 1.0,
        "holm_p": 1.0,
    }
    assert document["flips"][0] == {"index": 1, "true": "a", "float": "a", "target": "b"}


def test_a_class_without_pictures_has_no_accuracy() -> None:
    answers = np.zeros(4, dtype=np.int64)
    document = comparison_json(Comparison("set", "test", ("a", "b"), answers, answers, answers))
    found = document["per_class"][1]
    assert [found[key] for key in ("label", "count", "float", "target")] == ["b", 0, None, None]
    assert found["holm_p"] == 1.0


def test_perplexity() -> None:
    assert perplexity(np.array([3, 3, 3])) == 1.0
    assert perplexity(np.array([0, 1, 2, 3])) == pytest.approx(4.0)
    # Shares 1/2, 1/4, 1/4: an entropy of 1.5 bits.
    assert perplexity(np.array([0, 0, 1, 2])) == pytest.approx(2**1.5)


def test_two_real_models(tiny: Tiny, tiny_compiled: TinyCompiled) -> None:
    reference = read_model_file(tiny_compiled.float_path).flatbuffer
    target = read_model_file(tiny_compiled.path).flatbuffer
    pictures = tiny.pictures["validation"]
    result = compare(reference, target, pictures, dataset="tiny", split="validation")
    expected = np.asarray(tiny.model(pictures.images.astype(np.float32))).argmax(axis=1)
    np.testing.assert_array_equal(result.reference, expected)
    assert result.agreement > 0.9
    assert result.reference_top5 is None  # three classes


def test_no_pictures(tiny: Tiny, tiny_compiled: TinyCompiled) -> None:
    flatbuffer = read_model_file(tiny_compiled.path).flatbuffer
    nothing = tiny.pictures["test"].subset([])
    with pytest.raises(DataError, match="tiny: expected test pictures, got none"):
        compare(flatbuffer, flatbuffer, nothing, dataset="tiny", split="test")
