"""The search: what is tried, what is chosen, and that it keeps to its time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import RunQuantize, Tiny

from benchmarks.quantization.hard_model import plant
from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.freeze import freeze
from convert.search.budget import Budget, Work
from convert.search.fidelity import Fidelity, fidelity
from convert.search.method import EQUALIZATIONS, PLAIN, Candidate, Method
from convert.search.plan import COUNTS, SEEDS, most_trials, plan
from convert.search.report import recorded_table, search_table, search_text, step_text
from convert.search.search import Search, Step, search
from convert.search.selection import Trial, choose
from minivgg_edge.model_file import read_model_file

FIRST = Candidate(PLAIN, 60, None)


class Clock:
    """Time that passes only when it is told to, or by `tick_s` whenever it is looked at."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.tick_s = tick_s

    def __call__(self) -> float:
        self.now_s += self.tick_s
        return self.now_s


def _fidelity(divergences: NDArray[np.float64], right: NDArray[np.bool_] | None = None) -> Fidelity:
    count = len(divergences)
    answers = np.zeros(count, np.int64) if right is None else np.where(right, 0, 1)
    zeros = np.zeros(count, np.int64)
    return Fidelity(divergences, np.zeros(count), answers, zeros, zeros)


def _trials(*cases: tuple[Candidate, NDArray[np.float64]]) -> list[Trial]:
    return [Trial(candidate, _fidelity(divergences)) for candidate, divergences in cases]


NOISE = np.random.default_rng(0).uniform(0.5, 1.5, 400)
MSE, BIAS = Candidate(Method("mse"), 60, None), Candidate(Method(bias_correction=True), 60, None)
BOTH = Candidate(Method("mse", bias_correction=True), 60, None)


def test_the_lowest_divergence_is_chosen() -> None:
    assert choose(_trials((FIRST, 3 * NOISE), (MSE, NOISE), (BIAS, 2 * NOISE))) == 1


def test_of_the_indistinguishable_the_simplest_is_chosen() -> None:
    jitter = np.random.default_rng(1).normal(0.0, 0.1, 400)
    close = NOISE + jitter - jitter.mean() + 0.004  # within two standard errors (0.01) of it
    assert choose(_trials((FIRST, 3 * NOISE), (BOTH, NOISE), (MSE, close))) == 2
    assert choose(_trials((FIRST, 3 * NOISE), (BOTH, NOISE), (MSE, close + 0.02))) == 1
    # Equally simple: the pictures of the first, then whichever came first.
    seeded = Candidate(Method("mse"), 60, 1)
    assert choose(_trials((FIRST, 3 * NOISE), (seeded, NOISE), (MSE, close))) == 2
    assert choose(_trials((FIRST, 3 * NOISE), (BIAS, close), (MSE, NOISE))) == 1


def test_significantly_less_accurate_ones_are_not_chosen() -> None:
    right = np.arange(400) >= 40
    bad = Trial(MSE, _fidelity(NOISE, right))
    few = Trial(MSE, _fidelity(NOISE, np.arange(400) >= 3))
    first = Trial(FIRST, _fidelity(3 * NOISE))
    assert choose([first, bad]) == 0
    assert choose([first, few]) == 1


def test_the_figures_of_a_fidelity_by_hand() -> None:
    reference = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    scores = np.array([[0.25, 0.75], [0.25, 0.75], [1.0, 0.0]])
    pictures = PictureSet(np.zeros((3, 1, 1, 3), np.uint8), np.array([0, 1, 1]), ("a", "b"))
    found = fidelity(reference, scores, pictures)
    expected = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert found.divergence == pytest.approx(expected / 3)
    assert found.cross_entropy == pytest.approx(-np.log([0.25, 0.75, 1e-9]).mean())
    assert (found.agreement, found.accuracy) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found.drop == pytest.approx(1 / 3)


def _planned(
    available: int, *, equalizable: bool, best: Candidate | None = None
) -> list[Candidate]:
    trials: list[Trial] = []
    candidates = []
    for candidate in plan(FIRST, trials, available=available, equalizable=equalizable):
        candidates.append(candidate)
        trials += _trials((candidate, NOISE * (1.0 if candidate == best else 2.0)))
    return candidates


