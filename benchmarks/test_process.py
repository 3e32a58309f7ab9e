"""Fresh processes: how long until the first answer, and how much memory."""

from __future__ import annotations

import dataclasses

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.host import Results
from minivgg_edge.measure.cold_start import summarize_runs
from minivgg_edge.measure.fresh_process import FreshRun, run_fresh
from minivgg_edge.measure.memory import measure_memory

PROCESSES = 7


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_cold_start(
    benchmark: BenchmarkFixture, results: Results, models: dict[str, str], precision: str
) -> None:
    runs: list[FreshRun] = []
    benchmark.group = "cold start"
    benchmark.pedantic(
        lambda: runs.append(run_fresh(models[precision])), rounds=PROCESSES, warmup_rounds=1
    )
    cold_start = summarize_runs(runs[-PROCESSES:])
    results.complete(precision, cold_start=cold_start)
    benchmark.extra_info.update(
        precision=precision,
        model_sha256=results.entry(precision).sha256,
        runs=[dict(run.phases_ms) for run in runs[-PROCESSES:]],
        **dataclasses.asdict(cold_start),
    )


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_memory(
    benchmark: BenchmarkFixture, results: Results, models: dict[str, str], precision: str
) -> None:
    benchmark.group = "memory (its rounds' time means nothing)"
    memory = benchmark.pedantic(measure_memory, args=(models[precision],), rounds=1)
    if memory is None:
        pytest.skip("this system does not tell the size of a process")
    results.complete(precision, memory=memory)
    entry = results.entry(precision)
    benchmark.extra_info.update(
        precision=precision,
        model_sha256=entry.sha256,
        size_bytes=entry.size_bytes,
        **dataclasses.asdict(memory),
    )
