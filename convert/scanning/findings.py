"""What a scan finds: each finding is a sentence, the pictures it is about, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from convert.scanning.class_findings import alike_names, class_sizes, one_series
from convert.scanning.copy_findings import across_parts, exact_copies, near_copies
from convert.scanning.facts import Facts
from convert.scanning.finding import Finding, Scanned, count_text
from convert.scanning.series import find_series

_SMALLEST_SIDE = 32
_LONGEST_ASPECT = 2.5
_BIG_PIXELS = 4_000_000


def find_all(scanned: Scanned) -> list[Finding]:
    """Return everything that is found, errors first, then warnings, then notes."""
    order = {"error": 0, "warning": 1, "note": 2}
    found = [finding for check in _CHECKS for finding in check(scanned)]
    return sorted(found, key=lambda finding: order[finding.severity])


def _unused_folders(scanned: Scanned) -> Iterator[Finding]:
    if scanned.unused_folders:
        yield Finding(
            "unused-folders",
            "warning",
            "folders with pictures beside the parts are passed over: "
            f"{', '.join(map(repr, scanned.unused_folders))}",
            "a part is called train, validation (or valid, val) or test: rename the folder if it "
            "is one",
        )


def _undecodable(scanned: Scanned) -> Iterator[Finding]:
    broken = [found for found in scanned.facts if found.problem is not None]
    if broken:
        yield Finding(
            "undecodable",
            "warning",
            f"{len(broken)} of {len(scanned.facts)} pictures cannot be decoded; "
            f"the first: {broken[0].name}: {broken[0].problem}",
            "they are listed and training skips them; replace them if you have better copies",
            tuple((found.name,) for found in broken),
        )


def _series(scanned: Scanned) -> Iterator[Finding]:
    series = find_series(scanned.facts)
    if series.rounds:
        yield Finding(
            "rounds",
            "note",
            f"the files' numbers go round the classes {len(series.rounds)} times, as when one "
            "subject after the other was taken",
            "each round stays together in one part of the split; --group-by decides otherwise",
            tuple(map(scanned.names, series.rounds)),
        )
    if series.bursts:
        yield Finding(
            "bursts",
            "note",
            f"{count_text(series.bursts)} were taken in series within seconds",
            "each series stays together in one part of the split; --group-by decides otherwise",
            tuple(map(scanned.names, series.bursts)),
        )


def _sizes(scanned: Scanned) -> Iterator[Finding]:
    decoded = [found for found in scanned.facts if found.problem is None]
    small = [found for found in decoded if min(found.width, found.height) < _SMALLEST_SIDE]
    if small:
        yield Finding(
            "small",
            "warning",
            f"{len(small)} pictures have a side below {_SMALLEST_SIDE} pixels",
            "they are enlarged and stay blurred",
            tuple((found.name,) for found in small),
        )
    long = [found for found in decoded if _aspect(found) > _LONGEST_ASPECT]
    if long:
        yield Finding(
            "aspect",
            "warning",
            f"{len(long)} pictures are more than {_LONGEST_ASPECT:g} times as long as wide",
            "they are squeezed to a square; --crop center cuts them instead",
            tuple((found.name,) for found in long),
        )
    if decoded and median(found.width * found.height for found in decoded) > _BIG_PIXELS:
        yield Finding(
            "big",
            "note",
            "most pictures have several megapixels",
            "training decodes each once and keeps it at the model's size",
        )


def _looks(scanned: Scanned) -> Iterator[Finding]:
    facts = [found for found in scanned.facts if found.problem is None]
    grey = [found for found in facts if found.is_grey]
    if grey:
        mixed = 0 < len(grey) < len(facts)
        yield Finding(
            "grey",
            "warning" if mixed else "note",
            f"{len(grey)} of {len(facts)} pictures are grey",
            "color then tells the classes apart where it should not" if mixed else "",
            tuple((found.name,) for found in grey) if mixed else (),
        )
    for code, sentence, chosen in (
        ("transparent", "have transparent pixels, which become white",
         [f for f in facts if f.header.has_alpha]),
        ("animated", "have several frames or pages, of which the first is taken",
         [f for f in facts if f.header.frames > 1]),
        ("rotated", "are turned by their EXIF orientation, here and on the device",
         [f for f in facts if f.header.orientation != 1]),
        ("gps", "say where they were taken; nothing of it goes into a model or a report",
         [f for f in facts if f.header.has_gps]),
    ):  # fmt: skip
        if chosen:
            names = tuple((found.name,) for found in chosen)
            yield Finding(code, "note", f"{len(chosen)} pictures {sentence}", pictures=names)


_CHECKS: tuple[Callable[[Scanned], Iterator[Finding]], ...] = (
    class_sizes,
    alike_names,
    one_series,
    _unused_folders,
    _undecodable,
    exact_copies,
    near_copies,
    across_parts,
    _series,
    _sizes,
    _looks,
)


def _aspect(found: Facts) -> float:
    return max(found.width, found.height) / min(found.width, found.height)
