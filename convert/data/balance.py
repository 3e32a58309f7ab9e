"""Give each class its least share of every role, by moving what was not decided before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from convert.data.grouping import NO_GROUPS, Grouping
from convert.data.split_file import Role, SplitRecord, SplitRule
from convert.errors import DataError


@dataclass(slots=True)
class Block:
    """Contents that share a role, as far as earlier decisions let them.

    Attributes:
        contents: SHA-256 of each different content, with the label of its class.
        role: of those that were not decided before.
        movable: whether none was decided before.
    """

    contents: dict[str, int]
    role: Role
    movable: bool

    @property
    def name(self) -> str:
        """Return the block's name: the smallest SHA-256, whatever the order of the files."""
        return min(self.contents)


def minimums_of(blocks: Sequence[Block], rule: SplitRule) -> dict[int, dict[Role, int]]:
    """Return how many pictures of each class each role needs, by label.

    Where blocks are few, as groups or as pictures of a small class, chance alone may leave a class
    far from its fractions; half of what they ask for keeps the accuracy of each class meaningful.
    """
    counts = Counter(label for block in blocks for label in block.contents.values())
    return {
        label: {
            "train": max(1, int(0.5 * count * (1 - rule.validation - rule.test))),
            "validation": max(1, int(0.5 * count * rule.validation)),
            "test": int(0.5 * count * rule.test),
        }
        for label, count in counts.items()
    }


def balance(
    blocks: Sequence[Block],
    roles: dict[str, Role],
    label: int,
    class_name: str,
    minimums: Mapping[int, Mapping[Role, int]],
    record: SplitRecord,
) -> None:
    """Move blocks until the class has its minimum in every role, as far as that can be.

    Args:
        blocks: all of them; their roles change.
        roles: by content; they change too.
        label: index of the class.
        class_name: for messages.
        minimums: of every class, by label and role.
        record: its rule says which blocks are the nearest.

    Raises:
        DataError: the class has nothing to train on or to validate on.
    """
    inside = [block for block in blocks if label in block.contents.values()]
    movable = sorted((b for b in inside if b.movable), key=lambda b: record.rule.position(b.name))
    # The nearest positions first, but a test part may do without a class sooner than the others.
    orders: dict[Role, list[Block]] = {
        "train": movable[::-1],
        "validation": sorted(movable, key=lambda block: block.role == "test"),
        "test": [block for block in movable if block.role == "train"],
    }
    for wanted, order in orders.items():
        for block in order:
            if _count(inside, roles, label, wanted) >= minimums[label][wanted]:
                break
            if block.role != wanted and _may_leave(block, blocks, roles, minimums):
                block.role = wanted
                roles.update(dict.fromkeys(block.contents, wanted))
        if wanted != "test" and not _count(inside, roles, label, wanted):
            raise DataError(
                f"class {class_name!r}: expected a picture to train on and another to validate "
                f"on, got {_lack(inside, label, wanted, record.grouping)}"
            )


def _lack(inside: Sequence[Block], label: int, wanted: Role, grouping: Grouping) -> str:
    """Say what the blocks with pictures of a class are, and what to do about it."""
    contents = sum(own == label for block in inside for own in block.contents.values())
    if contents > 1 and len(inside) == 1 and grouping != NO_GROUPS:
        joined = {
            "looks": "look alike or were taken in one series",
            "pattern": f"look alike or have the same text by the pattern {grouping.pattern!r}",
        }[grouping.kind]
        return (
            f"{contents} that all {joined}, so that none can be held out; take some on another "
            "occasion, or train with --group-by none (the accuracy then looks better than "
            "it is)"
        )
    return (
        f"{contents} different pictures, and none that may become the {wanted} picture; add "
        "pictures"
    )


def _may_leave(
    block: Block,
    blocks: Sequence[Block],
    roles: Mapping[str, Role],
    minimums: Mapping[int, Mapping[Role, int]],
) -> bool:
    """Say whether every class of the block keeps its minimum in the role that the block leaves."""
    return all(
        _count(blocks, roles, label, block.role) - count >= minimums[label][block.role]
        for label, count in Counter(block.contents.values()).items()
    )


def _count(blocks: Iterable[Block], roles: Mapping[str, Role], label: int, role: Role) -> int:
    return sum(
        own == label and roles[content] == role
        for block in blocks
        for content, own in block.contents.items()
    )
