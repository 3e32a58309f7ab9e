"""The report's command: result files in; a page, a Markdown file, the README's table out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from convert.atomic import write_output
from convert.command import EXIT_DONE, EXIT_GATE_FAILED
from convert.report.markdown import markdown
from convert.report.page import page
from convert.report.readme import readme_table, replace_section
from convert.report.results import Results, read_results

DEFAULT_PAGE = Path("out") / "report" / "index.html"


def report(
    arguments: Sequence[str] | None,
    *,
    prog: str,
    description: str,
    stored: Callable[[], Sequence[Path]] | None = None,
    latest: Callable[[], Sequence[Path]] | None = None,
) -> int:
    """Read result files and write what the options ask for.

    Args:
        arguments: those of the command line; None: of the process.
        prog: the command's name in its help.
        description: what its help says.
        stored: finds the result files of the README's table when none are named.
        latest: finds those of a page when none are named.

    Returns:
        0, or 1 when `--check` finds a README that does not say what the results say.

    Raises:
        ResultError: a result file is refused, the README has no markers, or there are no results.
        OSError: a file cannot be read or written.
    """
    parser = _parser(prog, description, needs_results=stored is None or latest is None)
    options = parser.parse_args(arguments)
    if options.check and options.readme is None:
        parser.error("--check needs --readme")
    if options.check and (options.out is not None or options.markdown is not None):
        parser.error("--check writes nothing: it goes without --out and --markdown")
    paths: Sequence[Path] = options.results
    find = stored if options.readme is not None else latest
    if not paths and find is not None:
        paths = find()
        if not paths:
            parser.error("there are no results yet: name some, or run make bench")
        print("from " + ", ".join(map(str, paths)), file=sys.stderr)
    results = read_results(paths)
    if options.check:
        return _check(options.readme, results)
    if options.readme is not None:
        _write(options.readme, _with_table(options.readme, results))
    if options.markdown is not None:
        _write(options.markdown, markdown(results))
    out = options.out
    if out is None and options.readme is None and options.markdown is None:
        out = DEFAULT_PAGE
    if out is not None:
        _write(out, page(results))
    return EXIT_DONE


def _check(readme: Path, results: Results) -> int:
    if readme.read_text(encoding="utf-8") == _with_table(readme, results):
        print(f"{readme}: says what the results say")
        return EXIT_DONE
    print(
        f"{readme}: its table is not that of the results; to write it: "
        f"python -m benchmarks.report --readme {readme}",
        file=sys.stderr,
    )
    return EXIT_GATE_FAILED


def _with_table(readme: Path, results: Results) -> str:
    text = readme.read_text(encoding="utf-8")
    return replace_section(text, readme_table(results), where=str(readme))


def _write(path: Path, text: str) -> None:
    print(f"{path}: {write_output(path, text.encode('utf-8'), force=True)}")


def _parser(prog: str, description: str, *, needs_results: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "results",
        nargs="+" if needs_results else "*",
        type=Path,
        metavar="RESULT.json",
        help="files of `make bench`, `make peers`, `make arm`, `minivgg-edge bench --json`, ...",
    )
    add("-o", "--out", type=Path, metavar="PAGE", help=f"the HTML page (default: {DEFAULT_PAGE})")
    add("--markdown", type=Path, metavar="FILE", help="also write the card and tables as Markdown")
    add("--readme", type=Path, metavar="README", help="rewrite the table between its markers")
    add("--check", action="store_true", help="with --readme: exit 1 if it would change")
    return parser
