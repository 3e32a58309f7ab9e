"""Damaged models, pictures and manifests on both runtimes: what `make fuzz` does, a part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reliability.fuzz.environments import Target
from benchmarks.reliability.fuzz.kinds import KINDS, Material, counts
from benchmarks.reliability.fuzz.session import ANSWERED, REFUSED, Session
from minivgg_edge.catalog import load_model

CASES = 150
SEED = 20
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime"])
def test_damaged_files_are_refused_or_answer_as_before(
    runtime: str, request: pytest.FixtureRequest
) -> None:
    environment = request.getfixturevalue(runtime)
    environment.install("pillow")
    target = Target(runtime, environment.python)
    tallies, failures = [], []
    with Session(target, Material(Path(load_model().source))) as session:
        assert not Path(session.hello["package"]).is_relative_to(ROOT / "minivgg_edge")
        assert session.hello["runtime"].startswith(
            {"litert": "ai-edge-litert ", "tflite_runtime": "tflite-runtime "}[runtime]
        )
        for slug, count in counts(KINDS, CASES).items():
            (kind,) = (kind for kind in KINDS if kind.slug == slug)
            tally, failed = session.run_kind(kind, seed=SEED, count=count)
            tallies.append(tally)
            failures += [(failure.name, failure.outcome, failure.message) for failure in failed]
    assert failures == []
    outcomes = sum((tally.outcomes for tally in tallies), tallies[0].outcomes.__class__())
    assert outcomes.total() >= CASES - len(KINDS)
    # Neither is everything refused, the sound parts included, nor is everything let through.
    assert outcomes[REFUSED] > outcomes.total() / 2
    assert outcomes[ANSWERED] > outcomes.total() / 20
