"""Models that are timed in turn: each gets its own times, with the threads of the case."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.measure import suite
from minivgg_edge.measure.cases import Case, Pictures
from minivgg_edge.measure.pictures import noise
from minivgg_edge.measure.suite import Surroundings, describe, measure_latency
from minivgg_edge.model_file import ModelFile

MS = 1_000_000
PICTURES = Pictures(noise(2, 2), None, None)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Models whose calls take as many milliseconds as their name has letters.

    Returns:
        Name and number of threads of the model, once per call.
    """
    seen: list[tuple[str, int]] = []
    now = 0

    class Loaded:
        def __init__(self, model: str, num_threads: int = 1) -> None:
            self._model, self._num_threads = model, num_threads

        def call(self, _case: Case, _pictures: Pictures) -> Callable[[], None]:
            def run() -> None:
                nonlocal now
                now += len(self._model) * MS
                seen.append((self._model, self._num_threads))

            return run

        def close(self) -> None:
            pass

    monkeypatch.setattr(suite, "LoadedModel", Loaded)
    monkeypatch.setattr("time.perf_counter_ns", lambda: now)
    return seen


def test_each_model_gets_its_own_times(loaded: list[tuple[str, int]]) -> None:
    first, second = measure_latency(
        ["ab", "abcdefg"], [Case("invoke", 4, 1, 3)], PICTURES, Surroundings()
    )
    assert (first[0].summary.p50_ms, second[0].summary.p50_ms) == (2, 7)
    assert first[0].key == second[0].key == ("invoke", 4, 1)
    assert set(loaded) == {("ab", 4), ("abcdefg", 4)}


def test_a_model_without_a_scale_is_a_float_model(bundled: ModelFile) -> None:
    runtime = RuntimeInfo("engine", "1.2", None)
    assert describe(bundled, runtime, is_reference=True).precision == "int8"
    output = dataclasses.replace(
        bundled.manifest.output, dtype="float32", scale=None, zero_point=None
    )
    manifest = dataclasses.replace(bundled.manifest, output=output)
    floats = dataclasses.replace(bundled, manifest=manifest)
    assert describe(floats, runtime, is_reference=False).precision == "float32"


@pytest.mark.parametrize("settle", [0, 2])
def test_the_case_says_how_often_it_is_called(loaded: list[tuple[str, int]], settle: int) -> None:
    measure_latency(["ab"], [Case("invoke", 1, 1, 3, settle=settle)], PICTURES, Surroundings())
    assert len(loaded) == (1 + 3) * (settle + 1)  # with a round to warm up
