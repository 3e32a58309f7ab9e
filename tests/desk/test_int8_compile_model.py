"""What a compilation warns of."""

from __future__ import annotations

import numpy as np
import pytest

from convert.int8.comparison import Comparison
from convert.int8.compilation import Settings
from convert.int8.compile_model import _convert, _warnings
from convert.int8.freeze import freeze
from convert.int8.graph import read_graph
from convert.quiet import quiet
from convert.search.method import PLAIN
from convert.search.preparation import convert_by_method


@pytest.mark.parametrize(
    ("classes", "right", "warned"),
    [
        (2, 59, True),
        (2, 60, False),
        (3, 46, True),  # two of three classes exchanged
        (3, 60, False),  # a hard task, of which much was learned
        (10, 19, True),
        (10, 20, False),
    ],
)
def test_a_float_model_that_hardly_does_better_than_guessing(
    classes: int, right: int, warned: bool
) -> None:
    true = np.arange(100) % classes
    answers = np.where(np.arange(100) < right, true, (true + 1) % classes)
    labels = tuple("abcdefghij"[:classes])
    found = _warnings(Comparison("set", "validation", labels, true, answers, answers))
    assert [
        text.startswith(f"the float model itself is right on only {right}.0 %") for text in found
    ] == [True] * warned


def test_a_search_that_finds_nothing_better_gives_what_it_has_measured() -> None:
    import keras

    keras.utils.set_random_seed(3)
    with quiet():
        model = keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                keras.layers.Conv2D(4, 3, name="linear"),
                keras.layers.MaxPooling2D(),
                keras.layers.ReLU(),
                keras.layers.Flatten(),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
        frozen = freeze(model)
        images = np.random.default_rng(3).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
        alone, searched = (
            _convert(frozen, images, Settings(search=search)) for search in (None, {"tried": []})
        )
        assert searched == convert_by_method(frozen, images, PLAIN, io=Settings().io)
    # The range is that behind the pooling, above zero: half as wide, so in steps half as wide.
    before, behind = (
        min(
            graph.tensors[operation.outputs[0]].scales[0]
            for operation in graph.operations
            if operation.name == "CONV_2D"
        )
        for graph in map(read_graph, (alone, searched))
    )
    assert behind < 0.75 * before


def test_a_model_that_always_gives_the_commonest_answer() -> None:
    """It is right on 95 % of unequal classes, and knows nothing."""
    true = np.repeat([0, 1], [950, 50])
    answers = np.zeros(1000, dtype=np.int64)
    comparison = Comparison("set", "validation", ("ok", "broken"), true, answers, answers)
    (warning,) = _warnings(comparison)
    assert "right on only 50.0 % of the pictures, in the mean of the classes" in warning
    # A class without pictures does not count as one that is never recognized.
    right = Comparison("set", "validation", ("ok", "broken", "other"), true, true, true)
    assert _warnings(right) == ()
