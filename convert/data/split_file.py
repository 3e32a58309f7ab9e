"""Roles of a user's pictures: decided once per picture by its content, kept in `split.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from convert.data.grouping import NO_GROUPS, Grouping, read_grouping
from convert.errors import DataError
from minivgg_edge.atomic import write_atomically

Role = Literal["train", "validation", "test"]
ROLES: tuple[Role, ...] = get_args(Role)
HELD_OUT: tuple[Role, ...] = ("validation", "test")
SPLIT_FILE = "split.json"
_FORMAT = "minivgg-edge-split"
_VERSION = 2
_UNGROUPED_VERSION = 1  # before groups were kept; read as a split without any


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Which part of the pictures is held out, and a seed for another draw.

    Attributes:
        seed: changes which pictures are held out, not how many.
        validation: fraction of the pictures to validate on, 0 < validation < 1.
        test: fraction to test on, 0 <= test < 1; the two together leave some to train on.
    """

    seed: int = 0
    validation: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        if not (0 < self.validation < 1 and 0 <= self.test < 1 and self.validation + self.test < 1):
            raise ValueError(
                "expected fractions with 0 < validation, 0 <= test and validation + test < 1, "
                f"got validation {self.validation} and test {self.test}"
            )

    def position(self, content: str) -> float:
        """Where the content with this SHA-256 (hex) stands in [0, 1).

        It belongs to the content alone: other pictures can come and go without moving it.
        """
        digest = hashlib.sha256(f"{self.seed}:{content}".encode()).digest()
        # 53 bits: a double holds them exactly, so the result never rounds up to 1.
        return (int.from_bytes(digest[:8], "big") >> 11) / 2**53

    def role(self, content: str) -> Role:
        """The role by position: test pictures first, then validation, the rest to train on."""
        position = self.position(content)
        if position < self.test:
            return "test"
        return "validation" if position < self.test + self.validation else "train"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decided role: of the picture at a path, and of the content that it had.

    Attributes:
        role: of the picture.
        sha256: of the file's bytes, hex.
        group: names the pictures that it shares its role with; None: it stands alone.
        familiar: held out of training although its group is trained on, see `choose_familiar`.
    """

    role: Role
    sha256: str
    group: str | None = None
    familiar: bool = False

    def to_entry(self) -> dict[str, object]:
        """Return the picture's entry in the file."""
        entry: dict[str, object] = {"role": self.role, "sha256": self.sha256}
        if self.group is not None:
            entry["group"] = self.group
        if self.familiar:
            entry["familiar"] = True
        return entry


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """What a split file says.

    Attributes:
        rule: decides the pictures that are not in `decisions`.
        decisions: by picture name. Those of vanished pictures stay, in case they come back.
        grouping: how pictures that belong together are found, see `Grouping`.
    """

    rule: SplitRule
    decisions: Mapping[str, Decision]
    grouping: Grouping = NO_GROUPS

    def to_json(self) -> bytes:
        """Encode: the same bytes for the same decisions."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "seed": self.rule.seed,
            "fractions": {"validation": self.rule.validation, "test": self.rule.test},
            "grouping": self.grouping.to_json(),
            "pictures": {name: decision.to_entry() for name, decision in self.decisions.items()},
        }
        # ASCII: a file name that is not valid UTF-8 survives as an escaped surrogate.
        return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"


def read_split_file(path: Path) -> SplitRecord | None:
    """Read a split file.

    Returns:
        Its content, or None if there is no such file.

    Raises:
        DataError: the file cannot be read or is no split file of this version, or it gives the
            same content two roles.
    """
    try:
        document = json.loads(path.read_bytes())
        version = document["version"]
        if document["format"] != _FORMAT or version not in (_UNGROUPED_VERSION, _VERSION):
            raise ValueError(f"{document['format']!r} of version {version!r}")
        grouping = NO_GROUPS
        if version == _VERSION:
            grouping = read_grouping(document["grouping"])
        fractions = document["fractions"]
        rule = SplitRule(
            int(document["seed"]), float(fractions["validation"]), float(fractions["test"])
        )
        decisions = {name: _decision(name, entry) for name, entry in document["pictures"].items()}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: expected a split file, got {error.strerror}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: expected a split file ({_FORMAT!r} of version {_VERSION}), "
            f"got {type(error).__name__}: {error}; mend it, or remove it to split again"
        ) from error
    _check_contents(path, decisions)
    return SplitRecord(rule, decisions, grouping)


def open_split(
    path: Path,
    seed: int,
    fractions: tuple[float, float] | None,
    *,
    splits_test: bool,
    grouping: Grouping | None = None,
) -> SplitRecord:
    """Read the split file at `path`, or begin a new record where there is none.

    Args:
        path: the split file.
        seed: of a new record; the seed of a split file stays.
        fractions: of validation and test pictures; None: those of the file or the default.
        splits_test: False: there is no test part to make, and its fraction counts as 0.
        grouping: which pictures share a role; None: as the file has it, or none.

    Raises:
        DataError: as `read_split_file`; or the file divides by other fractions or another grouping
            than asked for.
        ValueError: `fractions` are out of range.
    """
    existing = read_split_file(path)
    rule = SplitRule(seed) if existing is None else existing.rule
    if fractions is not None:
        rule = replace(rule, validation=fractions[0], test=fractions[1])
    if not splits_test:
        rule = replace(rule, test=0.0)
    if existing is None:
        return SplitRecord(rule, {}, grouping or NO_GROUPS)
    if grouping is not None and grouping != existing.grouping:
        raise DataError(
            f"{path}: expected a split by {grouping}, got one by {existing.grouping}; ask for "
            "that, name another split file, or remove this one to split again"
        )
    if existing.rule != rule:
        raise DataError(
            f"{path}: expected fractions {rule.validation} to validate and {rule.test} to test, "
            f"got a split by {existing.rule.validation} and {existing.rule.test}; ask for those, "
            "name another split file, or remove this one to split again"
        )
    return existing


def write_split_file(path: Path, record: SplitRecord) -> None:
    """Write a split file atomically; a file that says this already is left alone.

    Raises:
        DataError: it cannot be written.
    """
    content = record.to_json()
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise DataError(
            f"{path}: the split must be kept, but the file cannot be written: {error.strerror}. "
            "If the data folder is read-only, name a split file elsewhere (--split-file)"
        ) from error


def _decision(name: str, entry: Mapping[str, object]) -> Decision:
    role, sha256 = entry["role"], entry["sha256"]
    group, familiar = entry.get("group"), entry.get("familiar", False)
    if role not in ROLES or not isinstance(sha256, str):
        raise ValueError(f"role {role!r} and sha256 {sha256!r} for {name!r}")
    if not (group is None or isinstance(group, str)) or not isinstance(familiar, bool):
        raise ValueError(f"group {group!r} and familiar {familiar!r} for {name!r}")
    return Decision(next(known for known in ROLES if known == role), sha256, group, familiar)


def _check_contents(path: Path, decisions: Mapping[str, Decision]) -> None:
    first: dict[str, str] = {}
    for name, decision in decisions.items():
        other = first.setdefault(decision.sha256, name)
        if decisions[other].role != decision.role:
            raise DataError(
                f"{path}: expected one role for the same content, got {decisions[other].role} "
                f"for {other!r} and {decision.role} for {name!r}"
            )
