"""The arithmetic limit of a model, worked by hand."""

from __future__ import annotations

import pytest

from benchmarks.arm.boards import PI3, PI5
from benchmarks.arm.limits import arithmetic_limit


@pytest.mark.parametrize(
    ("board", "precision", "instruction", "expected"),
    [
        (PI5, "int8", "SDOT", 100),  # 16 in each
        (PI3, "int8", "SMLAL", 200),  # 8
        (PI5, "float32", "FMLA", 400),  # 4
    ],
)
def test_limit(board, precision, instruction, expected) -> None:
    limit = arithmetic_limit(board, precision, 1600)
    assert (limit.instruction, limit.instructions) == (instruction, expected)
    assert limit.to_json(3 * expected)["ratio"] == 3.0


def test_a_started_instruction_counts_whole() -> None:
    assert arithmetic_limit(PI5, "int8", 17).instructions == 2


def test_another_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="expected int8 or float32, got 'int4'"):
        arithmetic_limit(PI5, "int4", 1)
