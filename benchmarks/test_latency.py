"""Time per call: a bare inference, `classify` from every kind of picture, and Keras for scale."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.host import Results
from convert.quiet import quiet
from minivgg_edge.measure.card import Latency
from minivgg_edge.measure.cases import Case, LoadedModel, Pictures, plan_cases
from minivgg_edge.measure.latency import summarize

ROUNDS = 500
PREDICT_ROUNDS = 20
_MOST_THREADS = 4  # a Raspberry Pi's cores
CASES = plan_cases(tuple(range(1, min(os.cpu_count() or 1, _MOST_THREADS) + 1)), ROUNDS)


@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.name}-threads{case.num_threads}-batch{case.batch}"
)
def test_latency(
    benchmark: BenchmarkFixture,
    results: Results,
    loaded: Callable[[str, int], LoadedModel],
    pictures: Pictures,
    case: Case,
    precision: str,
) -> None:
    if case.needs_pillow and pictures.png is None:
        pytest.skip("picture files need Pillow")
    call = loaded(precision, case.num_threads).call(case, pictures)
    is_reference = precision == "int8"
    reference = None if is_reference else loaded("int8", case.num_threads).call(case, pictures)
    between = _Interleaved(reference, call, case.settle)
    warmup = max(1, case.rounds // 10)
    benchmark.group = f"{case.name}, threads {case.num_threads}, batch {case.batch}"
    benchmark.pedantic(call, setup=between, rounds=case.rounds, warmup_rounds=warmup)
    if benchmark.stats is None:  # --benchmark-disable
        return
    summary = summarize(np.asarray(benchmark.stats.stats.data) * 1e9)
    # The warm-up rounds ran the reference as well.
    base = summary if is_reference else summarize(between.reference_ns[-case.rounds :])
    ratio = summary.p50_ms / base.p50_ms
    row = Latency(case.name, case.num_threads, case.batch, summary, ratio)
    results.add_latency(precision, row)
    _record(benchmark, results, precision, row, reference_p50_ms=base.p50_ms)


def test_predict(benchmark: BenchmarkFixture, results: Results, pictures: Pictures) -> None:
    """Keras' own `predict` of one picture."""
    from benchmarks.models import FLOAT_MODEL
    from convert.int8.float_model import load_float_model

    model = load_float_model(FLOAT_MODEL)
    picture = pictures.array[np.newaxis].astype(np.float32)
    with quiet():  # traces the graph
        model.predict(picture, verbose=0)
    benchmark.group = "Keras predict"
    benchmark.pedantic(
        model.predict,
        args=(picture,),
        kwargs={"verbose": 0},
        rounds=PREDICT_ROUNDS,
        warmup_rounds=3,
    )
    if benchmark.stats is None:
        return
    summary = summarize(np.asarray(benchmark.stats.stats.data) * 1e9)
    # Keras takes all cores; the number says so.
    row = Latency("predict", os.cpu_count() or 1, 1, summary)
    results.add_latency("keras", row)
    _record(benchmark, results, "keras", row)


class _Interleaved:
    """Runs before each timed call: the reference, timed, and then the call itself once more.

    pytest-benchmark times one function at a time. So the reference's rounds go in between, where a
    slow drift of the machine hits both alike.
    """

    def __init__(
        self, reference: Callable[[], object] | None, call: Callable[[], object], settle: int
    ) -> None:
        """Prepare for a call; without a reference only the call itself is repeated.

        Args:
            reference: What the call is compared with.
            call: What pytest-benchmark times.
            settle: Untimed calls before each timed one, of both.
        """
        self.reference_ns: list[int] = []
        self._reference = reference
        self._call = call
        self._settle = settle

    def __call__(self) -> None:
        """Run what comes before one timed call."""
        if self._reference is not None:
            for _ in range(self._settle):
                self._reference()
            started = time.perf_counter_ns()
            self._reference()
            self.reference_ns.append(time.perf_counter_ns() - started)
        for _ in range(self._settle):
            self._call()


def _record(
    benchmark: BenchmarkFixture, results: Results, key: str, row: Latency, **more: Any
) -> None:
    summary = dataclasses.asdict(row.summary)
    benchmark.extra_info.update(
        case=row.case,
        precision=results.entry(key).precision,
        engine=results.entry(key).engine,
        num_threads=row.num_threads,
        batch=row.batch,
        model_sha256=results.entry(key).sha256,
        ratio=row.ratio,
        **summary,
        **more,
    )
