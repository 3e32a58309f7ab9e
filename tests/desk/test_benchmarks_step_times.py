"""Times of training steps, and the hours that follow from them."""

from __future__ import annotations

from benchmarks.ablations.step_times import TIMED, step_table, step_times
from benchmarks.ablations.variants import Variant
from benchmarks.watch import Watch
from convert.architecture import build_minivgg
from convert.quiet import quiet


def test_steps_are_timed_in_turns(tmp_path):
    small = ["--blocks", "4", "--size", "16", "--batch-size", "4", "--head", "gap"]
    teacher = tmp_path / "untrained.keras"
    with quiet():
        build_minivgg(height=16, width=16, blocks=((4,),), head="gap").save(teacher)
        found = step_times(
            {
                "a": small,
                "b": [*small, *Variant(("--branches", "rep")).words([])],
                "c": [*small, *Variant(teacher=True).words([teacher])],
            },
            folder=tmp_path,
            steps=3,
            warmup=1,
        )
    assert list(found) == ["a", "b", "c"]
    assert all(len(values) == 3 and min(values) > 0.0 for values in found.values())


def test_hours_by_hand():
    times_ms = {name: [9.0, 100.0, 101.0] for name in TIMED}
    found = {"minivgg": {**times_ms, "bfloat16": [10.0, 51.5, 90.0]}}
    table = step_table(found, "bfloat16", teacher="minivgg-max")
    # 351 steps an epoch: 100 epochs of 18 s, half an hour.
    assert table.rows == (("minivgg", "100", "52", "100", "100", "100", *("0.2", "0.5", "1.0")),)
    assert table.columns[-3:] == ("quick, hours", "long, hours", "best, hours")
    assert table.note.endswith("validation not counted.")
    slower = step_table(found, "float32", teacher="minivgg-small")
    assert slower.rows[0][-3:] == ("0.3", "1.0", "1.9")
    assert "with float32 alone" in slower.note
    assert "the teacher is minivgg-max and" in table.note
    assert "the teacher is minivgg-small and" in slower.note
    note = Watch(("others took 50 %",)).note
    disturbed = step_table(found, "bfloat16", teacher="minivgg-max", disturbed=note)
    assert disturbed.note == f"{table.note} INVALID TIMES: others took 50 %."
