"""Results of the suites become one card; peers join it without replacing what is there."""

from __future__ import annotations

import dataclasses

from benchmarks.host import Results
from benchmarks.summary import summary_lines
from minivgg_edge.measure.card import Entry, Latency
from minivgg_edge.measure.latency import summarize
from minivgg_edge.measure.machine_state import CpuTimes, take_snapshot
from minivgg_edge.measure.memory import Memory

MS = 1_000_000


def entry(precision: str, engine: str = "e") -> Entry:
    is_reference = (precision, engine) == ("int8", "e")
    return Entry("m", precision, engine, "1", is_reference, "ab", 9)  # type: ignore[arg-type]


def latency(case: str, ms: float) -> Latency:
    return Latency(case, 1, 1, summarize([ms * MS]))


def measured() -> Results:
    results = Results()
    results.describe("int8", entry("int8"))
    results.describe("float32", entry("float32"))
    results.describe("keras", entry("float32", "keras"))
    results.add_latency("int8", latency("invoke", 2))
    results.add_latency("int8", latency("classify-array", 4))
    results.complete("int8", memory=Memory(3, 2, 1))
    results.before = results.after = take_snapshot()
    return results


def test_card_of_results() -> None:
    card = measured().card(date="2026-01-02", command="c")
    assert card is not None
    (found,) = card.entries  # nothing was measured of the others
    assert [row.case for row in found.latency] == ["invoke", "classify-array"]
    assert found.memory == Memory(3, 2, 1)
    assert card.verdict.valid


def test_a_machine_that_moved_is_in_the_card() -> None:
    results = measured()
    assert results.before is not None
    cores = results.before.state.cores
    results.before = dataclasses.replace(results.before, cpu=CpuTimes(0, 0, 0, 0))
    results.after = dataclasses.replace(results.before, cpu=CpuTimes(10, 10.0 * cores, 0, 0))
    card = results.card(date="2026-01-02", command="c")
    assert card is not None
    assert card.to_json()["machine"]["valid"] is False
    assert any("NOT VALID" in line for line in summary_lines(card))


def test_no_card_of_nothing() -> None:
    results = Results()
    results.describe("int8", entry("int8"))
    assert results.card(date="2026-01-02", command="c") is None
    results.before = results.after = take_snapshot()
    assert results.card(date="2026-01-02", command="c") is None


def test_summary_compares_keras_with_classify() -> None:
    results = measured()
    results.add_latency("keras", latency("predict", 100))
    card = results.card(date="2026-01-02", command="c")
    assert card is not None
    (line,) = (line for line in summary_lines(card) if line.startswith("Keras predict"))
    assert "100.0 ms" in line
    assert f"{100 // 4} times as long as classify" in line
