"""Merge result files of several machines into one page, and keep the README's table.

Without result files a page is made of what was measured here (`out/bench`, `out/arm`) and of the
stored results in `benchmarks/results` where nothing newer was. `--readme README.md` rewrites the
table there, `--readme README.md --check` exits with 1 if it does not say what the results say;
both take the stored results alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from convert.command import run_command
from convert.report.command import report
from convert.report.decoding import read_object

STORED = Path(__file__).resolve().parent / "results"

# What the measuring commands write, under the names by which the same is stored.
MEASURED: Mapping[str, Path] = {
    "host.json": Path("out/bench/host.json"),
    "peers.json": Path("out/bench/peers.json"),
    "answers.json": Path("out/bench/answers.json"),
    "arm.json": Path("out/arm/arm.json"),
    "validation.json": Path("out/arm/validation.json"),
}


def stored_results(folder: Path = STORED) -> list[Path]:
    """Return the result files that the README's table is made of."""
    return sorted(folder.glob("*.json"))


def latest_results(folder: Path = STORED, measured: Mapping[str, Path] = MEASURED) -> list[Path]:
    """Return the stored result files, each replaced by what was measured since, if anything was.

    Args:
        folder: where results are stored.
        measured: a file that may be there for each name in `folder`.

    Raises:
        ResultError: of a stored and a measured file, one is no JSON object.
        OSError: a file cannot be read.
    """
    found = {path.name: path for path in stored_results(folder)}
    for name, path in measured.items():
        if path.is_file() and (name not in found or _date(path) >= _date(found[name])):
            found[name] = path
    return [found[name] for name in sorted(found)]


def _date(path: Path) -> str:
    """Return the day of a result, ISO 8601; days compare as text. Files without one are oldest."""
    return str(read_object(path).get("date", ""))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return report(
        arguments,
        prog="python -m benchmarks.report",
        description=__doc__ or "",
        stored=stored_results,
        latest=latest_results,
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
