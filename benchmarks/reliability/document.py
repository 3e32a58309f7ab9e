"""Fill docs/reliability.md with the stored results of the attacks.

A section of the page between `<!-- result:NAME -->` and `<!-- /result -->` is what
benchmarks/results/reliability/NAME.json says. `--check` changes nothing and exits with 1 if the
page says something else.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.reliability.results import STORED, Result, read_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.report.decoding import ResultError
from convert.report.markdown import escape, table_markdown
from minivgg_edge.atomic import write_atomically

PAGE = Path("docs") / "reliability.md"
_SECTION = re.compile(r"<!-- result:(?P<name>[a-z-]+) -->\n(?:.*?\n)??<!-- /result -->", re.DOTALL)


def stored_results(folder: Path = STORED) -> dict[str, Result]:
    """Return the stored results by name."""
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def fill(page: str, results: Mapping[str, Result]) -> str:
    """Return the page with every section made anew.

    Raises:
        ResultError: a section without a result, a result without a section, or two sections of
            one name.
    """
    names = [match["name"] for match in _SECTION.finditer(page)]
    if sorted(names) != sorted(results):
        raise ResultError(f"{PAGE}: expected sections of {sorted(results)}, got {sorted(names)}")
    return _SECTION.sub(lambda match: _section(match["name"], results[match["name"]]), page)


def _section(name: str, result: Result) -> str:
    lines = [f"<!-- result:{name} -->", f"`{result.command}`, {result.date}, {result.machine}:", ""]
    for table in result.tables:
        lines += [f"**{escape(table.caption)}**", "", table_markdown(table), ""]
        lines += [escape(table.note), ""] if table.note else []
    lines.append("No failures." if not result.failures else "Failures:")
    lines += ["", *(f"- {escape(failure)}" for failure in result.failures)]
    return "\n".join(lines).rstrip() + "\n\n<!-- /result -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.document",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="default: %(default)s")
    options = parser.parse_args(arguments)
    old = options.page.read_text(encoding="utf-8")
    new = fill(old, stored_results())
    if options.check:
        if new != old:
            print(f"{options.page}: run `python -m benchmarks.reliability.document`")
        return EXIT_DONE if new == old else EXIT_GATE_FAILED
    write_atomically(options.page, new.encode("utf-8"))
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
