"""Result files are read strictly: each refusal names the file, the field, expected and got."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import report_results as made
from report_results import write, write_all

from convert.report.answers_results import Answers
from convert.report.arm_results import Arm, Validation
from convert.report.bench_results import Bench, Peers
from convert.report.decoding import ResultError, decode
from convert.report.results import read_document, read_results


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (made.bench, Bench),
        (made.peers, Peers),
        (made.answers, Answers),
        (made.arm, Arm),
        (made.validation, Validation),
        (lambda: made.validation() | {"schema": 1, "kind": "validation"}, Validation),
    ],
)
def test_every_kind_is_read(tmp_path: Path, document: Callable[[], Any], kind: type) -> None:
    (path,) = write(tmp_path, result=document())
    read = read_document(path)
    assert type(read) is kind
    assert read.date == document()["date"]


def test_values_arrive(tmp_path: Path) -> None:
    results = read_results(write_all(tmp_path))
    host, board = results.benches
    assert results.host is host
    assert host.entries[0].latency[0].histogram.counts[5] == 109  # 100 (1 + 0.15 exp(-5/9))
    assert host.entries[0].cold_start.phases_ms.values == (15, 66, 22, 5.5, 3.3, 1.5)
    assert board.entries[0].sustained[2].temperature_c == 82.5
    assert results.answers.float32.confusion[0][0] == made.answers()["float32"]["confusion"][0][0]
    assert results.arm.boards["pi3-32bit"].mca_cpu is None
    assert results.arm.runs[0].ops[1].macs == 9_437_184
    assert results.reference.precision == "int8"


def test_nothing_is_read(tmp_path: Path) -> None:
    results = read_results([])
    assert (results.benches, results.peers, results.answers, results.arm) == ((), None, None, None)
    assert results.host is None
    assert results.reference is None


_REMOVED = object()


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = [int(x) if x.isdigit() else x for x in path.split(".")]
        target: Any = document
        for parent in parents:
            target = target[parent]
        if value is _REMOVED:
            del target[last]
        else:
            target[last] = value

    return change


@pytest.mark.parametrize(
    ("document", "change", "message"),
    [
        (made.bench, _set("schema", 2), "schema: expected 1, got 2"),
        (made.bench, _set("schema", True), "schema: expected 1, got true"),
        (made.bench, _set("schema", _REMOVED), "schema: expected a field of this name, got none"),
        (
            made.bench,
            _set("kind", "benches"),
            'kind: expected one of bench, peers, answers, arm, validation, got "benches"',
        ),
        (made.bench, _set("kind", _REMOVED), "kind: expected a field of this name, got none"),
        (
            made.bench,
            _set("entries.1.size_bytes", _REMOVED),
            "entries[1].size_bytes: expected a field of this name, got none",
        ),
        (
            made.bench,
            _set("entries.0.memory", _REMOVED),
            "entries[0].memory: expected a field of this name, got none",
        ),
        (
            made.bench,
            _set("entries.0.size_bytes", 1.5),
            "entries[0].size_bytes: expected an integer, got 1.5",
        ),
        (
            made.bench,
            _set("entries.0.size_bytes", True),
            "entries[0].size_bytes: expected an integer, got true",
        ),
        (
            made.bench,
            _set("entries.0.latency.1.p50_ms", "0.2"),
            'entries[0].latency[1].p50_ms: expected a number, got "0.2"',
        ),
        (made.bench, _set("entries", {}), "entries: expected a list, got {}"),
        (
            made.bench,
            _set("entries.0.size_bytes", 0),
            "entries[0].size_bytes: expected a number above 0, got 0",
        ),
        (
            made.bench,
            _set("entries.0.latency.0.p50_ms", 0.0),
            "entries[0].latency[0].p50_ms: expected a number above 0, got 0.0",
        ),
        (
            made.bench,
            _set("entries.0.latency.0.p50_ms", 10**400),
            "entries[0].latency[0].p50_ms: expected a number, got 1000",
        ),
        (
            made.peers,
            _set("entries.0.accuracy.count", 0),
            "entries[0].accuracy.count: expected a number above 0, got 0",
        ),
        (
            made.arm,
            _set("runs.0.steady", 0),
            "runs[0].steady: expected a number above 0, got 0",
        ),
        (
            made.answers,
            _set("count", 0),
            "count: expected a number above 0, got 0",
        ),
        (made.bench, _set("machine", []), "machine: expected an object, got []"),
        (made.bench, _set("machine.valid", 1), "machine.valid: expected true or false, got 1"),
        (made.bench, _set("board", None), "board: expected a string, got null"),
        (
            made.bench,
            _set("entries.0.latency.0.histogram.counts", [1, 2]),
            "entries[0].latency[0].histogram.edges_ms: expected 3 edges of at least one bin, "
            "got 31",
        ),
        (
            made.bench,
            _set("entries.0.latency.0.histogram", {"edges_ms": [2.0, 2.0], "counts": [1]}),
            "entries[0].latency[0].histogram.edges_ms: expected rising edges, got [2.0, 2.0]",
        ),
        (
            made.peers,
            _set("entries.0.latency.0.histogram", {"edges_ms": [2.0], "counts": []}),
            "histogram.edges_ms: expected 1 edges of at least one bin, got 1",
        ),
        (
            made.answers,
            _set("labels", ["cat", "dog"]),
            "float32.confusion: expected 2 rows of 2, got [10, 10, 10, 10",
        ),
        (
            made.answers,
            _set("count", 999),
            "float32.confusion: expected 999 pictures in all, got 1000",
        ),
        (made.answers, _set("flip_count", 3), "flip_count: expected at least 7, got 3"),
        (
            made.answers,
            _set("flips.2.png_base64", "***"),
            'flips[2].png_base64: expected base64, got "***"',
        ),
        (
            made.answers,
            _set("flips.2.png_base64", "R0lGODlh"),
            'flips[2].png_base64: expected a PNG in base64, got "R0lGODlh"',
        ),
        (
            made.arm,
            _set("runs.1.board", "pi6"),
            "runs[1].board: expected one of ['pi5', 'pi4', 'pi3', 'pi3-32bit'], got \"pi6\"",
        ),
        (
            made.arm,
            _set("agreement.0.board", "pi6"),
            "agreement[0].board: expected one of ['pi5', 'pi4', 'pi3', 'pi3-32bit'], got \"pi6\"",
        ),
        (
            made.arm,
            _set("missing.0.board", "pi6"),
            "missing[0].board: expected one of ['pi5', 'pi4', 'pi3', 'pi3-32bit'], got \"pi6\"",
        ),
        (
            made.arm,
            _set("validation.within_1_5", 2),
            "validation.within_1_5: expected 3, as the rows say, got 2",
        ),
        (
            made.validation,
            _set("rows.0.factor", 1.6),
            "result.json: within_1_5: expected 2, as the rows say, got 3",
        ),
        (
            made.validation,
            _set("rows.3.source", _REMOVED),
            "rows[3].source: expected a field of this name, got none",
        ),
        (
            made.validation,
            _set("schema", 2),
            "kind: expected a field of this name, got none",
        ),
        (
            made.arm,
            _set("boards.pi4.clock_ghz", _REMOVED),
            "boards.pi4.clock_ghz: expected a field of this name, got none",
        ),
    ],
)
def test_refusals(
    tmp_path: Path,
    document: Callable[[], dict[str, Any]],
    change: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    value = document()
    change(value)
    (path,) = write(tmp_path, result=value)
    with pytest.raises(ResultError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "expected JSON in UTF-8, got: "),
        (b"\xff\xfe", "expected JSON in UTF-8, got: "),
        (b'{"schema": NaN}', "expected JSON in UTF-8, got: NaN, which is no JSON number"),
        (b"[1]", "expected an object, got [1]"),
    ],
)
def test_files_that_are_no_results(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(data)
    with pytest.raises(ResultError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_numbers_that_no_float_holds(tmp_path: Path) -> None:
    value = json.dumps(made.bench()).replace(
        '"first_inference_ms": 1.5', '"first_inference_ms": 1e999'
    )
    path = tmp_path / "result.json"
    path.write_text(value, encoding="utf-8")
    with pytest.raises(ResultError, match=r"entries\[0\].first_inference_ms: expected a number"):
        read_document(path)


def test_two_files_of_a_kind_of_which_there_is_one(tmp_path: Path) -> None:
    paths = write(tmp_path, one=made.arm(), other=made.arm())
    with pytest.raises(ResultError) as caught:
        read_results(paths)
    assert str(caught.value) == (f"{paths[0]} and {paths[1]}: expected one file of kind arm, got 2")


def test_a_validation_of_its_own_goes_before_that_of_the_boards(tmp_path: Path) -> None:
    arm, own = write(tmp_path, arm=made.arm(), validation=made.validation())
    assert len(read_results([arm]).validation.rows) == 3
    assert len(read_results([own]).validation.rows) == 4
    assert len(read_results([arm, own]).validation.rows) == 4


def test_fields_that_nobody_names_are_ignored(tmp_path: Path) -> None:
    value = made.bench()
    value["entries"][0]["added_later"] = 1
    (path,) = write(tmp_path, result=value)
    assert read_document(path).entries[0].model == "minivgg"


@dataclass(frozen=True, slots=True)
class _Optional:
    there: float
    default: str | None = "unset"


def test_defaults_and_whole_numbers() -> None:
    assert decode(_Optional, {"there": 1}, where="x") == _Optional(1.0, "unset")
    assert decode(_Optional, {"there": 1, "default": None}, where="x") == _Optional(1.0, None)
