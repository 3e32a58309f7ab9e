"""What a finding is, and the pictures that the checks look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from convert.scanning.duplicates import exact_duplicates, near_duplicates
from convert.scanning.facts import Facts

Severity = Literal["error", "warning", "note"]


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


@dataclass(frozen=True)
class Scanned:
    """A folder's pictures as the checks see them.

    Attributes:
        facts: of all pictures, also of those that cannot be decoded.
        roles: the part that each lies in, by its place; None where the split decides.
        class_names: in index order.
        unused_folders: names of folders with pictures beside the parts.
    """

    facts: Sequence[Facts]
    roles: Sequence[str | None]
    class_names: Sequence[str]
    unused_folders: Sequence[str] = ()

    @cached_property
    def near(self) -> list[list[int]]:
        """Positions of pictures that look the same, see `near_duplicates`."""
        return near_duplicates(self.facts)

    @cached_property
    def skipped(self) -> dict[str, str]:
        """The pictures that training has to leave out, with the reason, by name."""
        reasons = {found.name: found.problem for found in self.facts if found.problem is not None}
        for group in exact_duplicates(self.facts):
            if len({self.facts[position].label for position in group}) > 1:
                for name in self.names(group):
                    reasons[name] = "the same bytes lie in another class too"
        return reasons

    def usable(self) -> list[int]:
        """Return the positions of the pictures that training does not leave out."""
        return [i for i, found in enumerate(self.facts) if found.name not in self.skipped]

    def names(self, positions: Sequence[int]) -> tuple[str, ...]:
        """Return the names of the pictures at `positions`."""
        return tuple(self.facts[position].name for position in positions)


def count_text(groups: Sequence[Sequence[int]]) -> str:
    """Say how many pictures in how many groups these are."""
    return f"{sum(map(len, groups))} pictures in {len(groups)} groups"
