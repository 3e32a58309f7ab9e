"""MLPerf Tiny's published models without a manifest, and the attack that damages such models."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.reliability.runtimes import Runtime, Runtimes
from benchmarks.reliability.unverified import __main__ as attack
from minivgg_edge import Classifier, Unverified
from minivgg_edge.catalog import load_model

PICTURES = Path(__file__).resolve().parent.parent.parent / "convert" / "sample" / "pictures"


@pytest.mark.parametrize(
    "name",
    [
        "pretrainedResnet",
        "pretrainedResnet_quant",
        "pretrainedResnet_large_float",
        "pretrainedResnet_large_int8",
    ],
)
def test_published_models_load_and_classify(name: str, shared_dir: Path) -> None:
    path = shared_dir / "peers" / "mlperf-tiny" / f"{name}.tflite"
    # CIFAR-10's classes in CIFAR-10's order, pixels as they are.
    said = Unverified(labels=load_model().labels, activation="softmax")
    with Classifier(path, unverified=said) as classifier:
        assert not classifier.model_info.is_verified
        for label in ("ship", "truck"):
            assert classifier.classify(PICTURES / f"{label}.png")[0].label == label


def test_damages_are_drawn_from_the_seed() -> None:
    model = load_model().flatbuffer
    drawn = attack.damages(model, cases=30, seed=4)
    assert drawn == attack.damages(model, cases=30, seed=4)
    assert drawn != attack.damages(model, cases=30, seed=5)
    assert [len(cases) for cases in drawn.values()] == [10, 10, 10]
    assert all(8 <= offset < len(model) for cases in drawn.values() for _, offset, _ in cases)


def test_the_attack_counts_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Runtimes((Runtime("this one", Path(sys.executable)),), ("another: no wheel",))
    monkeypatch.setattr(attack, "available_runtimes", lambda: here)
    assert attack.main(["--cases", "12", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "unverified.json").read_text(encoding="utf-8"))
    (table,) = result["tables"]
    assert [row[:3] for row in table["rows"]] == [
        ["this one", "random flips", "4"],
        ["this one", "structure flips", "4"],
        ["this one", "truncations", "4"],
    ]
    for row in table["rows"]:
        assert sum(map(int, row[3:])) == 4
        assert row[-1] == "0"
    assert table["rows"][2][3] == "4"  # a truncated model never runs
    assert "Not run: another: no wheel." in table["note"]


def test_a_crash_of_the_loading_process_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    here = Runtimes((Runtime("this one", crashing),))
    monkeypatch.setattr(attack, "available_runtimes", lambda: here)
    assert attack.main(["--cases", "3", "--out", str(tmp_path)]) == 1
    assert "was ended by signal 11 (SIGSEGV" in capsys.readouterr().err
