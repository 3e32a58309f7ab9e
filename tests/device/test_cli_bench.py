"""`minivgg-edge bench` measures, shows a card, writes it as JSON, and says if it counts."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minivgg_edge import Classifier, cli
from minivgg_edge.cli import bench
from minivgg_edge.measure import cases as cases_module
from minivgg_edge.measure import suite
from minivgg_edge.measure.card import Entry
from minivgg_edge.measure.cold_start import ColdStart
from minivgg_edge.measure.fresh_process import PHASES
from minivgg_edge.measure.machine_state import CpuTimes, Snapshot, take_snapshot
from minivgg_edge.measure.memory import Memory
from minivgg_edge.measure.pictures import noise
from minivgg_edge.measure.sustained import SustainedMinute
from minivgg_edge.metrics import wilson_interval
from minivgg_edge.model_file import ModelFile

COLD_START = ColdStart(2, dict.fromkeys(PHASES, 1.25), 7.5, 7.0, 8.0)
MEMORY = Memory(3 * 2**20, 2 * 2**20, 2**20)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> list[CpuTimes]:
    """Fresh processes and a 12-megapixel photo have tests of their own; others' load is decided.

    Returns:
        The counters that the machine shows next: before and after.
    """
    counters = [CpuTimes(0, 0, 0, 0), CpuTimes(10, 1, 0, 1)]

    def snapshot(*, models: tuple[tuple[str, str], ...]) -> Snapshot:
        return dataclasses.replace(take_snapshot(models=models), cpu=counters.pop(0))

    monkeypatch.setattr(bench, "take_snapshot", snapshot)
    monkeypatch.setattr(suite, "measure_cold_start", lambda *_args, **_options: COLD_START)
    monkeypatch.setattr(suite, "measure_memory", lambda *_args, **_options: MEMORY)
    monkeypatch.setattr(
        cases_module, "photo_jpeg_bytes", lambda: cases_module.png_bytes(noise(64, 64))
    )
    return counters


def test_card_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rounds", "3", "--num-threads", "1,2"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""  # no progress where nobody watches, none of the runtime's chatter
    for part in ("run", "valid", "invoke", "classify-array", "classify-batch", "1.00x", "7.5"):
        assert part in captured.out
    assert "2.0 MiB" in captured.out
    with Classifier() as classifier:
        assert f"{classifier.model_info.size_bytes:,}" in captured.out


def test_times_of_another_architecture_are_labeled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, machine: list[CpuTimes]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert cli.main(["bench", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(": x86-64 times are not ARM times")
    heads = [line for line in lines if line.startswith(("latency", "cold start"))]
    assert len(heads) == 2
    assert all("(not ARM)" in head for head in heads)
    machine += [CpuTimes(0, 0, 0, 0), CpuTimes(10, 1, 0, 1)]
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert cli.main(["bench", "--rounds", "1"]) == 0
    assert "not ARM" not in capsys.readouterr().out


def test_json(tmp_path: Path, bundled: ModelFile, repack: Callable[..., Path]) -> None:
    other = repack("other.tflite", description="another one")
    target = tmp_path / "card.json"
    command = ["bench", "--rounds", "5", "--float", str(other), "--json", str(target)]
    assert cli.main(command) == 0
    document = json.loads(target.read_bytes())
    assert (document["schema"], document["kind"]) == (1, "bench")
    assert document["machine"]["valid"] is True
    first, second = document["entries"]
    assert (first["model"], first["is_reference"]) == ("minivgg", True)
    assert (second["model"], second["is_reference"]) == ("minivgg", False)
    assert second["sha256"] == hashlib.sha256(other.read_bytes()).hexdigest()
    assert (first["precision"], first["sha256"]) == ("int8", bundled.sha256)
    assert first["first_inference_ms"] == 1.25
    assert first["memory"] == dataclasses.asdict(MEMORY)
    assert first["accuracy"] is first["sustained"] is None
    for one, two in zip(first["latency"], second["latency"], strict=True):
        assert (one["case"], one["num_threads"]) == (two["case"], two["num_threads"])
        assert one["ratio"] == 1.0
        assert two["ratio"] == pytest.approx(two["p50_ms"] / one["p50_ms"], rel=1e-3)


def test_json_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rounds", "1", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "bench"


def test_json_place_is_checked_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("measured")

    monkeypatch.setattr(bench, "_measure", fail)
    missing = tmp_path / "no" / "card.json"
    assert cli.main(["bench", "--json", str(missing)]) == 2
    assert "the JSON file's folder does not exist" in capsys.readouterr().err
    assert cli.main(["bench", "--json", str(tmp_path)]) == 2
    assert "expected a regular file for --json" in capsys.readouterr().err
    target = tmp_path / "card.json"
    with monkeypatch.context() as patch:
        # Root may write whatever the mode says.
        patch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
        assert cli.main(["bench", "--json", str(target)]) == 2
    assert "the JSON file's folder cannot be written" in capsys.readouterr().err
    target.write_text("results of yesterday")
    assert cli.main(["bench", "--json", str(target)]) == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert target.read_text() == "results of yesterday"


def test_force(tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    target.write_text("results of yesterday")
    assert cli.main(["bench", "--rounds", "1", "--json", str(target), "--force"]) == 0
    assert json.loads(target.read_bytes())["kind"] == "bench"


def test_a_run_that_does_not_count(
    capsys: pytest.CaptureFixture[str], machine: list[CpuTimes], tmp_path: Path
) -> None:
    machine[1] = CpuTimes(10, 10_000, 0, 1)
    target = tmp_path / "card.json"
    assert cli.main(["bench", "--rounds", "1", "--json", str(target)]) == 1
    out = capsys.readouterr().out
    assert "NOT VALID" in out
    assert "because other programs took" in out
    document = json.loads(target.read_bytes())
    assert document["machine"]["valid"] is False
    assert document["machine"]["reasons"][0].startswith("other programs took")


@pytest.mark.parametrize("moment", ["warm-up", "measuring"])
def test_a_model_file_that_changes_meanwhile(
    repack: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    moment: str,
) -> None:
    path = repack("m.tflite")

    def replace(now: str) -> None:
        if now == moment:
            repack("m.tflite", description="another one")

    def measure(_models: object, entries: list[Entry], *_: object) -> tuple[Entry, ...]:
        replace("measuring")
        return tuple(entries)

    # The entries state the hash of the file that was there first, whenever it goes.
    monkeypatch.setattr(bench, "warm_up", lambda *_: replace("warm-up"))
    monkeypatch.setattr(bench, "measure", measure)
    assert cli.main(["bench", "--model", str(path)]) == 1
    assert f"model file {path} changed during the run" in capsys.readouterr().out


def test_accuracy_of_a_folder(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(3)
    folder = tmp_path / "my set"
    right = count = 0
    with Classifier() as classifier:
        for index, label in enumerate(classifier.labels):
            (folder / label).mkdir(parents=True)
            for number in range(2):
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                image_module.fromarray(pixels).save(folder / label / f"{number}.png")
                right += classifier.classify(pixels)[0].index == index
                count += 1
    target = tmp_path / "card.json"
    command = ["bench", "--rounds", "1", "--data", str(folder), "--json", str(target)]
    assert cli.main(command) == 0
    (entry,) = json.loads(target.read_bytes())["entries"]
    interval = wilson_interval(right, count)
    assert entry["accuracy"] == {
        "dataset": "my set",
        "split": "folder",
        "count": count,
        "top1": right / count,
        "low": interval.low,
        "high": interval.high,
    }


def test_labels_without_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image_module = pytest.importorskip("PIL.Image")
    with Classifier() as classifier:
        label = classifier.labels[0]
    (tmp_path / "set" / label).mkdir(parents=True)
    image_module.new("RGB", (32, 32)).save(tmp_path / "set" / label / "1.png")
    command = ["bench", "--rounds", "1", "--data", str(tmp_path / "set")]
    assert cli.main(command) == 2
    assert "(--allow-missing evaluates the others)" in capsys.readouterr().err
    assert cli.main([*command, "--allow-missing"]) == 0
    assert "1 (set, folder)" in capsys.readouterr().out


def test_a_model_without_a_name_is_not_the_bundled_one(capsys: pytest.CaptureFixture[str]) -> None:
    """As an unset variable of a shell script gives it."""
    assert cli.main(["bench", "--rounds", "1", "--model", ""]) == 2
    assert capsys.readouterr().err.startswith("minivgg-edge: error: ''")


def test_the_card_is_written_where_nobody_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(*_text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(bench, "say", say)
    target = tmp_path / "card.json"
    with contextlib.suppress(BrokenPipeError, SystemExit):
        cli.main(["bench", "--rounds", "1", "--json", str(target)])
    assert json.loads(target.read_bytes())["kind"] == "bench"


def test_sustained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = []

    def sustain(_call: object, *, minutes: int, read_temperature: object) -> list[SustainedMinute]:
        asked.append(minutes)
        return [SustainedMinute(n, 2.5, 3.5, 400.0, 60.0 + n) for n in range(1, minutes + 1)]

    monkeypatch.setattr(suite, "sustain", sustain)
    target = tmp_path / "card.json"
    command = ["bench", "--rounds", "1", "--sustained", "2", "--json", str(target)]
    assert cli.main(command) == 0
    assert asked == [2]
    assert "62.0 C" in capsys.readouterr().out
    (entry,) = json.loads(target.read_bytes())["entries"]
    assert [minute["temperature_c"] for minute in entry["sustained"]] == [61.0, 62.0]


def test_without_pillow_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = cases_module.Pictures(noise(32, 32), None, None)
    monkeypatch.setattr(bench, "make_pictures", lambda _height, _width: arrays)
    assert cli.main(["bench", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert "PNG and JPEG were left out: they need Pillow" in out
    assert "classify-png" not in out
    assert "classify-array" in out


def test_models_of_different_sizes(
    bundled: ModelFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = dataclasses.replace(bundled.manifest.input, height=16)
    other = dataclasses.replace(bundled, manifest=dataclasses.replace(bundled.manifest, input=spec))
    monkeypatch.setattr(bench, "load_model", lambda name: other if name == "other" else bundled)
    assert cli.main(["bench", "--float", "other"]) == 2
    assert "32 x 32 and 10 labels, got 16 x 32 and 10 labels" in capsys.readouterr().err


def test_models_of_different_labels(
    bundled: ModelFile, repack: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    other = repack("other.tflite", labels=tuple(reversed(bundled.labels)))
    assert cli.main(["bench", "--float", str(other)]) == 2
    assert "expected the input size and the labels of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-threads", "1,1"], "expected each number once, got '1,1'"),
        (["--num-threads", "0"], "expected a whole number of at least 1, got '0'"),
        (["--num-threads", "999"], "num_threads: expected 1 to 256, got 999"),
        (["--num-threads", "1,"], "expected a whole number of at least 1, got ''"),
        (["--rounds", "0"], "expected a whole number of at least 1"),
        (["--sustained", "x"], "expected a whole number of at least 1"),
    ],
)
def test_bad_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err
