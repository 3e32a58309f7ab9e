"""Pictures that are there more than once: in a class, across classes, across parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from convert.scanning.duplicates import exact_duplicates
from convert.scanning.facts import Facts
from convert.scanning.finding import Finding, Scanned, count_text


def exact_copies(scanned: Scanned) -> Iterator[Finding]:
    """Find files with the same bytes."""
    groups = exact_duplicates(scanned.facts)
    across = [group for group in groups if _differ(scanned, group, lambda f: f.label)]
    torn = [
        group
        for group in groups
        # What cannot be decoded is skipped, wherever it lies.
        if group not in across and _is_torn(scanned, group) and not _is_broken(scanned, group)
    ]
    within = [group for group in groups if group not in across and group not in torn]
    if torn:
        yield Finding(
            "copies-across-parts",
            "error",
            f"{count_text(torn)} with the same bytes lie in different parts (train, validation, "
            "test)",
            "training refuses them: leave each in one part",
            tuple(map(scanned.names, torn)),
        )
    if across:
        yield Finding(
            "label-conflict",
            "warning",
            f"{count_text(across)} with the same bytes lie in different classes",
            "nobody can tell which is right: training skips all of them; delete the wrong ones",
            tuple(map(scanned.names, across)),
        )
    if within:
        yield Finding(
            "exact-duplicates",
            "note",
            f"{count_text(within)} are copies of each other in their class",
            "copies always share a part of the split",
            tuple(map(scanned.names, within)),
        )


def near_copies(scanned: Scanned) -> Iterator[Finding]:
    """Find pictures that look the same, but for those that `exact_copies` finds."""
    exact = {tuple(group) for group in exact_duplicates(scanned.facts)}
    groups = [group for group in scanned.near if tuple(group) not in exact]
    across = [group for group in groups if _differ(scanned, group, lambda f: f.label)]
    within = [group for group in groups if group not in across]
    if across:
        yield Finding(
            "near-duplicates-across-classes",
            "warning",
            f"{count_text(across)} look the same but lie in different classes",
            "look whether each lies in the right class",
            tuple(map(scanned.names, across)),
        )
    if within:
        yield Finding(
            "near-duplicates",
            "note",
            f"{count_text(within)} look the same as another of their class",
            "they stay together in one part of the split",
            tuple(map(scanned.names, within)),
        )


def across_parts(scanned: Scanned) -> Iterator[Finding]:
    """Find pictures that look the same in two of the parts that the folders give."""
    exact = {tuple(group) for group in exact_duplicates(scanned.facts)}
    torn = [
        group for group in scanned.near if tuple(group) not in exact and _is_torn(scanned, group)
    ]
    if torn:
        yield Finding(
            "duplicates-across-parts",
            "warning",
            f"{count_text(torn)} look the same but lie in different parts (train, validation, "
            "test)",
            "the measured accuracy will look better than it is: move each group into one part",
            tuple(map(scanned.names, torn)),
        )


def _is_torn(scanned: Scanned, group: Sequence[int]) -> bool:
    return len({scanned.roles[position] for position in group}) > 1


def _is_broken(scanned: Scanned, group: Sequence[int]) -> bool:
    return any(scanned.facts[position].problem is not None for position in group)


def _differ(scanned: Scanned, group: Sequence[int], key: Callable[[Facts], object]) -> bool:
    return len({key(scanned.facts[position]) for position in group}) > 1
