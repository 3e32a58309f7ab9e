"""docs/precision.md says what the stored results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.precision.document import PAGE, main
from convert.command import run_command

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_says_what_the_stored_results_say(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(main, ["--check", "--page", str(ROOT / "docs/precision.md")])
    assert code == 0, capsys.readouterr()


def test_no_stored_result_failed() -> None:
    found = PAGE.results()
    assert sorted(found) == ["precision", "second-engine"]
    for name, result in found.items():
        assert result.name == name
        assert result.failures == ()


def test_a_stale_page_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "precision.md"
    text = (ROOT / "docs/precision.md").read_text(encoding="utf-8")
    page.write_text(text.replace("| int8 |", "| int9 |"), encoding="utf-8")
    assert run_command(main, ["--check", "--page", str(page)]) == 1
    assert run_command(main, ["--page", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == text
