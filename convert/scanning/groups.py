"""Groups of pictures that belong in the same part of a split."""

from __future__ import annotations

import re
from collections.abc import Sequence

from convert.data.disjoint_sets import DisjointSets
from convert.errors import DataError
from convert.scanning.duplicates import near_duplicates
from convert.scanning.facts import Facts
from convert.scanning.series import find_series


def group_pictures(facts: Sequence[Facts], pattern: str | None = None) -> list[list[int]]:
    """Return the positions that belong together, two or more each; the others stand alone.

    Pictures that look the same always share a group. Beyond that a pattern decides, where one is
    given, and otherwise the series that file numbers and times show.

    Args:
        facts: of all pictures.
        pattern: regular expression that is searched in each picture's name (its path below the data
            folder); pictures with the same text in its groups, or in the whole match if it has
            none, belong together. A picture without a match stands alone.

    Raises:
        DataError: `pattern` is no regular expression, or matches no picture at all.
    """
    sets = DisjointSets(len(facts))
    for group in near_duplicates(facts):
        sets.join_all(group)
    if pattern is None:
        series = find_series(facts)
        for positions in (*series.bursts, *series.rounds):
            sets.join_all(positions)
    else:
        for group in _by_pattern(facts, pattern):
            sets.join_all(group)
    return sets.groups()


def _by_pattern(facts: Sequence[Facts], pattern: str) -> list[list[int]]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"group pattern {pattern!r}: expected a regular expression: {error}"
        ) from error
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for position, found in enumerate(facts):
        match = expression.search(found.name)
        if match is not None:
            groups.setdefault(match.groups() or (match[0],), []).append(position)
    if not groups:
        example = f", such as {facts[0].name!r}" if facts else ""
        raise DataError(
            f"group pattern {pattern!r}: expected a match in the names of the pictures, got none "
            f"in {len(facts)}{example}"
        )
    return list(groups.values())