def test_the_plan_starts_with_the_plain_one_and_goes_on_from_the_best() -> None:
    candidates = _planned(5000, equalizable=True, best=MSE)
    assert candidates[0] == FIRST
    assert MSE in candidates
    for what in EQUALIZATIONS:
        assert Candidate(Method(equalize=what), 60, None) in candidates
    assert BIAS in candidates
    assert BOTH in candidates
    # Pictures and seeds are those of the best method, and of no other.
    assert sorted({c.count for c in candidates if c.method == Method("mse")}) == sorted(
        {60, *COUNTS}
    )
    assert [c.seed for c in candidates if c.seed is not None] == list(SEEDS)
    assert {c.method for c in candidates if (c.count, c.seed) != (60, None)} == {Method("mse")}
    assert len(set(candidates)) <= most_trials(available=5000, equalizable=True)


def test_rules_are_tried_again_behind_the_best_equalization() -> None:
    best = Candidate(Method(equalize="weights"), 60, None)
    candidates = _planned(5000, equalizable=True, best=best)
    assert Candidate(Method("mse", equalize="weights"), 60, None) in candidates
    assert Candidate(Method(equalize="weights", bias_correction=True), 60, None) in candidates
    assert Candidate(Method("mse", equalize="both"), 60, None) not in candidates


def test_the_plan_keeps_to_what_there_is() -> None:
    candidates = _planned(60, equalizable=False)
    assert all(c.method.equalize is None for c in candidates)
    assert max(c.count for c in candidates) <= 60
    assert len(set(candidates)) <= most_trials(available=60, equalizable=False)


def test_a_budget_learns_the_slowest_pace() -> None:
    clock = Clock()
    budget = Budget(100.0, clock=clock)
    work = Work(observed=10, corrected=0, evaluated=50)
    budget.learn(work, prepared_s=5.0, quantized_s=0.0, evaluated_s=5.0)
    budget.learn(work, prepared_s=2.0, quantized_s=0.0, evaluated_s=10.0)
    assert budget.expected_s(work) == 5.0 + 10.0
    # Before the first correction its pictures count like observed ones.
    corrected = Work(observed=0, corrected=20, evaluated=50)
    assert budget.expected_s(corrected) == 10.0 + 10.0
    budget.learn(corrected, prepared_s=4.0, quantized_s=0.0, evaluated_s=10.0)
    assert budget.expected_s(corrected) == 4.0 + 10.0
    clock.now_s = 100.0 - 1.3 * 15.0 - 0.01
    assert budget.fits(work)
    clock.now_s += 0.02
    assert not budget.fits(work)


def test_few_pictures_do_not_make_a_correction_s_quantizations_cheap() -> None:
    budget = Budget(100.0, clock=Clock())
    plain = Work(observed=500, corrected=0, evaluated=50)
    budget.learn(plain, prepared_s=5.0, quantized_s=2.0, evaluated_s=1.0)
    # Before the first correction: six layers' quantizations and the candidate's own.
    many = Work(observed=0, corrected=6 * 500, evaluated=50, quantized=6)
    assert budget.expected_s(many) == pytest.approx(30.0 + 7 * 2.0 + 1.0)
    budget.learn(many, prepared_s=6 * 2.0 + 3.0, quantized_s=2.0, evaluated_s=1.0)
    assert budget.expected_s(many) == pytest.approx(3.0 + 7 * 2.0 + 1.0)
    few = Work(observed=0, corrected=6 * 50, evaluated=50, quantized=6)
    assert budget.expected_s(few) == pytest.approx(0.3 + 7 * 2.0 + 1.0)


@pytest.fixture(scope="module")
def hard_search(tiny: Tiny) -> Search:
    """The hard model, searched with time enough."""
    return _searched(tiny, Budget(1e9))[0]


def _searched(tiny: Tiny, budget: Budget) -> tuple[Search, list[Step]]:
    hard = plant(tiny.model, factor=1024.0, share=0.25)
    steps: list[Step] = []
    found = search(
        freeze(hard.model),
        tiny.pictures["train"],
        tiny.pictures["validation"],
        FIRST,
        budget=budget,
        watch=steps.append,
    )
    return found, steps


