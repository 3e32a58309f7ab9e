"""What a child process answers, told apart from whatever else is printed there.

Code that runs before ours, such as a `sitecustomize`, may print to the same standard output. So
each answer is a line of its own, a JSON object behind a mark.
"""

from __future__ import annotations

import json
from typing import Any

_MARK = "minivgg-edge answers: "


def answer_line(**facts: Any) -> str:
    """Return the line to print; an empty one before it ends what others may have left open."""
    return f"\n{_MARK}{json.dumps(facts)}\n"


def parse_answer(line: str) -> dict[str, Any] | None:
    """Return the answer that a line holds; None if it is none, or was cut off by a crash."""
    if not (line.startswith(_MARK) and line.endswith("\n")):
        return None
    facts: dict[str, Any] = json.loads(line.removeprefix(_MARK))
    return facts


def parse_answers(stdout: str) -> list[dict[str, Any]]:
    """Return all answers in what a child printed, in their order."""
    parsed = map(parse_answer, stdout.splitlines(keepends=True))
    return [answer for answer in parsed if answer is not None]
