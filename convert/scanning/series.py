"""Series of exposures: pictures of one moment or one subject that a random split would tear apart.

Two kinds are found. A *burst* shows one thing several times: consecutive files of one class, taken
within seconds. A *round* goes once through the classes: consecutive files of changing classes, as
when one person after the other shows all signs. File numbers and EXIF times tell both.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from convert.data.disjoint_sets import DisjointSets
from convert.scanning.facts import Facts

BURST_SECONDS = 2.0
# Numbers that are missing between neighbors: pictures that somebody sorted out.
_MOST_MISSING = 3
# Of the steps from one number to the next, the share that changes the class where rounds were made.
_ROUND_SHARE = 0.6
# A run of more pictures of one class is that class by itself: it tells nothing of rounds.
_LONG_RUN = 8
# Of the files of one naming, the share whose number others have too: two photos of one number, of a
# second camera for say, do not make every class numbered by itself.
_SHARED_NUMBERS = 0.1
# Without times only pictures that resemble each other are a burst; neighbors in a film differ in a
# few bits, the next subject in about half of 64.
_BURST_BITS = 12

_LAST_NUMBER = re.compile(r"(\d{1,18})(?=\D*$)")
_EXIF_TIME = "%Y:%m:%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Series:
    """The series of a folder.

    Attributes:
        bursts: positions of the pictures of each burst, in order of their numbers or times.
        rounds: the same for rounds. Files of one naming have bursts or rounds, not both.
    """

    bursts: tuple[tuple[int, ...], ...] = ()
    rounds: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class _Shot:
    position: int
    number: int
    time: datetime | None


def find_series(facts: Sequence[Facts]) -> Series:
    """Find bursts, and rounds where the numbers of files that are named alike go round the classes.

    Each naming is judged by itself: the pictures of another camera change nothing.
    """
    rounds: list[tuple[int, ...]] = []
    steps = list(_timed_steps(facts))
    for runs in _numbered_runs(facts):
        if _goes_round(facts, runs):
            # What is of one class is no round, but may be a burst.
            rounds += (found for found in _rounds(facts, runs) if len(_labels(facts, found)) > 1)
        steps += (step for run in runs for step in itertools.pairwise(run))
    in_rounds = {position for found in rounds for position in found}
    sets = DisjointSets(len(facts))
    for a, b in steps:
        if in_rounds.isdisjoint((a.position, b.position)) and _is_burst(facts, a, b):
            sets.join(a.position, b.position)
    return Series(tuple(tuple(group) for group in sets.groups()), tuple(rounds))


def _goes_round(facts: Sequence[Facts], runs: Sequence[Sequence[_Shot]]) -> bool:
    """Whether most neighbors among files of one naming are of different classes."""
    telling = (
        run
        for run in runs
        if len(run) <= _LONG_RUN or len(_labels(facts, [shot.position for shot in run])) > 1
    )
    steps = [step for run in telling for step in itertools.pairwise(run)]
    changes = sum(facts[a.position].label != facts[b.position].label for a, b in steps)
    # Fewer steps than two rounds of two classes prove nothing.
    return len(steps) >= 4 and changes >= _ROUND_SHARE * len(steps)


def _labels(facts: Sequence[Facts], positions: Sequence[int]) -> set[int]:
    return {facts[position].label for position in positions}


def _numbered_runs(facts: Sequence[Facts]) -> Iterator[list[list[_Shot]]]:
    """Yield, by what stands around the number, the runs of files whose numbers follow each other.

    Where each class is numbered by itself, so are the runs.
    """
    shots: dict[tuple[str, str], list[_Shot]] = {}
    for position, found in enumerate(facts):
        stem = found.name.rpartition("/")[2].rpartition(".")[0]
        match = _LAST_NUMBER.search(stem)
        if match is not None and found.problem is None:
            around = (stem[: match.start()], stem[match.end() :])
            shot = _Shot(position, int(match[0]), _time(found))
            shots.setdefault(around, []).append(shot)
    for series in shots.values():
        # The same numbers, "cat/1.jpg" and "dog/1.jpg": each class is numbered by itself.
        again = len(series) - len({shot.number for shot in series})
        shared = again > _SHARED_NUMBERS * len(series)
        by_class: dict[int, list[_Shot]] = {}
        for shot in series:
            by_class.setdefault(facts[shot.position].label if shared else 0, []).append(shot)
        yield [run for numbered in by_class.values() for run in _consecutive(numbered)]


def _consecutive(shots: list[_Shot]) -> Iterator[list[_Shot]]:
    shots = sorted(shots, key=lambda shot: (shot.number, shot.position))
    run = shots[:1]
    for shot in shots[1:]:
        if shot.number - run[-1].number > 1 + _MOST_MISSING:
            yield run
            run = []
        run.append(shot)
    yield run


def _rounds(facts: Sequence[Facts], runs: Sequence[Sequence[_Shot]]) -> Iterator[tuple[int, ...]]:
    for run in runs:
        group: list[int] = []
        seen: set[int] = set()
        # Of a number that came twice the second is another camera's: it has no place here.
        for _, (shot, *_others) in itertools.groupby(run, key=lambda shot: shot.number):
            label = facts[shot.position].label
            # The same class twice in a row is a second try within the round.
            if label in seen and label != facts[group[-1]].label:
                yield tuple(group)
                group, seen = [], set()
            group.append(shot.position)
            seen.add(label)
        yield tuple(group)


def _timed_steps(facts: Sequence[Facts]) -> Iterator[tuple[_Shot, _Shot]]:
    """Yield neighbors in time within each class: files may be named without any number."""
    by_label: dict[int, list[_Shot]] = {}
    for position, found in enumerate(facts):
        time = _time(found)
        if time is not None and found.problem is None:
            by_label.setdefault(found.label, []).append(_Shot(position, 0, time))
    for shots in by_label.values():
        shots.sort(key=lambda shot: (shot.time or datetime.min, shot.position))
        yield from itertools.pairwise(shots)


def _is_burst(facts: Sequence[Facts], first: _Shot, second: _Shot) -> bool:
    a, b = facts[first.position], facts[second.position]
    if a.label != b.label:
        return False
    if first.time is not None and second.time is not None:
        return abs((second.time - first.time).total_seconds()) <= BURST_SECONDS
    return (a.phash ^ b.phash).bit_count() <= _BURST_BITS


def _time(found: Facts) -> datetime | None:
    if found.header.taken is None:
        return None
    try:
        return datetime.strptime(found.header.taken, _EXIF_TIME)
    except ValueError:
        return None
