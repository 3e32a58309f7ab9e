"""docs/reliability.md says what the stored results of the attacks say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.reliability.document import PAGE as RELIABILITY
from benchmarks.reliability.document import main
from benchmarks.result import Result, read_result, write_result
from convert.command import run_command
from convert.report.decoding import ResultError
from convert.report.tables import Table

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = Table(
    "Files | and flips", ("what", "cases", "crashes"), (("flips", "500", "0"),), note="Seed 1."
)
RESULT = Result("damage", "2026-11-24", "make fuzz", "a machine, 2 cores", (TABLE,))
PAGE = "# Title\n\n<!-- result:damage -->\n<!-- /result -->\n\nText behind.\n"


def test_the_page_says_what_the_stored_results_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert RELIABILITY.results()
    code = run_command(main, ["--check", "--page", str(ROOT / "docs/reliability.md")])
    assert code == 0, capsys.readouterr()


def test_no_stored_result_failed() -> None:
    for name, result in RELIABILITY.results().items():
        assert result.name == name
        assert result.failures == ()


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    path = write_result(RESULT, tmp_path / "new")
    assert path.name == "damage.json"
    assert read_result(path) == RESULT


def test_a_result_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text('{"schema": 1, "kind": "bench"}')
    with pytest.raises(ValueError, match=r"tables, got \(1, 'bench'\)"):
        read_result(path)


def test_a_section_is_filled_and_filled_again() -> None:
    page = RELIABILITY.fill(PAGE, {"damage": RESULT})
    assert "`make fuzz`, 2026-11-24, a machine, 2 cores:" in page
    assert r"**Files \| and flips**" in page
    assert "| flips | 500 | 0 |" in page
    assert "Seed 1." in page
    assert page.endswith("No failures.\n\n<!-- /result -->\n\nText behind.\n")
    assert RELIABILITY.fill(page, {"damage": RESULT}) == page
    failed = dataclasses.replace(RESULT, failures=("case 7: SIGSEGV",))
    assert "Failures:\n\n- case 7: SIGSEGV" in RELIABILITY.fill(page, {"damage": failed})


@pytest.mark.parametrize(
    ("page", "results"),
    [
        (PAGE, {}),
        ("# Title\n", {"damage": RESULT}),
        (PAGE + PAGE, {"damage": RESULT}),
    ],
)
def test_sections_and_results_must_match(page: str, results: dict[str, Result]) -> None:
    with pytest.raises(ResultError, match="expected sections of"):
        RELIABILITY.fill(page, results)


def test_a_stale_page_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "".join(f"<!-- result:{name} -->\n<!-- /result -->\n" for name in RELIABILITY.results())
    )
    assert run_command(main, ["--check", "--page", str(page)]) == 1
    assert "python -m benchmarks.reliability.document" in capsys.readouterr().out
    assert run_command(main, ["--page", str(page)]) == 0
    assert run_command(main, ["--check", "--page", str(page)]) == 0
