"""A run of peers: `contenders`, `measurement`, `document`, and the command."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import Tiny, TinyCompiled

from benchmarks.peers import contenders as contenders_module
from benchmarks.peers import measurement
from benchmarks.peers.__main__ import main
from benchmarks.peers.contenders import (
    MLPERF_FILES,
    Contender,
    Missing,
    find_contenders,
    find_mlperf,
)
from benchmarks.peers.document import Machine, machine_note, to_document, to_text
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.peers.measurement import CALLS_PER_TURN, Measured, Memory, measure, take_turns
from benchmarks.peers.model_files import Material
from convert.command import EXIT_BAD_INPUT, run_command
from convert.data.pictures import PictureSet
from convert.report.results import read_document
from minivgg_edge.measure.accuracy import accuracy_of
from minivgg_edge.measure.latency import summarize
from minivgg_edge.measure.machine_state import read_state
from minivgg_edge.measure.verdict import Verdict

HERE = Path(sys.executable)
MS = 1_000_000
MACHINE = Machine(read_state(), read_state(), Verdict(False, ("others took 50 %",), ("governor",)))


def silent(text: str) -> None:
    pass


def contender(path: Path, model: str = "minivgg", **changes: Any) -> Contender:
    return replace(Contender(model, "int8", "ai-edge-litert", (path,), HERE), **changes)


class FakeWorker:
    def __init__(self, name: str, log: list[str], *, fails_at: int | None = None) -> None:
        self.name, self.log, self.fails_at, self.asked = name, log, fails_at, 0

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        self.asked += 1
        if self.asked == self.fails_at:
            raise PeerUnavailableError("it ended")
        self.log.append(self.name)
        return {"ns": [self.asked] * fields["count"]}


def test_workers_take_turns_and_one_that_fails_drops_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: log.append(f"{seconds:g}"))
    log: list[str] = []
    missing: list[Missing] = []
    runners = [
        measurement._Runner(contender(tmp_path, name), FakeWorker(name, log, fails_at=at), {}, [])
        for name, at in (("a", None), ("b", 4), ("c", None))
    ]
    remaining = take_turns(runners, 3, missing, rest_s=7)
    warmup = measurement._WARMUP_TURNS
    assert "".join(log) == "7a7b7c" * (warmup + 1) + "7a77c" + "7a7c"
    assert [runner.contender.model for runner in remaining] == ["a", "c"]
    assert missing == [Missing("ai-edge-litert", "b int8: it ended")]
    turns = [warmup + 1, warmup + 2, warmup + 3]
    assert remaining[0].times_ns == [turn for turn in turns for _ in range(CALLS_PER_TURN)]


def test_a_model_that_answers_wrongly_shows(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path
) -> None:
    test = tiny.pictures["test"]
    taking_part = [contender(tiny_compiled.path), contender(tmp_path / "gone.tflite", "absent")]
    arguments: dict[str, Any] = {"dataset": "tiny", "threads": (1, 2), "rounds": 2, "say": silent}
    (found,), missing = measure(taking_part, test, **arguments)
    assert [peer.reason.split(":")[0] for peer in missing] == ["absent int8"]
    assert {n: s.rounds for n, s in found.latency.items()} == dict.fromkeys(
        (1, 2), 2 * CALLS_PER_TURN
    )
    assert found.accuracy.count == 60
    assert found.memory is not None
    from convert.int8.predict import predict
    from minivgg_edge.model_file import read_model_file

    answers = predict(read_model_file(tiny_compiled.path).flatbuffer, test.images).argmax(axis=1)
    assert found.accuracy.top1 == pytest.approx(float((answers == test.labels).mean()))
    swapped = PictureSet(test.images, (test.labels + 1) % 3, test.class_names)
    (wrong,), _ = measure(taking_part[:1], swapped, **{**arguments, "threads": (1,)})
    assert wrong.accuracy.top1 < found.accuracy.top1 - 0.3


@pytest.fixture
def two_measured(tmp_path: Path) -> list[Measured]:
    ours, other = tmp_path / "ours.tflite", tmp_path / "other.onnx"
    ours.write_bytes(b"abc")
    other.write_bytes(b"12345")
    accuracy = accuracy_of(90, 100, dataset="CIFAR-10", split="test")
    first = Measured(
        contender(ours),
        "2.3.0",
        1.5,
        {1: summarize([1 * MS, 2 * MS, 6 * MS]), 2: summarize([1 * MS])},
        Memory(30, 20, 10),
        accuracy,
    )
    second = Measured(
        contender(other, engine="onnxruntime"),
        "1.32.0",
        2.5,
        {1: summarize([3 * MS, 3 * MS, 6 * MS])},
        None,
        replace(accuracy, top1=0.5),
    )
    return [first, second]


def test_document_holds_ratios_of_medians(two_measured: list[Measured], tmp_path: Path) -> None:
    missing = [Missing("ncnn", "not installed: no wheel")]
    document = to_document(
        two_measured, missing, date="2026-11-24", command="python -m x", machine=MACHINE
    )
    first, second = document["entries"]
    assert (first["is_reference"], second["is_reference"]) == (True, False)
    assert [row["ratio"] for row in first["latency"]] == [1.0, 1.0]
    assert [row["ratio"] for row in second["latency"]] == [1.5]
    assert [row["num_threads"] for row in first["latency"]] == [1, 2]
    assert (first["first_inference_ms"], second["first_inference_ms"]) == (1.5, 2.5)
    assert (first["size_bytes"], second["size_bytes"]) == (3, 5)
    # SHA-256 of "abc", from FIPS 180-4.
    assert first["sha256"].startswith("ba7816bf8f01cfea")
    assert first["memory"] == {
        "peak_rss_bytes": 30,
        "steady_rss_bytes": 20,
        "baseline_rss_bytes": 10,
    }
    assert second["memory"] is None
    assert second["accuracy"]["top1"] == 0.5
    machine = document["machine"]
    assert (machine["valid"], machine["reasons"]) == (False, ["others took 50 %"])
    assert document["missing"] == [{"engine": "ncnn", "reason": "not installed: no wheel"}]
    path = tmp_path / "peers.json"
    path.write_text(json.dumps(document))
    assert len(read_document(path).entries) == 2, "the report reads it"


def test_text_has_a_line_for_each_and_says_what_is_missing(two_measured: list[Measured]) -> None:
    text = to_text(two_measured, [Missing("ncnn", "not installed: no wheel")], MACHINE)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    (ours,) = [line for line in lines if line.startswith("minivgg int8, ai-edge")]
    (other,) = [line for line in lines if line.startswith("minivgg int8, onnx")]
    assert ours.endswith(" 2.3.0 90.00 % 2.000 5.600 1.00 1.00 1.5 20 B 3 B")
    assert other.endswith(" 1.32.0 50.00 % 3.000 5.700 1.50 - 2.5 - 5 B")
    assert "invalid: others took 50 %" in lines
    assert lines[-1] == "missing: ncnn: not installed: no wheel"


def test_document_needs_the_reference(two_measured: list[Measured]) -> None:
    with pytest.raises(ValueError, match="expected the reference"):
        to_document(two_measured[1:], [], date="", command="", machine=MACHINE)


def test_machine_note_never_lets_x86_stand_for_arm() -> None:
    assert machine_note("x86_64") == "x86-64 times are not ARM times"
    assert machine_note("aarch64") != machine_note("x86_64")


def test_published_models_that_are_absent_are_named(tmp_path: Path) -> None:
    (tmp_path / MLPERF_FILES[0][2]).touch()
    found, missing = find_mlperf(tmp_path)
    assert [one.title for one in found] == ["mlperf-tiny-resnet8 int8, ai-edge-litert"]
    assert [peer.reason.split(":")[0] for peer in missing] == [
        "mlperf-tiny-resnet8 float32",
        "mlperf-tiny-large int8",
        "mlperf-tiny-large float32",
    ]


def test_an_engine_that_cannot_be_installed_is_missing_with_its_reason(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, folder: Path) -> Path:
        raise PeerUnavailableError(f"not installed: no wheel of {name}")

    monkeypatch.setattr(contenders_module, "ensure_environment", refuse)
    monkeypatch.setattr(contenders_module.importlib.util, "find_spec", lambda name: None)
    material = Material(
        tiny_compiled.path, tiny.model, tiny.pictures["train"], tmp_path / "none", tmp_path
    )
    wanted = ("onnxruntime", "openvino", "ncnn", "tflite-runtime")
    found, missing = find_contenders(material, wanted, silent)
    assert [one.title for one in found] == ["minivgg int8, ai-edge-litert"]
    reasons = {peer.engine: peer.reason for peer in missing}
    assert set(reasons) == set(wanted)
    extra = "not installed: no onnx and no onnxruntime; run `pip install '.[peers]'`"
    assert reasons["onnxruntime"] == reasons["openvino"] == extra
    assert reasons["ncnn"] == "not installed: no wheel of ncnn"


def test_contenders_share_the_files_of_one_format(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders_module, "ensure_environment", lambda name, folder: HERE)
    material = Material(
        tiny_compiled.path, tiny.model, tiny.pictures["train"], tmp_path / "none", tmp_path
    )
    found, _ = find_contenders(material, ("ai-edge-litert", "tflite-runtime", "ncnn"), silent)
    by_title = {one.title: one for one in found}
    assert len(by_title) == len(found) == 6
    ours, old = (
        by_title["minivgg float32, ai-edge-litert"],
        by_title["minivgg float32, tflite-runtime"],
    )
    assert ours.files == old.files
    ncnn = by_title["minivgg int8, ncnn"]
    assert [file.suffix for file in ncnn.files] == [".param", ".bin"]
    assert ncnn.size_bytes == sum(len(file.read_bytes()) for file in ncnn.files)


@pytest.mark.slow
def test_command_writes_the_result_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIVGG_SHARED", str(tmp_path / "none"))
    arguments = ["--rounds", "1", "--engines", "ai-edge-litert", "--out", "peers.json"]
    assert main(arguments) == 0
    document = json.loads((tmp_path / "peers.json").read_bytes())
    assert (document["schema"], document["kind"]) == (1, "peers")
    assert document["command"] == f"python -m benchmarks.peers {' '.join(arguments)}"
    assert [entry["precision"] for entry in document["entries"]] == ["int8", "float32"]
    assert len(document["missing"]) == len(MLPERF_FILES)
    assert str(tmp_path) not in json.dumps(document)
    assert "ratio, 1 thr." in capsys.readouterr().out


def test_command_refuses_an_unknown_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--engines", "onnxruntime,abacus"])
    assert ended.value.code == EXIT_BAD_INPUT
    assert "got 'abacus'" in capsys.readouterr().err


def test_command_refuses_a_folder_without_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(main, ["--data", str(tmp_path / "none")]) == EXIT_BAD_INPUT
    assert "expected a folder with a data set" in capsys.readouterr().err


def test_published_int8_models_answer_as_published(shared_dir: Path) -> None:
    from convert.data.sample import load_sample

    test = load_sample().test
    found, _ = find_mlperf(shared_dir / "peers" / "mlperf-tiny")
    if not found:
        pytest.skip(f"{shared_dir} has no models of MLPerf Tiny")
    subset = test.subset(np.arange(500))
    measured, missing = measure(
        found, subset, dataset="CIFAR-10 sample", threads=(1,), rounds=1, say=silent
    )
    assert missing == []
    # The published accuracies on all 10,000 test pictures lie within the interval of these 500.
    published = {"mlperf-tiny-resnet8": 0.8697, "mlperf-tiny-large": 0.9131}
    for one in measured:
        accuracy = one.accuracy
        assert accuracy.low <= published[one.contender.model] <= accuracy.high
