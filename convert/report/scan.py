"""A scan as text for the terminal, and as one HTML page with thumbnails."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from convert.report.environment import report_environment
from convert.report.tables import Table
from convert.report.text import table
from convert.scanning.facts import Facts
from convert.scanning.finding import Finding
from convert.scanning.scan import Scan
from minivgg_edge.cli.terminal import printable

# A page with every picture of a big folder would be too heavy to open.
_MOST_GROUPS = 40
_MOST_IN_GROUP = 12
_NAMES_IN_TEXT = 3


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture on the page: made anew from pixels, so without EXIF, place and time.

    Attributes:
        name: the picture's.
        data: JPEG in Base64; "" if the picture cannot be decoded.
        width: pixels on the page.
        height: pixels on the page.
    """

    name: str
    data: str
    width: int
    height: int


def scan_text(scan: Scan) -> str:
    """Return classes and findings as plain text."""
    lines = [_table_text(classes_table(scan)), ""]
    for finding in scan.findings:
        lines.append(f"{finding.severity}: {finding.sentence}")
        named = [", ".join(map(printable, group)) for group in finding.pictures[:_NAMES_IN_TEXT]]
        if named and len(finding.pictures[0]) <= _MOST_IN_GROUP:
            more = len(finding.pictures) - len(named)
            lines += (f"    {text}" for text in named)
            lines += [f"    and {more} more"] if more else []
        if finding.advice:
            lines.append(f"  -> {finding.advice}")
    if not scan.findings:
        lines.append("Nothing to complain about.")
    if scan.ignored:
        shown = ", ".join(map(printable, scan.ignored[:_NAMES_IN_TEXT]))
        lines.append(f"Passed over, no pictures of a class: {len(scan.ignored)} ({shown})")
    return "\n".join(lines)


def classes_table(scan: Scan) -> Table:
    """Return the classes with their counts and sizes."""
    rows = [
        (
            printable(summary.name),
            f"{summary.count:,}",
            f"{summary.count - summary.decodable:,}",
            f"{summary.width} x {summary.height}" if summary.decodable else "-",
        )
        for summary in scan.classes
    ]
    total = sum(summary.count for summary in scan.classes)
    broken = total - sum(summary.decodable for summary in scan.classes)
    rows.append(("all", f"{total:,}", f"{broken:,}", ""))
    return Table("Classes", ("class", "pictures", "undecodable", "median size"), tuple(rows))


def scan_page(scan: Scan) -> str:
    """Return the scan as an HTML document without scripts; every name is escaped."""
    facts = {found.name: found for found in scan.facts}
    return (
        report_environment()
        .get_template("scan.html.j2")
        .render(
            scan=scan,
            classes=classes_table(scan),
            findings=[(finding, *_thumbnails(finding, facts)) for finding in scan.findings],
            ignored=[printable(name) for name in scan.ignored],
        )
    )


def _thumbnails(finding: Finding, facts: dict[str, Facts]) -> tuple[list[list[Thumbnail]], int]:
    """Return the thumbnails of a finding by groups, and how many pictures are left out."""
    chosen = [group[:_MOST_IN_GROUP] for group in finding.pictures[:_MOST_GROUPS]]
    if all(len(group) == 1 for group in chosen):  # single pictures side by side
        chosen = [tuple(name for group in chosen for name in group)]
    groups = [[_thumbnail(facts[name]) for name in group] for group in chosen if group]
    return groups, sum(map(len, finding.pictures)) - sum(map(len, groups))


def _thumbnail(found: Facts) -> Thumbnail:
    name = printable(found.name)
    if found.thumbnail is None:
        return Thumbnail(name, "", 64, 64)
    buffer = io.BytesIO()
    Image.fromarray(found.thumbnail).save(buffer, "JPEG", quality=80)
    longest = max(found.width, found.height)
    return Thumbnail(
        name,
        base64.b64encode(buffer.getvalue()).decode("ascii"),
        max(16, round(96 * found.width / longest)),
        max(16, round(96 * found.height / longest)),
    )


def _table_text(source: Table) -> str:
    return table(source.columns, source.rows)
