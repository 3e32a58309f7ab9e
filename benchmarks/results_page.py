"""A page of docs/ whose sections are made from stored results."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import Result, read_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED
from convert.report.decoding import ResultError
from convert.report.markdown import escape, table_markdown
from minivgg_edge.atomic import write_atomically

_SECTION = re.compile(
    r"<!-- result:(?P<name>[a-z0-9-]+) -->\n(?:.*?\n)??<!-- /result -->", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """A page, and where its results lie.

    A section of the page between `<!-- result:NAME -->` and `<!-- /result -->` is what NAME.json
    says.

    Attributes:
        module: that `python -m` makes the page with.
        stored: folder of the results.
        path: of the page, below the checkout.
    """

    module: str
    stored: Path
    path: Path

    def results(self) -> dict[str, Result]:
        """Return the stored results by name."""
        return {path.stem: read_result(path) for path in sorted(self.stored.glob("*.json"))}

    def fill(self, text: str, results: Mapping[str, Result]) -> str:
        """Return the page's text with every section made anew.

        Raises:
            ResultError: a section without a result, a result without a section, or two sections of
                one name.
        """
        names = [match["name"] for match in _SECTION.finditer(text)]
        if sorted(names) != sorted(results):
            raise ResultError(
                f"{self.path}: expected sections of {sorted(results)}, got {sorted(names)}"
            )
        return _SECTION.sub(lambda match: _section(match["name"], results[match["name"]]), text)

    def run(self, arguments: Sequence[str] | None, *, description: str | None) -> int:
        """Run the command that makes or checks the page; return its exit code."""
        parser = argparse.ArgumentParser(
            prog=f"python -m {self.module}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add = parser.add_argument
        add("--check", action="store_true", help="change nothing, exit with 1 if stale")
        add("--page", type=Path, default=self.path, help="default: %(default)s")
        options = parser.parse_args(arguments)
        old = options.page.read_text(encoding="utf-8")
        new = self.fill(old, self.results())
        if options.check:
            if new != old:
                print(f"{options.page}: run `python -m {self.module}`")
            return EXIT_DONE if new == old else EXIT_GATE_FAILED
        write_atomically(options.page, new.encode("utf-8"))
        return EXIT_DONE


def _section(name: str, result: Result) -> str:
    lines = [f"<!-- result:{name} -->", f"`{result.command}`, {result.date}, {result.machine}:", ""]
    for table in result.tables:
        lines += [f"**{escape(table.caption)}**", "", table_markdown(table), ""]
        lines += [escape(table.note), ""] if table.note else []
    lines.append("No failures." if not result.failures else "Failures:")
    lines += ["", *(f"- {escape(failure)}" for failure in result.failures)]
    return "\n".join(lines).rstrip() + "\n\n<!-- /result -->"
