"""Cost by width: the models that are counted, and the figures from the counts, by hand."""

from __future__ import annotations

import pytest

from benchmarks.arm.widths import per_mac, width_files, width_table
from convert.int8.audit import describe


def test_a_layer_is_the_difference_of_two_models() -> None:
    # 16 x 16 places x 9 x 8 x 8 = 147,456 multiply-adds.
    counts = {"8-2": 1_000_000, "8-3": 1_147_456, "16-2": 0, "16-3": 147_456}
    assert per_mac(counts, (8, 16)) == {8: 1000.0, 16: 250.0}


def test_the_models_differ_in_that_layer_alone() -> None:
    files = width_files((8,))
    two, three = (describe(files[name]) for name in ("8-2", "8-3"))
    assert three.macs - two.macs == 16 * 16 * 9 * 8 * 8
    operators = [{op.name: op.count for op in found.operators} for found in (two, three)]
    more = {name: count - operators[0].get(name, 0) for name, count in operators[1].items()}
    assert {name: count for name, count in more.items() if count} == {"CONV_2D": 1}


def test_each_board_is_held_to_its_own_best() -> None:
    found = width_table({"pi3": {8: 300.0, 16: 150.0}, "pi5": {8: 90.0, 16: 30.0}})
    assert found.columns == ("channels in and out", "Raspberry Pi 3 B+", "Raspberry Pi 5")
    assert found.rows == (
        ("8", "300 (2.00×)", "90 (3.00×)"),
        ("16", "150 (1.00×)", "30 (1.00×)"),
    )


def test_no_counts_are_an_error() -> None:
    with pytest.raises(KeyError):
        per_mac({"8-2": 1}, (8,))
