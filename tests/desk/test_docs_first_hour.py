"""The text of docs/first-hour.md against the project: names, versions, boards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from guide_blocks import FIRST_HOUR, blocks_for, read_blocks

from benchmarks.arm.boards import BOARDS
from minivgg_edge import __version__
from minivgg_edge.catalog import load_model
from minivgg_edge.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = FIRST_HOUR.read_text(encoding="utf-8")
BLOCKS = read_blocks(PAGE)


def test_blocks_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- run: x, y -->\n```sh\none\n```\n<!-- printed -->\n```text\n1\n```\n"
        "<!-- read: why -->\n```sh\ntwo\n```\n<!-- run: y -->\n```sh\nthree\n```\n```\nbare\n```\n"
    )
    assert blocks_for("x", page) == [("one\n", "1\n")]
    assert blocks_for("y", page) == [("one\n", "1\n"), ("three\n", None)]
    assert [block.mark for block in read_blocks(page.read_text())] == [
        "run",
        "printed",
        "read",
        "run",
        "",
    ]


def test_every_block_says_how_it_is_checked() -> None:
    assert len(BLOCKS) == PAGE.count("```") / 2
    for block in BLOCKS:
        assert block.mark, f"{FIRST_HOUR.name}:{block.line}: no comment before the block"
        assert set(block.boards) <= set(BOARDS)
    assert {name for block in BLOCKS for name in block.boards} == {"pi5", "pi4", "pi3-32bit"}


@pytest.mark.parametrize("board", ["pi5", "pi4", "pi3-32bit"])
def test_a_board_is_led_to_an_answer(board: str) -> None:
    text = "".join(text for text, _ in blocks_for(board))
    for command in ("venv", "pip install", "doctor", "self-test", "classify", "python first.py"):
        assert command in text
    assert [expected for _, expected in blocks_for(board)][-1] is not None


def test_the_wheel_is_called_by_its_name() -> None:
    named = set(re.findall(r"minivgg_edge-[\w.-]+\.whl", PAGE))
    assert named == {f"minivgg_edge-{__version__}-py3-none-any.whl"}


def test_commands_targets_and_files_exist() -> None:
    text = "".join(block.text for block in BLOCKS) + " ".join(re.findall(r"`([^`\n]+)`", PAGE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([\w-]+)|`make ([\w-]+)`", PAGE, re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target
    commands = set(re.findall(r"minivgg-edge ([a-z-]+)", text))
    assert commands
    assert commands <= set(COMMANDS)
    for path in re.findall(r"convert/[\w/]+\.png", text):
        assert (ROOT / path).is_file()
    for module in re.findall(r"python -m (convert\.\w+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


def test_labels_of_the_bundled_model() -> None:
    assert f"({', '.join(load_model().labels)})" in " ".join(PAGE.split())


def test_links() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (FIRST_HOUR.parent / target).is_file(), target
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