def test_the_search_wins_back_what_a_planted_scale_costs(hard_search: Search) -> None:
    plain, chosen = hard_search.trials[0].fidelity, hard_search.chosen
    assert plain.drop >= 0.02
    assert chosen.candidate.method.equalize is not None
    assert chosen.fidelity.drop <= 0.2 * plain.drop
    assert chosen.fidelity.divergence < 0.05 * plain.divergence


def test_the_same_search_finds_the_same(tiny: Tiny, hard_search: Search) -> None:
    again = _searched(tiny, Budget(1e9))[0]
    assert again.to_json() == hard_search.to_json()


def test_what_the_manifest_says_of_a_search(hard_search: Search) -> None:
    record = json.loads(json.dumps(hard_search.to_json()))
    assert record["chosen"] == hard_search.chosen.candidate.title
    assert next(iter(record["trials"])) == "minmax, 60 pictures"
    assert len(record["trials"]) == len(hard_search.trials)
    figures = dict(zip(record["columns"], record["trials"][record["chosen"]], strict=True))
    assert figures["divergence"] == pytest.approx(hard_search.chosen.fidelity.divergence, rel=1e-5)
    assert (record["left_out"], record["notes"]) == ([], [])
    text = search_text(hard_search)
    assert f"\n* {record['chosen']} " in text
    assert "not tried" not in text


def test_the_page_s_table_is_that_of_the_search(hard_search: Search) -> None:
    record = json.loads(json.dumps(hard_search.to_json(), sort_keys=True))
    shown = recorded_table(record | {"left_out": ["a", "b"], "notes": ["nothing was said"]})
    assert sorted(shown.rows) == sorted(search_table(hard_search, "").rows)
    assert "Nothing was said. Not tried for lack of time: a; b." in shown.note


def test_no_candidate_is_started_that_would_not_fit(tiny: Tiny) -> None:
    clock = Clock(tick_s=0.25)
    budget = Budget(8.0, clock=clock)
    found, steps = _searched(tiny, budget)
    assert 3 <= len(found.trials) == len(steps) < 12
    assert found.left_out
    assert steps[-1].left_s >= 0.0
    assert "not tried, no time left in the budget: " in search_text(found)
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert "1 of at most" in step_text(steps[0])
    assert not {trial.candidate for trial in found.trials} & set(found.left_out)


def test_without_any_time_the_plain_one_is_tried(tiny: Tiny) -> None:
    found, _ = _searched(tiny, Budget(1e-9))
    assert [trial.candidate for trial in found.trials] == [FIRST]
    assert found.position == 0


def test_fewer_pictures_than_asked_for_are_said(tiny: Tiny) -> None:
    train = tiny.pictures["train"]
    # Class 0 has ten pictures, the others more than their shares.
    few = np.flatnonzero(train.labels == 0)[10:]
    short = train.subset(np.setdiff1d(np.arange(len(train)), few))
    found = search(
        freeze(tiny.model),
        short,
        tiny.pictures["validation"],
        FIRST,
        budget=Budget(1e-9),
        watch=lambda step: None,
    )
    assert found.trials[0].candidate.title == "minmax, 60 pictures"
    (note,) = found.notes
    assert note.startswith("50 pictures stand for the 60 asked for: ")
    assert note in search_text(found)
    assert found.to_json()["notes"] == [note]


def test_without_validation_pictures_there_is_nothing_to_choose_by(tiny: Tiny) -> None:
    none = tiny.pictures["validation"].subset([])
    with pytest.raises(DataError, match="validation pictures to choose by, got none"):
        search(
            freeze(tiny.model),
            tiny.pictures["train"],
            none,
            FIRST,
            budget=Budget(1.0),
            watch=lambda step: None,
        )


