"""Stored results are of the files that are published, and of each other.

That README, cards and pages say what the stored results say is held elsewhere; here, that a model
was not replaced, or a baseline taken anew, without measuring what is said of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.arm.baseline import MAX_GROWTH, read_baseline
from benchmarks.arm.boards import BOARDS
from benchmarks.arm.comparison import STORED
from benchmarks.published import published_models
from benchmarks.report import stored_results
from benchmarks.result import read_result
from convert.report.mixed_files import mixed_files
from convert.report.results import read_results

RESULTS = STORED.parent
BASELINES = Path(__file__).resolve().parents[2] / "benchmarks" / "arm" / "baselines"
MODELS = {model.name: model for model in published_models()}
AGAIN = "measure again with `make figures`"


def stored(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / name).read_bytes())
    return found


@pytest.mark.parametrize(
    ("name", "list_name", "expected"),
    [
        ("host.json", "entries", {"minivgg"}),
        ("peers.json", "entries", {"minivgg"}),
        ("arm.json", "runs", set(MODELS)),
    ],
)
def test_int8_models_are_the_published_files(name, list_name, expected) -> None:
    seen = set()
    for entry in stored(name)[list_name]:
        published = MODELS.get(entry["model"])
        # Other engines run what they make of the float model.
        ours = entry["engine"] in ("ai-edge-litert", "tflite-runtime")
        if published is None or entry["precision"] != "int8" or not ours:
            continue
        seen.add(published.name)
        assert entry["sha256"] == published.file.sha256, f"{name}, {published.name}: {AGAIN}"
    assert seen == expected


def test_no_row_is_of_two_files() -> None:
    assert mixed_files(read_results(stored_results())) == ()


def test_robustness_is_of_the_published_files() -> None:
    found = stored("robustness/robustness.json")["models"]
    assert found == {name: model.file.sha256 for name, model in MODELS.items()}, AGAIN


def test_answers_are_those_of_the_published_model() -> None:
    answers, compared = stored("answers.json"), MODELS["minivgg"].run.comparison("test")
    assert answers["count"] == compared["count"]
    assert answers["int8"]["top1"] == pytest.approx(compared["target_top1"]), AGAIN
    assert answers["float32"]["top1"] == pytest.approx(compared["float_top1"]), AGAIN
    same = 1 - answers["flip_count"] / answers["count"]
    assert same == pytest.approx(compared["agreement"]), AGAIN


PAGES = sorted(RESULTS.glob("quantization/*.json")) + sorted(RESULTS.glob("precision/*.json"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_are_of_the_published_files(path: Path) -> None:
    """Results from before their models were stored say nothing of them."""
    for name, digest in read_result(path).models.items():
        files = (MODELS[name].folder / "model.keras").read_bytes()
        current = {MODELS[name].file.sha256, hashlib.sha256(files).hexdigest()}
        assert digest in current, f"{name}: {AGAIN}"


@pytest.mark.parametrize("board", BOARDS)
def test_the_gate_holds_to_what_is_published(board: str) -> None:
    """Else README shows one cost, and `make arm` passes at another."""
    baseline = read_baseline(BASELINES / f"{board}.json")
    assert baseline is not None
    runs = {
        f"{run['model']} {run['precision']}": run
        for run in stored("arm.json")["runs"]
        if run["board"] == board and run["engine"] == BOARDS[board].system.runtime
    }
    assert baseline.counts.keys() == runs.keys()
    for name, counted in baseline.counts.items():
        assert counted.steady == pytest.approx(runs[name]["steady"], rel=MAX_GROWTH), name
        if counted.classify is not None:
            assert counted.classify == pytest.approx(runs[name]["classify"], rel=MAX_GROWTH), name


def test_the_error_of_modelled_times_is_the_stored_one() -> None:
    arm, validation = stored("arm.json"), json.loads(STORED.read_bytes())
    assert arm["tools"]["llvm_mca"] == validation["llvm_mca"]
    factors = {run["modelled"]["error_factor"] for run in arm["runs"] if run["modelled"]}
    assert factors == {validation["median_factor"]}
