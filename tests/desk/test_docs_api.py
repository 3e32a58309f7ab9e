"""docs/api.md says what the docstrings say, and all that is public stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import minivgg_edge
from convert import api_reference as api_command
from convert.api_reference import PAGE, main, reference
from convert.command import EXIT_BAD_INPUT, EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.report.api_reference import api_reference
from convert.report.decoding import ResultError

SOURCE = '''
"""A package."""

__all__ = ["Shape", "Size", "__version__", "area"]

__version__ = "1"

Size = "int | float"
"""Of a side."""


class Shape:
    """A shape.

    Example:
        >>> Shape(1)
        Shape(1)
    """

    def __init__(self, side: Size, *, filled: bool = False) -> None:
        """Make it.

        Args:
            side: Its
                side | length.
            filled: Whether it is.

        Raises:
            ValueError: It is negative.
        """

    @property
    def side(self) -> Size:
        """Its side."""

    def _hidden(self) -> None:
        pass


def area(shape: Shape) -> float:
    """Return the area | of a shape.

    Returns:
        The area.
    """
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "__init__.py").write_text(SOURCE)
    return tmp_path


def test_a_page(package: Path) -> None:
    page = api_reference("drawn", folder=package, introduction="# Drawn\n")
    assert page.startswith("# Drawn\n\n| name | |\n|---|---|\n| [`Shape`](#shape) | A shape. |\n")
    assert "| [`area`](#area) | Return the area \\| of a shape. |" in page
    assert "## Shape\n\n```python\nShape(side: Size, *, filled: bool = False)\n```" in page
    assert "```python\n>>> Shape(1)\nShape(1)\n```" in page
    assert "- `side`: Its side | length.\n- `filled`: Whether it is." in page
    assert "*Raises*\n\n- `ValueError`: It is negative." in page
    assert "### Shape.side\n\n```python\nside: Size\n```\n\nIts side." in page
    assert "## area\n\n```python\narea(shape: Shape) -> float\n```" in page
    assert "*Returns*: The area." in page
    assert "## Size\n\n```python\nSize = int | float\n```\n\nOf a side." in page
    assert "hidden" not in page
    assert "__version__" not in page
    assert "drawn" not in sys.modules


def test_a_name_without_a_docstring_is_refused(package: Path) -> None:
    path = package / "drawn" / "__init__.py"
    path.write_text(SOURCE.replace('"""Its side."""', "..."))
    with pytest.raises(ResultError, match=r"drawn\.Shape\.side: expected a docstring, got none"):
        api_reference("drawn", folder=package, introduction="")


def test_a_section_that_is_not_known_is_refused(package: Path) -> None:
    path = package / "drawn" / "__init__.py"
    path.write_text(SOURCE.replace("    Returns:\n", "    Yields:\n"))
    with pytest.raises(ResultError, match=r"drawn\.area: expected a section that is known"):
        api_reference("drawn", folder=package, introduction="")


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `python -m convert.api_reference`"


def test_every_public_name_is_there() -> None:
    headings = re.findall(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(minivgg_edge.__all__) - {"__version__"} <= set(headings)


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api_command, "reference", lambda: "# A page\n")
    page = tmp_path / "api.md"
    assert run_command(main, ["--page", str(page), "--check"]) == EXIT_GATE_FAILED
    assert "run `python -m convert.api_reference`" in capsys.readouterr().out
    assert not page.exists()
    assert run_command(main, ["--page", str(page)]) == EXIT_DONE
    assert run_command(main, ["--page", str(page), "--check"]) == EXIT_DONE
    assert page.read_text() == "# A page\n"
    missing = tmp_path / "none" / "api.md"
    assert run_command(main, ["--page", str(missing)]) == EXIT_BAD_INPUT
