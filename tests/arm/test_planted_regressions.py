"""Faults that a change could bring, planted: the gate has to find each of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.arm.agreement import board_agreement
from benchmarks.arm.baseline import Baseline, Counted, check, read_baseline
from benchmarks.arm.boards import PI5
from benchmarks.arm.candidates import Candidate
from benchmarks.arm.emulator import Emulator
from benchmarks.arm.measurement import Rounds, bare_cost, package_cost
from benchmarks.arm.sysroot import compile_python
from benchmarks.pictures import read_test_pictures
from convert.quiet import quiet
from minivgg_edge.model_file import read_model_file

ROUNDS = Rounds(warmup=20, calls=10)
STORED = Path(__file__).resolve().parents[2] / "benchmarks" / "arm" / "baselines" / "pi5.json"


@pytest.fixture(scope="module")
def png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("png") / "camera.png"
    Image.new("RGB", (64, 48), "teal").save(path)
    return path


@pytest.fixture(scope="module")
def stored() -> Baseline:
    found = read_baseline(STORED)
    assert found is not None
    return found


def found_now(stored: Baseline, counted: Counted) -> Baseline:
    return replace(stored, counts={"minivgg int8": counted}, answers=())


def test_unchanged_counts_pass(pi5, int8_model, png: Path, stored: Baseline) -> None:
    cost = package_cost(int8_model, pi5.emulator, ROUNDS, picture=pi5.picture, png=png)
    assert check(stored, found_now(stored, Counted(cost.steady, cost.classify))).failures == ()


def test_an_extra_copy_in_each_call_is_found(
    pi5, int8_model, png: Path, stored: Baseline, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(pi5.site / "minivgg_edge", site / "minivgg_edge")
    file = site / "minivgg_edge" / "interpreter.py"
    clean = "self._set_tensor(self._input_index, picture[np.newaxis])"
    source = file.read_text()
    assert source.count(clean) == 1
    file.write_text(source.replace(clean, clean.replace("[np.newaxis]", "[np.newaxis].copy()")))
    compile_python(pi5.sysroot, site)
    emulator = Emulator(PI5, pi5.sysroot, work=tmp_path, search=[site])
    cost = package_cost(int8_model, emulator, ROUNDS, picture=pi5.picture, png=png)
    (failure,) = check(stored, found_now(stored, Counted(cost.steady, cost.classify))).failures
    assert "classify around the inference takes" in failure


def test_one_more_channel_is_found(pi5, int8_model, stored: Baseline, tmp_path: Path) -> None:
    with quiet():
        from convert.architecture import build_minivgg
        from convert.int8.conversion import convert_int8
        from convert.int8.freeze import freeze

        model = build_minivgg(blocks=((33, 32), (64, 64)))
        pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
        wider = tmp_path / "wider.tflite"
        wider.write_bytes(convert_int8(freeze(model), pictures))
    candidate: Candidate = replace(int8_model, path=wider)
    cost = bare_cost(candidate, pi5.emulator, ROUNDS, picture=pi5.picture)
    failures = check(stored, found_now(stored, Counted(cost.steady))).failures
    assert len(failures) == 1
    assert "an inference takes" in failures[0]


def test_a_swapped_label_is_found(pi5, int8_model, stored: Baseline) -> None:
    file = read_model_file(int8_model.compiled)
    _, test = read_test_pictures(None, file)
    answers = board_agreement(int8_model, pi5.emulator, test.images[:40]).labels
    right = replace(stored, counts={}, answers=tuple(file.labels[label] for label in answers))
    assert check(stored, right).failures == ()
    swapped = list(file.labels)
    cat, dog = swapped.index("cat"), swapped.index("dog")
    swapped[cat], swapped[dog] = swapped[dog], swapped[cat]
    wrong = replace(stored, counts={}, answers=tuple(swapped[label] for label in answers))
    (failure,) = check(stored, wrong).failures
    assert "answers changed" in failure
