"""The code blocks of a guide, with what its comments say about them.

`<!-- run: BOARD, BOARD -->` before a block: it is run on emulated boards. `<!-- read: WHY -->`: it
is not, and why. `<!-- printed -->`: what the block before it prints at its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIRST_HOUR = DOCS / "first-hour.md"
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>run|read|printed)(?:: (?P<detail>[^>]*))? -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        mark: "run", "read" or "printed"; "" if nothing stands before it.
        detail: The boards, or why it is not run.
        language: After the fence.
        text: Between the fences.
        line: Of the fence, from 1.
    """

    mark: str
    detail: str
    language: str
    text: str
    line: int

    @property
    def boards(self) -> tuple[str, ...]:
        """On which it is run, by their names in benchmarks.arm.boards."""
        return tuple(self.detail.split(", ")) if self.mark == "run" else ()


def read_blocks(page: str) -> list[Block]:
    return [
        Block(
            mark=match["mark"] or "",
            detail=match["detail"] or "",
            language=match["language"],
            text=match["text"],
            line=page[: match.start("language")].count("\n") + 1,
        )
        for match in _BLOCK.finditer(page)
    ]


def blocks_for(board: str, page: Path = FIRST_HOUR) -> list[tuple[str, str | None]]:
    """Return the blocks that run on a board, each with what it prints at its end, if told."""
    found: list[tuple[str, str | None]] = []
    runs_here = False  # the block before
    for block in read_blocks(page.read_text(encoding="utf-8")):
        if block.mark == "printed" and runs_here:
            found[-1] = (found[-1][0], block.text)
        runs_here = board in block.boards
        if runs_here:
            found.append((block.text, None))
    return found
