"""`minivgg-edge info` shows everything in the manifest, and needs no runtime for it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from minivgg_edge import cli
from minivgg_edge.cli import info
from minivgg_edge.errors import RuntimeUnavailableError
from minivgg_edge.interpreter import RuntimeInfo, runtime_info
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.model_file import ModelFile, pack_model_file, read_model_file

BUNDLED = Path(cli.__file__).parents[1] / "models" / "minivgg.tflite"


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return read_model_file(BUNDLED)


@pytest.fixture
def rich(model: ModelFile, tmp_path: Path) -> Path:
    """Return the bundled model with a manifest that fills every field."""
    manifest = dataclasses.replace(
        model.manifest,
        name="rich-1",
        description="A description that is long enough to need a second line. " * 2,
        accuracy=(
            AccuracyRecord("cifar-10", "test", 10_000, 0.8934, 0.892, 0.0014, -0.0003, 0.003, 0.98),
        ),
        training={"seed": 7, "data": {"name": "cifar-10", "digests": ["ab", "cd"]}, "note": "x\ny"},
        calibration={"count": 500, "empty": {}},
        tools={"keras": "3.15"},
    )
    path = tmp_path / "rich.tflite"
    path.write_bytes(pack_model_file(model.flatbuffer, manifest, golden=model.golden_vectors()))
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["info", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_bundled_model(model: ModelFile, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys)
    spec = model.manifest.input
    assert re.search(rf"^model +{re.escape(model.manifest.name)}$", text, re.M)
    assert hashlib.sha256(BUNDLED.read_bytes()).hexdigest() in text
    # What a self-test allows, which on tflite-runtime is more than the file states.
    assert "ai-edge-litert: 1 output steps, tflite-runtime: 8 output steps" in text
    assert f"({BUNDLED.stat().st_size:,} bytes)" in text
    assert f"{spec.height} x {spec.width} pixels (height x width), RGB, {spec.dtype}" in text
    assert f"TensorFlow Lite {model.manifest.runtime.minimum_runtime} or newer" in text
    runtime = runtime_info()
    assert re.search(rf"^runtime here +{runtime.name} {re.escape(runtime.version)}$", text, re.M)
    words = re.sub(r"\s+", " ", text)
    assert ", ".join(model.labels) in words
    for op in model.manifest.runtime.ops:
        assert f"{op.count} x {op.name} (version {op.version})" in words


def test_every_field_of_the_manifest(rich: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--model", str(rich))
    assert re.search(
        r"^  cifar-10 +test +10,000 +89\.34 % +89\.20 % +0\.14 +-0\.03 to 0\.30 +98\.00 %$",
        text,
        re.M,
    )
    for row in (
        r"  seed +7",
        r"  data\.name +cifar-10",
        r'  data\.digests +\["ab", "cd"\]',
        r"  note +x\\ny",
        r"  count +500",
        r"  empty +\{\}",
        r"  keras +3\.15",
    ):
        assert re.search(f"^{row}$", text, re.M), row


def test_an_adopted_model_that_was_measured_alone(
    model: ModelFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {"dataset": "parts", "split": "test", "count": 1234, "top1": 0.9108}
    manifest = dataclasses.replace(
        model.manifest, accuracy=(), training={"adopted": {"measured": [measured]}}
    )
    path = tmp_path / "adopted.tflite"
    path.write_bytes(pack_model_file(model.flatbuffer, manifest, golden=model.golden_vectors()))
    text = shown(capsys, "--model", str(path))
    assert re.search(r"^  parts +test +1,234 +91\.08 %$", text, re.M)
    assert "not measured" not in text


def test_json(rich: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, "--model", str(rich), "--json"))
    manifest: Mapping[str, Any] = json.loads(read_model_file(rich).manifest.to_json())
    assert document["manifest"] == manifest
    assert document["file"] == {
        "source": str(rich),
        "sha256": hashlib.sha256(rich.read_bytes()).hexdigest(),
        "size_bytes": rich.stat().st_size,
    }
    assert document["runtime"] == dataclasses.asdict(runtime_info())
    assert document["runtime_problem"] is None


def test_no_runtime_is_shown_and_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> RuntimeInfo:
        raise RuntimeUnavailableError("expected a runtime, got neither; install one")

    monkeypatch.setattr(info, "runtime_info", missing)
    text = shown(capsys)
    wanted = r"^runtime here +none: expected a runtime, got neither; install one$"
    assert re.search(wanted, text, re.M)
    document = json.loads(shown(capsys, "--json"))
    assert document["runtime"] is None
    assert document["runtime_problem"] == "expected a runtime, got neither; install one"


def test_runtime_that_is_too_old_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = RuntimeInfo("tflite-runtime", "1.0.0", "1.0.0")
    monkeypatch.setattr(info, "runtime_info", lambda: old)
    words = re.sub(r"\s+", " ", shown(capsys))
    assert "runtime here tflite-runtime 1.0.0: " in words
    assert "expected a runtime with TensorFlow Lite" in words
    document = json.loads(shown(capsys, "--json"))
    assert document["runtime"]["version"] == "1.0.0"
    assert "expected a runtime with TensorFlow Lite" in document["runtime_problem"]


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "flipped"])
def test_bad_model(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    path = tmp_path / "model.tflite"
    data = bytearray(BUNDLED.read_bytes())
    data[len(data) // 2] ^= 1
    content = {"empty": b"", "truncated": bytes(data[:-1000]), "flipped": bytes(data)}
    if damage in content:
        path.write_bytes(content[damage])
    assert cli.main(["info", "--model", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"minivgg-edge: error: {str(path)!r}: ")
    assert captured.err.count("\n") == 1
