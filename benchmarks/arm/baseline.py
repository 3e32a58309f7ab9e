"""The gate: what an inference cost and what it answered when the baseline was stored.

One baseline a board, stored in git. Counts belong to a runtime version; the sysroot's digest says
on which packages they were taken, but Debian's updates hardly move the counts of an inference, so
another digest is only said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.arm.errors import LaneError

SCHEMA = 1
# Counts repeat within 0.001 %; what moves them by more than this is a change.
MAX_GROWTH = 0.01
# What the package adds to a bare inference is 1 % of it, so the limit above would hide a doubling.
MAX_OVERHEAD_GROWTH = 0.03


@dataclass(frozen=True, slots=True)
class Counted:
    """The gated counts of one model.

    Attributes:
        steady: Instructions of a bare inference.
        classify: Of `Classifier.classify`; None for a model that only the bare runtime ran.
    """

    steady: int
    classify: int | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a board did.

    Attributes:
        board: Its name.
        runtime: Name and version of the runtime.
        sysroot: Digest of the sysroot.
        counts: By model and precision, such as "minivgg int8".
        pictures: SHA-256 of the test pictures that the answered ones are the first of.
        answers: The label of each of those pictures.
    """

    board: str
    runtime: str
    sysroot: str
    counts: Mapping[str, Counted]
    pictures: str
    answers: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The baseline as JSON values."""
        labels = sorted(set(self.answers))
        return {
            "schema": SCHEMA,
            "board": self.board,
            "runtime": self.runtime,
            "sysroot": self.sysroot,
            "counts": {
                name: {"steady": counted.steady, "classify": counted.classify}
                for name, counted in sorted(self.counts.items())
            },
            "pictures": self.pictures,
            "labels": labels,
            "answers": " ".join(str(labels.index(answer)) for answer in self.answers),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison with a baseline found.

    Attributes:
        failures: What got worse, one sentence each.
        unknown: Why nothing could be compared; None if it could.
        notes: What is worth saying besides.
    """

    failures: tuple[str, ...] = ()
    unknown: str | None = None
    notes: tuple[str, ...] = ()


def read_baseline(path: Path) -> Baseline | None:
    """Read a stored baseline; None if there is none.

    Raises:
        LaneError: The file is not a baseline of this schema.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise LaneError(f"{path}: expected schema {SCHEMA}, got {found['schema']}")
        return Baseline(
            board=found["board"],
            runtime=found["runtime"],
            sysroot=found["sysroot"],
            counts={name: Counted(**counts) for name, counts in found["counts"].items()},
            pictures=found["pictures"],
            answers=tuple(found["labels"][int(index)] for index in found["answers"].split()),
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LaneError(f"{path}: expected a baseline, got: {error!r}") from error


def check(baseline: Baseline | None, current: Baseline) -> Verdict:
    """Compare what a board did now with what it did.

    More than `MAX_GROWTH` more instructions of an inference, more than `MAX_OVERHEAD_GROWTH` more
    around it in `classify`, or another answer to a picture fails. Fewer pictures than in the
    baseline are compared with its first ones. What got cheaper by as much is noted: against this
    baseline it could grow back unseen. So is a model of the baseline that was not counted.
    """
    if baseline is None:
        return Verdict(unknown=f"{current.board}: no baseline is stored")
    if baseline.runtime != current.runtime:
        return Verdict(
            unknown=f"{current.board}: the baseline is of {baseline.runtime}, "
            f"this run of {current.runtime}"
        )
    if baseline.pictures != current.pictures:
        return Verdict(unknown=f"{current.board}: the baseline's answers are to other pictures")
    failures, notes = [], []
    if baseline.sysroot != current.sysroot:
        notes.append(f"{current.board}: the baseline was taken on other system packages")
    for name, now in current.counts.items():
        before = baseline.counts.get(name)
        if before is None:
            notes.append(f"{current.board}, {name}: not in the baseline")
        else:
            failures += _changes(f"{current.board}, {name}", before, now, _grown)
            notes += _changes(f"{current.board}, {name}", before, now, _shrunk)
    notes += [
        f"{current.board}, {name}: in the baseline, not counted now"
        for name in baseline.counts
        if name not in current.counts
    ]
    failures += _changed_answers(current.board, baseline.answers, current.answers)
    return Verdict(tuple(failures), None, tuple(notes))


_Judge = Callable[[str, int, int, float], str | None]


def _changes(what: str, before: Counted, now: Counted, judge: _Judge) -> list[str]:
    """Return what `judge` says of each gated count: title, before, now, the limit as a share."""
    found = [judge(f"{what}: an inference", before.steady, now.steady, MAX_GROWTH)]
    if before.classify is not None and now.classify is not None:
        found.append(judge(f"{what}: classify", before.classify, now.classify, MAX_GROWTH))
        overhead = before.classify - before.steady, now.classify - now.steady
        found.append(
            judge(f"{what}: classify around the inference", *overhead, MAX_OVERHEAD_GROWTH)
        )
    return [sentence for sentence in found if sentence is not None]


def _grown(what: str, before: int, now: int, limit: float) -> str | None:
    if now - before <= before * limit:
        return None
    growth = now / before - 1
    return (
        f"{what} takes {now:,} instructions, {100 * growth:.1f} % more than the baseline's "
        f"{before:,}; at most {100 * limit:g} % is allowed"
    )


def _shrunk(what: str, before: int, now: int, limit: float) -> str | None:
    if before - now <= before * limit:
        return None
    return (
        f"{what} takes {now:,} instructions, {100 * (1 - now / before):.1f} % fewer than the "
        f"baseline's {before:,}; --update-baseline holds later runs to it"
    )


def _changed_answers(board: str, before: Sequence[str], now: Sequence[str]) -> list[str]:
    changed = [
        (index, old, new)
        for index, (old, new) in enumerate(zip(before, now, strict=False))
        if old != new
    ]
    if not changed:
        return []
    index, old, new = changed[0]
    return [
        f"{board}: {len(changed)} of {min(len(before), len(now))} answers changed, the first to "
        f"picture {index}: expected {old!r}, got {new!r}"
    ]