def test_the_command_searches(tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path) -> None:
    path = tmp_path / "searched.tflite"
    arguments = [tiny.path, "-o", path, "--data", tiny.data, "--max-drop", 5, "--search"]
    run = run_quantize(*arguments, "--calibration-count", 60)
    assert run.code == 0, run.err
    assert "1 of at most" in run.out
    assert "* chosen: the simplest" in run.out
    calibration = read_model_file(path).manifest.calibration
    record = calibration["search"]
    report = json.loads(path.with_suffix(".report.json").read_bytes())
    assert report["calibration"]["search"] == json.loads(json.dumps(record))
    assert f"{calibration['count']} pictures" in record["chosen"]
    page = path.with_suffix(".report.html").read_text(encoding="utf-8")
    assert "What the search tried" in page
    assert all(escape(title) in page for title in record["trials"])
    assert f"Chosen: {record['chosen']}: the simplest" in page
    # The choice can be had without the search: same file but for what it says of its origin.
    method = [f"--{key}" for key in ("equalize",) if calibration.get(key)]
    if calibration.get("equalize"):
        method += ["--equalization", calibration["equalize"]]
    if calibration.get("bias_correction"):
        method.append("--bias-correction")
    if "percentile" in calibration:
        method += ["--percentile", str(calibration["percentile"])]
    method += ["--ranges", str(calibration.get("ranges", "minmax"))]
    if calibration["seed"] is not None:
        method += ["--calibration-seed", str(calibration["seed"])]
    again = tmp_path / "again" / "searched.tflite"
    run = run_quantize(
        tiny.path,
        "-o",
        again,
        "--data",
        tiny.data,
        "--max-drop",
        5,
        "--calibration-count",
        calibration["requested"],
        *method,
    )
    assert run.code == 0, run.err
    assert read_model_file(again).flatbuffer == read_model_file(path).flatbuffer
    assert "search" not in read_model_file(again).manifest.calibration


def test_the_search_goes_with_what_is_done_for_scores(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "searched.tflite"
    arguments = [tiny.path, "-o", path, "--data", tiny.data, "--max-drop", 5, "--search"]
    run = run_quantize(*arguments, "--output", "logits", "--temperature", "fit")
    assert run.code == 0, run.err
    manifest = read_model_file(path).manifest
    assert manifest.output.activation == "logits"
    assert manifest.output.temperature != 1.0
    assert "search" in manifest.calibration


def test_methods_stand_in_the_manifest(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path
) -> None:
    path = tmp_path / "method.tflite"
    run = run_quantize(
        tiny.path,
        "-o",
        path,
        "--data",
        tiny.data,
        "--max-drop",
        5,
        "--calibration-count",
        60,
        "--ranges",
        "percentile",
        "--percentile",
        99.9,
        "--equalize",
        "--bias-correction",
    )
    assert run.code == 0, run.err
    assert "percentile 99.9 + equalize both + bias correction" in run.out
    calibration = read_model_file(path).manifest.calibration
    expected = {
        "ranges": "percentile",
        "percentile": 99.9,
        "equalize": "both",
        "bias_correction": True,
    }
    assert expected.items() <= calibration.items()
    page = path.with_suffix(".report.html").read_text(encoding="utf-8")
    assert "<p>percentile 99.9 + equalize both + bias correction; 60 calibration pictures" in page
    assert "What the search tried" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--search", "--equalize"], "--search chooses by itself: expected it without --equalize"),
        (["--time-budget", "5"], "--time-budget needs --search"),
        (["--search", "--time-budget", "0"], "expected seconds above 0, got '0'"),
        (["--percentile", "99"], "--percentile needs --ranges percentile"),
        (["--ranges", "mse", "--percentile", "99"], "--percentile needs --ranges percentile"),
        (["--ranges", "percentile", "--percentile", "7"], "from 50 to 100, got '7'"),
        (["--equalization", "weights"], "--equalization needs --equalize"),
        (["--ranges", "best"], "argument --ranges: invalid choice"),
    ],
)
def test_bad_usage(
    arguments: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from convert import quantize

    with pytest.raises(SystemExit) as caught:
        quantize.main([*arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("layer", [None, "conv2_1"])
def test_the_bundled_model_made_hard(shared_dir: Path, layer: str | None) -> None:
    """Min-max loses at least 2 points on all validation pictures; 80 % of that comes back."""
    from convert.data.source import load_splits
    from convert.int8.arguments import DEFAULT_MODEL
    from convert.int8.float_model import load_float_model

    splits = load_splits(shared_dir / "data" / "cifar-10-batches-bin")
    hard = plant(load_float_model(DEFAULT_MODEL), layer)
    found = search(
        freeze(hard.model),
        splits.train,
        splits.validation,
        Candidate(PLAIN, 500, None),
        budget=Budget(240.0),
        watch=lambda step: None,
    )
    plain = found.trials[0].fidelity.drop
    assert plain >= 0.02
    assert found.chosen.fidelity.drop <= 0.2 * plain
