"""Look at a folder of pictures before training: what is there, and what is wrong with it.

Finds files that cannot be decoded, copies and near-copies (also across classes and parts), series
that a random split would tear apart, tiny and unequal classes, odd sizes, grey, transparent and
turned pictures. Nothing in the folder is changed but `scan.json`, which tells training what to
skip; --page writes an HTML page with thumbnails.

Exit codes: 0 training can work with the folder; 1 it cannot, a finding says why; 2 bad usage or
not a folder of pictures sorted by class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.errors import DataError
from minivgg_edge.atomic import write_atomically


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    from convert.data.folder_layout import SCAN_FILE
    from convert.progress import shown_progress
    from convert.report.scan import scan_page, scan_text
    from convert.scanning.scan import scan_folder

    with shown_progress("Reading pictures", quiet=options.quiet or options.json) as report:
        scan = scan_folder(options.folder, report)
    document = scan.to_json()
    if options.json:
        sys.stdout.write(document.decode("ascii"))
    elif not options.quiet:
        print(scan_text(scan))
    target = options.out or options.folder / SCAN_FILE
    _write(target, document, "--out")
    if options.page is not None:
        options.page.parent.mkdir(parents=True, exist_ok=True)
        _write(options.page, scan_page(scan).encode("utf-8", "surrogateescape"), "--page")
    if not (options.quiet or options.json):
        print(f"Wrote {target}" + (f" and {options.page}" if options.page else ""))
    broken = any(finding.severity == "error" for finding in scan.findings)
    return EXIT_GATE_FAILED if broken else EXIT_DONE


def _write(path: Path, data: bytes, option: str) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written: {error.strerror}; name a place with {option}"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.scan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="one folder per class, or parts of such")
    add("-o", "--out", type=Path, metavar="FILE", help="default: scan.json in the folder")
    add("--page", type=Path, metavar="FILE.html", help="also write a page with thumbnails")
    add("--json", action="store_true", help="print the scan as JSON instead of text")
    add("--quiet", action="store_true", help="print problems only")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
