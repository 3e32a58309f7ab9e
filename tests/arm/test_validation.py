"""Modelled beside published times: the arithmetic by hand, and what is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.arm import validation_tables
from benchmarks.arm.boards import BOARDS
from benchmarks.arm.comparison import (
    STORED,
    Row,
    error_factor,
    read_validation,
    scaled_factors,
    to_json,
    validated_factor,
)
from benchmarks.arm.cycles import CORES, Modelled
from benchmarks.arm.inference_time import InferenceTime, inference_time
from benchmarks.arm.memory import Wait
from benchmarks.arm.published import FILE, Measurement, read

DOCUMENT = Path(__file__).parents[2] / "docs" / "modelled-time.md"


def row(published_ms: float, modelled_ms: float, *, board: str = "pi4") -> Row:
    """A row whose model has a quarter of its time each in caches and memory."""
    measurement = Measurement(
        network="Net",
        precision="int8",
        board=board,
        core="Cortex-A72",
        clock_ghz=1.5,
        threads=1,
        engine="engine",
        engine_version="1",
        published_ms=published_ms,
        source="page, https://example.org",
        run_with="engine==1",
        note="",
    )
    cycles = modelled_ms / 2 * 1.5e6
    modelled = Modelled(cycles=cycles, instructions=9, covered=0.99, unknown=0.0, llvm="19.1.7")
    wait = Wait(caches_ms=modelled_ms / 4, memory_ms=modelled_ms / 4)
    return Row(measurement, InferenceTime(modelled, wait, clock_ghz=1.5))


def test_a_time_is_its_cycles_and_its_waiting() -> None:
    time = row(100, 80).time
    assert time.compute_ms == pytest.approx(40)
    assert time.ms == pytest.approx(80)


@pytest.mark.parametrize(("published", "modelled"), [(120, 80), (80, 120)])
def test_the_factor_is_the_same_in_both_directions(published: float, modelled: float) -> None:
    assert row(published, modelled).factor == pytest.approx(1.5)


def test_the_error_is_the_median_of_the_factors() -> None:
    rows = [row(100, 100), row(100, 50), row(30, 90), row(100, 125, board="pi5")]
    assert error_factor(rows) == pytest.approx((1.25 + 2) / 2)
    assert error_factor(rows, "pi4") == pytest.approx(2)
    assert error_factor(rows, "pi3") is None


def test_a_row_is_left_out_of_its_own_scale() -> None:
    # The others of its board are off by 2 and 8, together 4: a row off by 2 is left with 2.
    rows = [row(200, 100), row(200, 100), row(800, 100), row(100, 100, board="pi5")]
    assert scaled_factors(rows) == pytest.approx([2, 2, 4])


def test_a_board_that_is_off_alike_everywhere_scales_away() -> None:
    assert scaled_factors([row(150, 100), row(300, 200)]) == pytest.approx([1, 1])


def test_the_document_has_what_the_report_reads() -> None:
    from convert.report.arm_results import Validation
    from convert.report.decoding import decode

    document = to_json([row(100, 80), row(100, 300)])
    found = decode(Validation, document, where="validation")
    assert found.within_1_5 == 1
    assert found.median_factor == pytest.approx((1.25 + 3) / 2)
    assert found.rows[0].modelled_ms == pytest.approx(80)


def test_the_newest_file_that_is_there_is_read(tmp_path: Path) -> None:
    here, stored = tmp_path / "here.json", tmp_path / "stored.json"
    assert read_validation(here, stored) is None
    stored.write_text('{"date": "2026-11-24", "median_factor": 2}')
    found = read_validation(here, stored)
    assert found is not None
    assert found["median_factor"] == 2
    # What was compared here once, before another error was stored, is not this model's any more.
    for date, expected in (("2026-11-23", 2), ("2026-11-24", 1), ("2026-12-01", 1)):
        here.write_text(json.dumps({"date": date, "median_factor": 1}))
        found = read_validation(here, stored)
        assert found is not None
        assert found["median_factor"] == expected, date


def test_another_llvm_has_another_error() -> None:
    validation = {"median_factor": 1.25, "llvm_mca": "19.1.7"}
    assert validated_factor(validation, "19.1.7") == 1.25
    assert validated_factor(validation, "21.1.0") is None
    assert validated_factor(None, "19.1.7") is None


def test_a_board_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model of Raspberry Pi 2/3, 32-bit"):
        inference_time(BOARDS["pi3-32bit"], tmp_path / "blocks", runs=1)


def test_published_times_are_of_one_thread_on_boards_that_are_modelled() -> None:
    measurements = read()
    assert len(measurements) >= 10
    for measurement in measurements:
        board = BOARDS[measurement.board]
        assert measurement.threads == 1
        assert measurement.core == board.core
        assert board.mca_cpu in CORES
        assert 0 < measurement.clock_ghz <= board.clock_ghz
        assert "https://" in measurement.source


def test_no_time_is_published_twice() -> None:
    keys = [
        (entry.network, entry.precision, entry.board, entry.engine, entry.clock_ghz)
        for entry in read()
    ]
    assert len(keys) == len(set(keys))


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    stored["sources"].pop("ncnn")
    path = tmp_path / "published.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(KeyError, match="ncnn"):
        read(path)


def test_what_is_stored_is_of_what_is_published() -> None:
    stored = read_validation(STORED)
    assert stored is not None
    found = [(row["network"], row["precision"], row["board"]) for row in stored["rows"]]
    wanted = [(entry.network, entry.precision, BOARDS[entry.board].title) for entry in read()]
    assert sorted(found) == sorted(wanted)
    published = {row["published_ms"] for row in stored["rows"]}
    assert published == {entry.published_ms for entry in read()}


def test_the_stored_error_follows_from_the_stored_rows() -> None:
    stored = read_validation(STORED)
    assert stored is not None
    rows = [
        row(entry["published_ms"], entry["modelled_ms"], board=entry["board"])
        for entry in stored["rows"]
    ]
    assert stored["median_factor"] == pytest.approx(error_factor(rows))
    for entry in stored["rows"]:
        parts = entry["compute_ms"] + entry["caches_ms"] + entry["memory_ms"]
        assert entry["modelled_ms"] == pytest.approx(parts)
        assert entry["covered"] >= 0.985


def test_the_documentation_has_the_stored_table() -> None:
    stored = read_validation(STORED)
    assert stored is not None
    text = DOCUMENT.read_text(encoding="utf-8")
    assert validation_tables.renew(text, stored, where="docs") == text


def test_the_table_says_which_way_it_is_off() -> None:
    document = {"command": "c", "qemu": "7", "date": "d"} | to_json([row(100, 80), row(100, 150)])
    text = validation_tables.to_text(document)
    assert "1.25-" in text
    assert "1.50+" in text
    assert "median factor 1.38 (Raspberry Pi 4 B 1.38), worst 1.50, 2 within 1.5" in text
    # 100 / 80 and 100 / 150, their product's root.
    assert "geometric mean by the engine that is modelled: engine 0.91." in text
