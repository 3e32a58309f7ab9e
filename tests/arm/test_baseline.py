"""The gate against a hand-made baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.arm.baseline import Baseline, Counted, check, read_baseline
from benchmarks.arm.boards import BOARDS
from benchmarks.arm.errors import LaneError

STORED = Baseline(
    board="pi5",
    runtime="ai-edge-litert 2.3.0",
    sysroot="a" * 64,
    counts={"minivgg int8": Counted(1_000_000, 1_010_000)},
    pictures="b" * 64,
    answers=("cat", "dog", "cat", "ship"),
)
BASELINES = Path(__file__).resolve().parents[2] / "benchmarks" / "arm" / "baselines"


def counted(steady: int, classify: int | None) -> Baseline:
    return replace(STORED, counts={"minivgg int8": Counted(steady, classify)})


def test_the_same_passes() -> None:
    verdict = check(STORED, STORED)
    assert verdict.failures == ()
    assert verdict.unknown is None
    assert verdict.notes == ()


def test_one_percent_more_instructions_pass_and_a_little_more_fails() -> None:
    assert check(STORED, counted(1_010_000, 1_020_000)).failures == ()
    (failure,) = check(STORED, counted(1_010_001, None)).failures
    assert failure == (
        "pi5, minivgg int8: an inference takes 1,010,001 instructions, 1.0 % more than the "
        "baseline's 1,000,000; at most 1 % is allowed"
    )


def test_fewer_instructions_pass_and_are_noted() -> None:
    """Against the old baseline half a million instructions could come back unseen."""
    verdict = check(STORED, counted(500_000, 510_000))
    assert verdict.failures == ()
    assert verdict.notes == (
        "pi5, minivgg int8: an inference takes 500,000 instructions, 50.0 % fewer than the "
        "baseline's 1,000,000; --update-baseline holds later runs to it",
        "pi5, minivgg int8: classify takes 510,000 instructions, 49.5 % fewer than the "
        "baseline's 1,010,000; --update-baseline holds later runs to it",
    )
    assert check(STORED, counted(990_000, 1_000_000)).notes == ()
    (note,) = check(STORED, counted(1_000_000, 1_009_699)).notes
    assert "classify around the inference takes 9,699 instructions, 3.0 % fewer" in note


def test_a_model_that_was_not_counted_is_noted() -> None:
    verdict = check(STORED, replace(STORED, counts={}))
    assert verdict.failures == ()
    assert verdict.notes == ("pi5, minivgg int8: in the baseline, not counted now",)


def test_the_package_is_held_to_what_it_adds() -> None:
    # 10,000 instructions around an inference; 10,300 are 3 % more, 0.03 % of the whole.
    assert check(STORED, counted(1_000_000, 1_010_300)).failures == ()
    (failure,) = check(STORED, counted(1_000_000, 1_010_301)).failures
    assert "classify around the inference takes 10,301 instructions" in failure


def test_a_changed_answer_fails_and_names_the_picture() -> None:
    changed = replace(STORED, answers=("cat", "dog", "ship", "ship"))
    assert check(STORED, changed).failures == (
        "pi5: 1 of 4 answers changed, the first to picture 2: expected 'cat', got 'ship'",
    )


def test_fewer_pictures_are_compared_with_the_first_ones() -> None:
    assert check(STORED, replace(STORED, answers=("cat", "dog"))).failures == ()
    (failure,) = check(STORED, replace(STORED, answers=("dog", "dog"))).failures
    assert failure.startswith("pi5: 1 of 2 answers changed")


def test_no_baseline_and_another_runtime_are_not_enough_evidence() -> None:
    assert check(None, STORED).unknown == "pi5: no baseline is stored"
    newer = replace(STORED, runtime="ai-edge-litert 9.0")
    assert check(STORED, newer).unknown == (
        "pi5: the baseline is of ai-edge-litert 2.3.0, this run of ai-edge-litert 9.0"
    )


def test_other_system_packages_and_new_models_are_only_noted() -> None:
    verdict = check(STORED, replace(STORED, sysroot="c" * 64))
    assert verdict.failures == ()
    assert verdict.notes == ("pi5: the baseline was taken on other system packages",)
    more = replace(STORED, counts={**STORED.counts, "new int8": Counted(1)})
    assert check(STORED, more).notes == ("pi5, new int8: not in the baseline",)


def test_other_pictures_are_not_compared() -> None:
    verdict = check(STORED, replace(STORED, pictures="d" * 64, answers=("dog",) * 4))
    assert verdict.unknown == "pi5: the baseline's answers are to other pictures"


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "pi5.json"
    path.write_text(json.dumps(STORED.to_json()))
    assert read_baseline(path) == STORED


def test_a_missing_file_is_none_and_a_damaged_one_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pi5.json"
    assert read_baseline(path) is None
    path.write_text("{")
    with pytest.raises(LaneError, match=r"pi5\.json: expected a baseline, got: JSONDecodeError"):
        read_baseline(path)
    path.write_text(json.dumps({**STORED.to_json(), "schema": 2}))
    with pytest.raises(LaneError, match="expected schema 1, got 2"):
        read_baseline(path)


@pytest.mark.parametrize("name", sorted(path.stem for path in BASELINES.glob("*.json")))
def test_a_stored_baseline_is_of_the_pinned_runtime(name: str) -> None:
    board = BOARDS[name]
    found = read_baseline(BASELINES / f"{name}.json")
    assert found is not None
    assert found.runtime.replace(" ", "==") in board.system.requirements
    assert len(found.answers) == 1000


def test_the_board_that_ci_counts_has_a_baseline() -> None:
    assert (BASELINES / "pi5.json").is_file()
