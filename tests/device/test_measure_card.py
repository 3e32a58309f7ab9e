"""The card's JSON is the contract with the report; its ratios are hand-worked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from minivgg_edge.measure.accuracy import accuracy_of
from minivgg_edge.measure.card import Card, Entry, Latency, with_ratios
from minivgg_edge.measure.cold_start import ColdStart
from minivgg_edge.measure.fresh_process import PHASES
from minivgg_edge.measure.latency import summarize
from minivgg_edge.measure.machine_state import read_state
from minivgg_edge.measure.memory import Memory
from minivgg_edge.measure.sustained import SustainedMinute
from minivgg_edge.measure.verdict import Verdict

MS = 1_000_000


def row(case: str, median_ms: float, num_threads: int = 1) -> Latency:
    return Latency(case, num_threads, 1, summarize([median_ms * MS]))


def entry(precision: str, *rows: Latency) -> Entry:
    is_reference = precision == "int8"
    return Entry("m", precision, "e", "1", is_reference, "ab", 9, rows)  # type: ignore[arg-type]


def test_ratios_are_of_the_same_case_and_threads() -> None:
    reference = entry("int8", row("invoke", 2), row("invoke", 1, num_threads=2))
    other = entry("float32", row("invoke", 5), row("invoke", 4, num_threads=2), row("predict", 9))
    first, second = with_ratios([reference, other])
    assert [found.ratio for found in first.latency] == [1, 1]
    assert [found.ratio for found in second.latency] == [5 / 2, 4 / 1, None]


def test_without_a_reference_there_are_no_ratios() -> None:
    (found,) = with_ratios([entry("float32", row("invoke", 5))])
    assert found.latency[0].ratio is None


@pytest.fixture
def full() -> Entry:
    cold_start = ColdStart(3, dict.fromkeys(PHASES, 1.5), 9.0, 8.0, 11.0)
    return dataclasses.replace(
        entry("int8", row("classify-array", 4), row("classify-array", 2, num_threads=2)),
        cold_start=cold_start,
        memory=Memory(30, 20, 10),
        accuracy=accuracy_of(9, 10, dataset="D", split="test"),
        sustained=(SustainedMinute(1, 4.0, 5.0, 250.0, None),),
    )


def test_entry_as_json(full: Entry) -> None:
    document = json.loads(json.dumps(full.to_json(), allow_nan=False))
    assert document["first_inference_ms"] == 1.5
    assert document["images_per_second"] == 1000 / 2  # with the faster number of threads
    assert document["cold_start"]["total_ms"] == {"p50": 9.0, "min": 8.0, "max": 11.0}
    assert list(document["cold_start"]["phases_ms"]) == list(PHASES)
    assert document["memory"] == {
        "peak_rss_bytes": 30,
        "steady_rss_bytes": 20,
        "baseline_rss_bytes": 10,
    }
    assert document["accuracy"]["top1"] == 0.9
    # Wilson's interval of 9 of 10, e.g. in Brown, Cai and DasGupta's formula (4), z = 1.96.
    assert document["accuracy"]["low"] == pytest.approx(0.5958, abs=5e-5)
    assert document["accuracy"]["high"] == pytest.approx(0.9821, abs=5e-5)
    assert document["sustained"] == [
        {
            "minute": 1,
            "p50_ms": 4.0,
            "p95_ms": 5.0,
            "images_per_second": 250.0,
            "temperature_c": None,
        }
    ]
    latency = document["latency"][0]
    assert set(latency) == {
        *("case", "num_threads", "batch", "rounds", "ratio", "histogram"),
        *("p50_ms", "p90_ms", "p95_ms", "p99_ms", "mean_ms", "min_ms", "max_ms"),
    }
    histogram = latency["histogram"]
    assert len(histogram["edges_ms"]) == len(histogram["counts"]) + 1


def test_what_was_not_measured_is_null() -> None:
    document = entry("int8").to_json()
    for field in (
        *("first_inference_ms", "images_per_second", "cold_start", "memory"),
        *("accuracy", "sustained"),
    ):
        assert document[field] is None
    assert document["latency"] == []


@pytest.mark.parametrize(
    ("is_arm", "note"),
    [
        (True, "times of this machine, not of another one"),
        (False, "x86-64 times are not ARM times"),
    ],
)
def test_card_as_json(tmp_path: Path, full: Entry, is_arm: bool, note: str) -> None:
    state = read_state(tmp_path)
    verdict = Verdict(False, ("governor changed",), ("frequency",))
    card = Card("2026-01-02", "c", "b", is_arm, state, state, verdict, (full,))
    document = json.loads(json.dumps(card.to_json(), allow_nan=False))
    assert (document["schema"], document["kind"]) == (1, "bench")
    machine = document["machine"]
    assert machine["valid"] is False
    assert machine["reasons"] == ["governor changed"]
    assert machine["not_available"] == ["frequency"]
    assert (machine["is_arm"], machine["note"]) == (is_arm, note)
    assert set(machine["before"]) == {field.name for field in dataclasses.fields(state)}
    assert len(document["entries"]) == 1
