"""The report's command: result files in; a page, a Markdown file, the README's table out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from convert.atomic import write_output
from convert.command import EXIT_DONE, EXIT_GATE_FAILED
from convert.report.frontier import frontier_files
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
    if options.charts is not None and options.readme is None:
        parser.error("--charts needs --readme, whose pictures they are")
    paths: Sequence[Path] = options.results
    find = stored if options.readme is not None else latest
    if not paths and find is not None:
        paths = find()
        if not paths:
            parser.error("there are no results yet: name some, or run make bench")
        print("from " + ", ".join(map(str, paths)), file=sys.stderr)
    results = read_results(paths)
    if options.check:
        return _check(options.readme, options.charts, results)
    if options.readme is not None:
        _write(options.readme, _with_table(options.readme, results))
    if options.charts is not None:
        options.charts.mkdir(parents=True, exist_ok=True)
        for name, data in frontier_files(results).items():
            print(
                f"{options.charts / name}: {write_output(options.charts / name, data, force=True)}"
            )
    if options.markdown is not None:
        _write(options.markdown, markdown(results))
    out = options.out
    if out is None and options.readme is None and options.markdown is None:
        out = DEFAULT_PAGE
    if out is not None:
        _write(out, page(results))
    return EXIT_DONE


def _check(readme: Path, charts: Path | None, results: Results) -> int:
    stale = []
    if readme.read_text(encoding="utf-8") != _with_table(readme, results):
        stale.append(readme)
    if charts is not None:
        stale += [
            charts / name
            for name, data in frontier_files(results).items()
            if not (charts / name).is_file() or (charts / name).read_bytes() != data
        ]
    if not stale:
        print(f"{readme}: says what the results say")
        return EXIT_DONE
    words = f"--readme {readme}" + ("" if charts is None else f" --charts {charts}")
    for path in stale:
        print(
            f"{path}: not what the results say; to write it: python -m benchmarks.report {words}",
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
    add("--charts", type=Path, metavar="DIR", help="with --readme: rewrite its charts there")
    add("--check", action="store_true", help="with --readme: exit 1 if it would change")
    return parser
