"""Classes that have too few pictures, or none that can be held out."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from convert.scanning.finding import Finding, Scanned
from convert.scanning.groups import group_pictures

FEWEST_TO_WORK = 2  # one to train on, one to validate on
FEWEST_TO_LEARN = 20
_MOST_IMBALANCE = 4.0


def class_sizes(scanned: Scanned) -> Iterator[Finding]:
    """Find classes with too few different pictures, counted as training counts them."""
    usable = scanned.usable()
    counts = _contents(scanned, usable)
    named = list(zip(scanned.class_names, counts, strict=True))
    divided = _contents(scanned, [i for i in usable if scanned.roles[i] is None])
    hopeless = [
        (name, count)
        for name, count in zip(scanned.class_names, divided, strict=True)
        if None in scanned.roles and count < FEWEST_TO_WORK
    ]
    if hopeless:
        yield Finding(
            "hopeless-class",
            "error",
            f"classes with fewer than {FEWEST_TO_WORK} different pictures to divide: "
            f"{_listed(hopeless)}",
            "one picture to train on and one to validate on is the least, beside copies and what "
            "is skipped; add pictures",
        )
    for part in sorted({role for role in scanned.roles if role is not None}):
        inside = _contents(scanned, [i for i in usable if scanned.roles[i] == part])
        # Without any, a test part is passed over.
        if 0 in inside and (part != "test" or any(inside)):
            lacking = [n for n, count in zip(scanned.class_names, inside, strict=True) if not count]
            yield Finding(
                "class-missing-in-part",
                "error",
                f"no {part} pictures are left of classes: {', '.join(map(repr, lacking))}",
                "those that are there are skipped; add pictures",
            )
    tiny = [pair for pair in named if pair not in hopeless and 0 < pair[1] < FEWEST_TO_LEARN]
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


def alike_names(scanned: Scanned) -> Iterator[Finding]:
    """Find class names that differ in case or in the form of their Unicode characters alone."""
    alike: dict[str, list[str]] = {}
    for name in scanned.class_names:
        alike.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            yield Finding(
                "alike-names",
                "warning",
                f"classes {' and '.join(map(ascii, names))} have the same name but for upper case "
                "or the form of a character",
                "if they are one class, move the pictures into one folder",
            )


def one_series(scanned: Scanned) -> Iterator[Finding]:
    """Find classes that no split by looks can divide; training asks for --group-by none then."""
    open_positions = [i for i in scanned.usable() if scanned.roles[i] is None]
    by_label: dict[int, list[int]] = {}
    for position in open_positions:
        by_label.setdefault(scanned.facts[position].label, []).append(position)
    groups = group_pictures([scanned.facts[i] for i in open_positions])
    for group in groups:
        positions = {open_positions[i] for i in group}
        for label in sorted({scanned.facts[position].label for position in positions}):
            members = by_label[label]
            if not positions.issuperset(members):  # found out at the first one, mostly
                continue
            if len({scanned.facts[i].sha256 for i in members}) > 1:
                yield Finding(
                    "one-series",
                    "warning",
                    f"all {len(members)} pictures of class {scanned.class_names[label]!r} look "
                    "alike or were taken in one series",
                    "they stay together in one part of the split, so that none can be held out: "
                    "take some on another occasion, or train with --group-by none (the accuracy "
                    "then looks better than it is)",
                    (scanned.names(members),),
                )


def _contents(scanned: Scanned, positions: Sequence[int]) -> list[int]:
    """Return how many different pictures each class has among those at `positions`."""
    contents = {(scanned.facts[i].label, scanned.facts[i].sha256) for i in positions}
    counts = Counter(label for label, _ in contents)
    return [counts[label] for label in range(len(scanned.class_names))]


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name!r} {count}" for name, count in counts)
