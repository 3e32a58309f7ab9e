"""Raw outputs side by side, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.arm.agreement import compare_outputs


def outputs(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def test_equal_outputs_agree() -> None:
    same = outputs((0, 200, 55), (255, 0, 0))
    found = compare_outputs(same, same)
    assert (found.pictures, found.top1_identical, found.ties) == (2, 2, 0)
    assert (found.max_step, found.differing_outputs) == (0, 0)
    assert found.labels == (1, 0)


def test_steps_are_counted_without_wrapping_around() -> None:
    found = compare_outputs(outputs((0, 255)), outputs((255, 0)))
    assert found.max_step == 255
    assert found.differing_outputs == 2
    assert found.top1_identical == 0
    assert found.ties == 0


def test_another_label_within_one_step_is_a_tie() -> None:
    # Here 0 wins by one step; there it loses by three: the margin is one step on one side.
    found = compare_outputs(outputs((101, 100)), outputs((100, 103)))
    assert (found.top1_identical, found.ties, found.max_step) == (0, 1, 3)
    # Two steps on both sides are a real difference.
    found = compare_outputs(outputs((102, 100)), outputs((100, 102)))
    assert (found.top1_identical, found.ties) == (0, 0)


def test_equal_scores_take_the_first_label() -> None:
    assert compare_outputs(outputs((7, 7)), outputs((7, 7))).labels == (0,)


def test_other_shapes_dtypes_and_floats_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(1, 2\), got uint8 \(1, 3\)"):
        compare_outputs(outputs((1, 2)), outputs((1, 2, 3)))
    with pytest.raises(ValueError, match=r"expected uint8 \(1, 2\), got int8 \(1, 2\)"):
        compare_outputs(outputs((1, 2)), outputs((1, 2)).astype(np.int8))
    floats = outputs((1, 2)).astype(np.float32)
    with pytest.raises(ValueError, match="expected integer outputs, got float32"):
        compare_outputs(floats, floats)
