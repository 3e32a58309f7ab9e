"""What a training makes of the desk's processor."""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from pathlib import Path

import pytest

from convert import train
from convert.training.processor import fast_precision, precision_note, prefer_onednn

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def machine_of(folder: Path, cpuinfo: str) -> Path:
    """A root folder with this list of processors."""
    (folder / "proc").mkdir()
    (folder / "proc" / "cpuinfo").write_text(cpuinfo)
    return folder


@pytest.mark.parametrize(
    ("text", "precision"),
    [("flags : fpu avx512_bf16 sse", "bfloat16"), ("flags : fpu avx512f", "float32")],
)
def test_bfloat16_where_the_processor_has_it(tmp_path, text, precision):
    assert fast_precision(machine_of(tmp_path, text)) == precision
    assert fast_precision(tmp_path / "missing") == "float32"


@pytest.mark.parametrize(
    ("precision", "text", "slow"),
    [
        ("bfloat16", "flags : fpu avx2 avx512f", True),
        ("bfloat16", "flags : fpu avx512_bf16", False),
        ("bfloat16", "flags : fpu amx_bf16", False),
        ("bfloat16", None, False),  # no list of the processors: nobody knows
        ("float32", "flags : fpu avx2", False),
    ],
)
def test_bfloat16_without_instructions_for_it_is_said(tmp_path, precision, text, slow):
    root = tmp_path if text is None else machine_of(tmp_path, text)
    note = precision_note(precision, root)
    assert (note is not None and "--precision float32" in note) == slow


@pytest.mark.parametrize(
    ("machine", "before", "after"),
    [
        ("x86_64", {}, "1"),
        ("AMD64", {}, "1"),
        ("x86_64", {ONEDNN: "0"}, "0"),
        ("aarch64", {}, None),
        ("arm64", {}, None),
    ],
)
def test_onednn_where_it_was_measured_and_nobody_said_otherwise(machine, before, after):
    environment = dict(before)
    prefer_onednn(environment, machine)
    assert environment.get(ONEDNN) == after


def test_a_training_asks_for_onednn_before_it_imports_tensorflow(monkeypatch):
    asked = {}
    monkeypatch.setenv(ONEDNN, "0")
    monkeypatch.delenv(ONEDNN)  # and taken back behind the test
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    @contextmanager
    def importing():
        asked["then"] = os.environ.get(ONEDNN)
        yield

    monkeypatch.setattr(train, "quiet", importing)
    train._prepare_tensorflow(1)
    assert asked == {"then": "1"}
