"""What a scan finds: each finding is a sentence, the pictures it is about, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from convert.scanning.duplicates import exact_duplicates, near_duplicates
from convert.scanning.facts import Facts
from convert.scanning.series import find_series

Severity = Literal["error", "warning", "note"]

FEWEST_TO_WORK = 2  # one to train on, one to validate on
FEWEST_TO_LEARN = 20
_MOST_IMBALANCE = 4.0
_SMALLEST_SIDE = 32
_LONGEST_ASPECT = 2.5
_BIG_PIXELS = 4_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know about the folder.

    Attributes:
        code: short name of its kind, the same in text, JSON and page.
        severity: "error": training cannot work; "warning": the result would be worse or look
            better than it is; "note": handled, but good to know.
        sentence: what was found.
        advice: what to do; "" where nothing is to be done.
        pictures: groups of names it is about; a group of one is a single picture.
    """

    code: str
    severity: Severity
    sentence: str
    advice: str = ""
    pictures: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Scanned:
    """A folder's pictures as the checks see them.

    Attributes:
        facts: of all pictures, also of those that cannot be decoded.
        roles: the part that each lies in, by its place; None where the split decides.
        class_names: in index order.
    """

    facts: Sequence[Facts]
    roles: Sequence[str | None]
    class_names: Sequence[str]

    def names(self, positions: Sequence[int]) -> tuple[str, ...]:
        """Return the names of the pictures at `positions`."""
        return tuple(self.facts[position].name for position in positions)


def find_all(scanned: Scanned) -> list[Finding]:
    """Return everything that is found, errors first, then warnings, then notes."""
    order = {"error": 0, "warning": 1, "note": 2}
    found = [finding for check in _CHECKS for finding in check(scanned)]
    return sorted(found, key=lambda finding: order[finding.severity])


def skipped(scanned: Scanned) -> dict[str, str]:
    """Return the pictures that training has to leave out, with the reason, by name."""
    reasons = {found.name: found.problem for found in scanned.facts if found.problem is not None}
    for group in exact_duplicates(scanned.facts):
        if len({scanned.facts[position].label for position in group}) > 1:
            for name in scanned.names(group):
                reasons[name] = "the same bytes lie in another class too"
    return reasons


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


def _class_sizes(scanned: Scanned) -> Iterator[Finding]:
    counts = [0] * len(scanned.class_names)
    for found in scanned.facts:
        counts[found.label] += found.problem is None
    named = list(zip(scanned.class_names, counts, strict=True))
    hopeless = [(name, count) for name, count in named if count < FEWEST_TO_WORK]
    if hopeless:
        yield Finding(
            "hopeless-class",
            "error",
            f"classes with fewer than {FEWEST_TO_WORK} pictures: {_listed(hopeless)}",
            "one picture to train on and one to validate on is the least; add pictures",
        )
    tiny = [(name, count) for name, count in named if FEWEST_TO_WORK <= count < FEWEST_TO_LEARN]
    if tiny:
        yield Finding(
            "tiny-class",
            "warning",
            f"classes with fewer than {FEWEST_TO_LEARN} pictures: {_listed(tiny)}",
            "that is little to learn from, and the measured accuracy will be vague; add pictures",
        )
    if min(counts) and max(counts) / min(counts) > _MOST_IMBALANCE:
        most, least = counts.index(max(counts)), counts.index(min(counts))
        yield Finding(
            "imbalance",
            "warning",
            f"class {scanned.class_names[most]!r} has {max(counts)} pictures, "
            f"{scanned.class_names[least]!r} only {min(counts)}",
            "training weighs the classes and the report has the accuracy of each; more pictures of "
            "the small ones help more",
        )


def _exact(scanned: Scanned) -> Iterator[Finding]:
    groups = exact_duplicates(scanned.facts)
    across = [group for group in groups if _differ(scanned, group, lambda f: f.label)]
    within = [group for group in groups if group not in across]
    if across:
        yield Finding(
            "label-conflict",
            "warning",
            f"{_count(across)} with the same bytes lie in different classes",
            "nobody can tell which is right: training skips all of them; delete the wrong ones",
            tuple(map(scanned.names, across)),
        )
    if within:
        yield Finding(
            "exact-duplicates",
            "note",
            f"{_count(within)} are copies of each other in their class",
            "copies always share a part of the split",
            tuple(map(scanned.names, within)),
        )


def _near(scanned: Scanned) -> Iterator[Finding]:
    exact = {tuple(group) for group in exact_duplicates(scanned.facts)}
    groups = [group for group in near_duplicates(scanned.facts) if tuple(group) not in exact]
    across = [group for group in groups if _differ(scanned, group, lambda f: f.label)]
    within = [group for group in groups if group not in across]
    if across:
        yield Finding(
            "near-duplicates-across-classes",
            "warning",
            f"{_count(across)} look the same but lie in different classes",
            "look whether each lies in the right class",
            tuple(map(scanned.names, across)),
        )
    if within:
        yield Finding(
            "near-duplicates",
            "note",
            f"{_count(within)} look the same as another of their class",
            "they stay together in one part of the split",
            tuple(map(scanned.names, within)),
        )


def _across_parts(scanned: Scanned) -> Iterator[Finding]:
    torn = [
        group
        for group in near_duplicates(scanned.facts)
        if len({scanned.roles[position] for position in group}) > 1
    ]
    if torn:
        yield Finding(
            "duplicates-across-parts",
            "warning",
            f"{_count(torn)} look the same but lie in different parts (train, validation, test)",
            "the measured accuracy will look better than it is: move each group into one part",
            tuple(map(scanned.names, torn)),
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
            f"{_count(series.bursts)} were taken in series within seconds",
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
    _class_sizes,
    _undecodable,
    _exact,
    _near,
    _across_parts,
    _series,
    _sizes,
    _looks,
)


def _differ(scanned: Scanned, group: Sequence[int], key: Callable[[Facts], object]) -> bool:
    return len({key(scanned.facts[position]) for position in group}) > 1


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name!r} {count}" for name, count in counts)


def _count(groups: Sequence[Sequence[int]]) -> str:
    return f"{sum(map(len, groups))} pictures in {len(groups)} groups"


def _aspect(found: Facts) -> float:
    return max(found.width, found.height) / min(found.width, found.height)
