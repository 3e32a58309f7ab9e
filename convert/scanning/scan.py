"""`scan_folder`: facts, findings and what training has to skip, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from convert.data.folder_layout import find_pictures
from convert.scanning.facts import Facts, read_all_facts
from convert.scanning.finding import Finding, Scanned
from convert.scanning.findings import find_all
from convert.scanning.skip_list import SCAN_FORMAT, SCAN_VERSION


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """One class in numbers.

    Attributes:
        name: of the class.
        count: pictures, also those that cannot be decoded.
        decodable: of them, those that can.
        width: median width in pixels of those, as the following; 0 without any.
        height: median height in pixels.
    """

    name: str
    count: int
    decodable: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan.

    Attributes:
        folder: the data folder's name.
        classes: in index order.
        findings: errors first, then warnings, then notes.
        skip: reason and SHA-256 of the file by name, for training.
        ignored: names of files and folders that are no pictures, no classes and no parts.
        facts: of every picture, for a page with thumbnails; not in the JSON.
    """

    folder: str
    classes: tuple[ClassSummary, ...]
    findings: tuple[Finding, ...]
    skip: Mapping[str, Mapping[str, str]]
    ignored: tuple[str, ...]
    facts: tuple[Facts, ...]

    def to_json(self) -> bytes:
        """Return what is worth keeping as UTF-8 JSON; equal scans give equal bytes."""
        document = {
            "format": SCAN_FORMAT,
            "version": SCAN_VERSION,
            "folder": self.folder,
            "classes": [asdict(summary) for summary in self.classes],
            "findings": [asdict(finding) for finding in self.findings],
            "skip": self.skip,
            "ignored": self.ignored,
        }
        # ASCII: a file name that is not valid UTF-8 survives as an escaped surrogate.
        return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"


def scan_folder(folder: Path, report: Callable[[int, int], None] | None = None) -> Scan:
    """Look at every picture of a folder.

    Args:
        folder: in either layout of `convert.data.folder_layout`.
        report: called with the pictures read so far and how many there are.

    Raises:
        DataError: not a folder of pictures sorted by class; the message names what is wrong.
    """
    layout = find_pictures(folder)
    total = len(layout.pictures)
    facts = read_all_facts(
        layout.pictures, None if report is None else lambda done: report(done, total)
    )
    roles = [found.role for found in layout.pictures]
    scanned = Scanned(facts, roles, layout.class_names, layout.unused_folders)
    digests = {found.name: found.sha256 for found in facts}
    return Scan(
        folder=folder.resolve().name,
        classes=tuple(_summaries(facts, layout.class_names)),
        findings=tuple(find_all(scanned)),
        skip={
            name: {"reason": reason, "sha256": digests[name]}
            for name, reason in sorted(scanned.skipped.items())
        },
        ignored=layout.ignored,
        facts=tuple(facts),
    )


def _summaries(facts: list[Facts], class_names: tuple[str, ...]) -> list[ClassSummary]:
    summaries = []
    for label, name in enumerate(class_names):
        members = [found for found in facts if found.label == label]
        decoded = [found for found in members if found.problem is None]
        width = round(median(found.width for found in decoded)) if decoded else 0
        height = round(median(found.height for found in decoded)) if decoded else 0
        summaries.append(ClassSummary(name, len(members), len(decoded), width, height))
    return summaries
