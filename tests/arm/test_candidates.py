"""What is known of a model file before it is counted."""

from __future__ import annotations

from pathlib import Path

from benchmarks.arm.candidates import Candidate, family_candidates, mlperf_candidates
from convert.int8.audit import describe


def test_our_model_is_what_the_audit_says(int8_model: Candidate) -> None:
    found = describe(int8_model.path.read_bytes())
    assert int8_model.macs == found.macs
    assert int8_model.input_shape == (1, 32, 32, 3)


def test_published_models_leave_the_batch_open(shared_dir: Path) -> None:
    said: list[str] = []
    found = mlperf_candidates(shared_dir / "peers" / "mlperf-tiny", say=said.append)
    assert said == []
    assert [candidate.input_shape for candidate in found] == [(1, 32, 32, 3)] * 4
    int8, float32 = (candidate.macs for candidate in found[:2])
    first = 32 * 32 * 16 * 3 * 9
    stacks = 2 * 32 * 32 * 16 * 16 * 9
    for side, inputs, channels in ((16, 16, 32), (8, 32, 64)):
        stacks += side * side * channels * (9 * inputs + 9 * channels + inputs)  # 3x3, 3x3, 1x1
    assert int8 == float32 == first + stacks + 64 * 10


def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    assert mlperf_candidates(tmp_path, say=said.append) == []
    assert len(said) == 4
    assert "not measured, there is no pretrainedResnet_quant.tflite" in said[0]


def test_published_models_are_found_by_their_names(int8_model: Candidate, tmp_path: Path) -> None:
    bundled = Path(__file__).parents[2] / "minivgg_edge" / "models" / "minivgg.tflite"
    for place in ("small/small.tflite", "small/other.tflite", "order/x.tflite"):
        (tmp_path / "models" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "models" / place).write_bytes(bundled.read_bytes())
    (found,) = family_candidates(tmp_path / "models", work=tmp_path / "work")
    assert (found.model, found.precision, found.compiled) == ("small", "int8", None)
    assert found.size_bytes == bundled.stat().st_size
    assert found.sha256 == int8_model.sha256
    assert found.path.read_bytes() == int8_model.path.read_bytes()
    assert found.macs == int8_model.macs
