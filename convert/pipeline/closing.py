"""The last words of a run: how good, where everything lies, what to type on the board."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from convert.command import EXIT_GATE_FAILED, EXIT_NOT_ENOUGH_EVIDENCE
from convert.packaging.instructions import install_lines
from convert.pipeline.request import Request
from convert.pipeline.steps import wheel_path, wheel_spec
from convert.report.text import percent

_SEARCH = "let it look for a better quantization (--search)"
_REMEDIES = "train longer (--recipe best), or allow a larger loss (--max-drop)"


def closing(request: Request, exit_code: int) -> str:
    """Return the summary of a finished run.

    Args:
        request: what was asked for.
        exit_code: of the run.
    """
    places = request.places
    report: dict[str, Any] = json.loads(places.quantization.read_bytes())
    lines = ["", *accuracy_lines(report)]
    searched = "--search" in request.quantization
    remedies = _REMEDIES if searched else f"{_SEARCH}, {_REMEDIES}"
    if exit_code == EXIT_GATE_FAILED:
        lines += [
            f"NOT PACKAGED: {report['verdict']['reason']}.",
            *([report["advice"]] if report["advice"] else []),
            f"{remedies[0].upper()}{remedies[1:]}, and run the command again: what is done stays "
            "done.",
            *_left_over(request),
            f"Report:  {places.page}",
        ]
        return "\n".join(lines)
    if exit_code == EXIT_NOT_ENOUGH_EVIDENCE:
        lines.append(f"NOT ENOUGH PICTURES to be sure: {report['verdict']['reason']}.")
    wheel = wheel_path(request)
    lines += [
        f"Report:  {places.page}",
        f"Model:   {places.compiled}",
        f"Wheel:   {wheel}",
        f"Card:    {places.card}",
        "",
        *install_lines(wheel_spec(request), places.wheels, board=request.board),
    ]
    return "\n".join(lines)


def _left_over(request: Request) -> list[str]:
    """Say which files are not of a run whose model the gate refused."""
    places = request.places
    kept = [
        places.compiled,
        *sorted(places.wheels.glob("*.whl")),
        *sorted(places.wheels.glob("*.tar")),
    ]
    names = [path.relative_to(places.out).as_posix() for path in kept if path.is_file()]
    return [f"Of an earlier run, and left as they were: {', '.join(names)}."] if names else []


def accuracy_lines(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each set of held-out pictures in a compilation's report."""
    return [
        f"{found['split'].capitalize()}: int8 {percent(found['target_top1'])}, float "
        f"{percent(found['float_top1'])} of {found['count']:,} pictures that were not trained on"
        for found in report["comparisons"]
    ]
