"""Which pictures of a folder share a part of its split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which pictures share a role.

    Attributes:
        kind: "none": copies only; "looks": also near-copies and series, as a scan finds them;
            "pattern": also pictures with the same text in their names.
        pattern: the regular expression of the kind "pattern", else None.
    """

    kind: Literal["none", "looks", "pattern"]
    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("none", "looks", "pattern"):
            raise ValueError(f"expected the grouping none, looks or pattern, got {self.kind!r}")
        if (self.kind == "pattern") != isinstance(self.pattern, str):
            raise ValueError(f"grouping {self.kind!r} with the pattern {self.pattern!r}")

    def __str__(self) -> str:
        """Return what a split is made by, for messages."""
        return {
            "none": "single pictures",
            "looks": "looks and series",
            "pattern": f"the pattern {self.pattern!r}",
        }[self.kind]

    def to_json(self) -> dict[str, str | None]:
        """Return the grouping as JSON values."""
        return {"kind": self.kind, "pattern": self.pattern}


NO_GROUPS = Grouping("none")
BY_LOOKS = Grouping("looks")


def grouping_of(text: str | None, split_file: Path) -> Grouping | None:
    """Return what `--group-by` asks for; None leaves it to a split file that exists.

    Every command that may make a split takes this: whichever comes first, it is the same one.
    """
    if text is None:
        return None if split_file.exists() else BY_LOOKS
    if text == "none":
        return NO_GROUPS
    return BY_LOOKS if text == "looks" else Grouping("pattern", text)


def read_grouping(entry: Mapping[str, object]) -> Grouping:
    """Read what `Grouping.to_json` returned.

    Raises:
        KeyError: a value is missing.
        ValueError: it is no grouping.
    """
    return Grouping(entry["kind"], entry["pattern"])  # type: ignore[arg-type]  # checked there
