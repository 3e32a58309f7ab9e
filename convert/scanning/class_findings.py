"""Classes that have too few pictures, or none that can be held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convert.scanning.finding import Finding, Scanned
from convert.scanning.groups import group_pictures

FEWEST_TO_WORK = 2  # one to train on, one to validate on
FEWEST_TO_LEARN = 20
_MOST_IMBALANCE = 4.0


def class_sizes(scanned: Scanned) -> Iterator[Finding]:
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


def one_series(scanned: Scanned) -> Iterator[Finding]:
    """Find classes that no split by looks can divide; training asks for --group-by none then."""
    open_positions = [i for i in scanned.usable() if scanned.roles[i] is None]
    groups = group_pictures([scanned.facts[i] for i in open_positions])
    for group in groups:
        positions = {open_positions[i] for i in group}
        for label in sorted({scanned.facts[position].label for position in positions}):
            members = [i for i in open_positions if scanned.facts[i].label == label]
            contents = {scanned.facts[i].sha256 for i in members}
            if len(contents) > 1 and positions.issuperset(members):
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


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name!r} {count}" for name, count in counts)
