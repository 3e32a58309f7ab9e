"""An emulated Raspberry Pi 5 with the built wheel; skips where the programs for it are missing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from emulated_board import EmulatedBoard

from benchmarks.arm.boards import PI5
from benchmarks.arm.candidates import Candidate, our_candidates
from benchmarks.arm.emulator import Emulator
from benchmarks.arm.errors import LaneError
from benchmarks.arm.programs import check_programs
from benchmarks.arm.sysroot import build_sysroot
from benchmarks.arm.wheels import build_wheel, install_wheel
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.float_model import load_float_model
from convert.quiet import quiet

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def arm_work() -> Path:
    """The lane's work folder: sysroots are downloaded, so they are kept between runs."""
    return Path(os.environ.get("MINIVGG_ARM_WORK", _ROOT / "out" / "arm"))


@pytest.fixture(scope="session")
def pi5(arm_work: Path) -> EmulatedBoard:
    try:
        check_programs([PI5], cycles=False)
    except LaneError as error:
        pytest.skip(str(error))
    sysroot = build_sysroot(PI5.system, work=arm_work)
    site = install_wheel(build_wheel(_ROOT, work=arm_work), sysroot, work=arm_work)
    picture = arm_work / "test-picture.npy"
    np.save(picture, np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    emulator = Emulator(PI5, sysroot, work=arm_work, search=[site])
    return EmulatedBoard(emulator, sysroot, site, picture, arm_work)


@pytest.fixture(scope="session")
def int8_model(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    compiled = _ROOT / "minivgg_edge" / "models" / "minivgg.tflite"
    with quiet():
        float_model = load_float_model(_ROOT / DEFAULT_MODEL)
        ours = our_candidates(compiled, float_model, work=tmp_path_factory.mktemp("models"))
    return ours[0]
