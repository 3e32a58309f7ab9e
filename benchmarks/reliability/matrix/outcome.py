"""What came of the device package in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Versions:
    """What a place has; "-" where it is not installed, or not resolved."""

    python: str
    numpy: str = "-"
    runtime: str = "-"
    pillow: str = "-"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tests ended how."""

    passed: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the matrix.

    Attributes:
        name: of the place.
        title: of the place, for people.
        versions: of what was used, or of what was resolved for it.
        counts: of the device tests; None where none could run.
        duration_s: of everything: installing, testing, resolving.
        verdict: in a few words.
        failures: a sentence each; empty means that all is as it should be.
        remark: what has to be known beside the row: which of the device tests were not run there
            and why, or what the package says there; may be empty.
    """

    name: str
    title: str
    versions: Versions
    counts: Counts | None
    duration_s: float
    verdict: str
    failures: tuple[str, ...] = ()
    remark: str = ""
