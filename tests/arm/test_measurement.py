"""What is counted of a model on an emulated Raspberry Pi 5, by the bare runtime and by engines."""

from __future__ import annotations

import pytest
from emulated_board import EmulatedBoard

from benchmarks.arm.boards import LITERT
from benchmarks.arm.candidates import Candidate
from benchmarks.arm.measurement import Rounds, bare_cost, engine_cost

ROUNDS = Rounds(warmup=3, calls=5)


def test_an_engine_costs_what_it_costs_bare(pi5: EmulatedBoard, int8_model: Candidate) -> None:
    """Peers are counted through the module of all engines, the board's own runtime is not."""
    bare = bare_cost(int8_model, pi5.emulator, ROUNDS, picture=pi5.picture)
    engine = engine_cost(int8_model, pi5.emulator, ROUNDS, engine=LITERT, picture=pi5.picture)
    assert bare.phases is not None
    assert engine.phases is not None
    assert engine.steady == pytest.approx(bare.steady, rel=0.002)
    alone = bare.phases["runtime"] + bare.phases["load"]
    assert engine.phases["load"] == pytest.approx(alone, rel=0.03)
    assert engine.cold_start_bare == pytest.approx(bare.cold_start_bare, rel=0.005)
