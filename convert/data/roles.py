"""Give every picture of a user's folder its role, so that nothing that belongs together is torn."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from convert.data.balance import Block, balance, minimums_of
from convert.data.disjoint_sets import DisjointSets
from convert.data.split_file import Decision, Role, SplitRecord, SplitRule
from convert.errors import DataError

# Of the pictures in trained groups, the share that is held out to show what a random split would
# report; and how many there have to be for a figure that says anything.
_FAMILIAR_SHARE = 0.05
_FEWEST_FAMILIAR = 40


@dataclass(frozen=True, slots=True)
class HashedPicture:
    """A picture as the split rule sees it.

    Attributes:
        name: path below the data folder, with forward slashes.
        label: index of its class.
        sha256: of the file's bytes, hex.
        role: the role its place gives it; None if the rule decides.
    """

    name: str
    label: int
    sha256: str
    role: Role | None


def assign_roles(
    pictures: Sequence[HashedPicture],
    class_names: Sequence[str],
    record: SplitRecord,
    groups: Sequence[Sequence[int]] = (),
) -> tuple[list[Decision], SplitRecord]:
    """Assign each picture its role.

    What counts, in this order: the part folder it lies in; the role that `record` has for its
    content; the role of its group, where those count that `record` has for its contents and for its
    names (a picture that was edited); the rule. Then each class gets at least one training and one
    validation picture, and half of what its fractions ask for, from pictures and groups that were
    not decided before.

    Args:
        pictures: of the folder.
        class_names: in index order.
        record: earlier decisions and the rule.
        groups: positions in `pictures` that belong together; copies belong together anyway.

    Returns:
        The decision about each picture, and `record` with the new ones.

    Raises:
        DataError: the same content lies in two classes or two parts, or a class is too small.
    """
    _check_duplicates(pictures)
    open_pictures = [picture for picture in pictures if picture.role is None]
    by_content, by_name = _decided(open_pictures, record.decisions)
    blocks = _blocks(pictures, groups, {**by_name, **by_content}, record.rule)
    roles = _roles(blocks, by_content)
    minimums = minimums_of(blocks, record.rule)
    for label in sorted(minimums):
        balance(blocks, roles, label, class_names[label], minimums, record)
    roles.update((p.sha256, p.role) for p in pictures if p.role is not None)
    named = {content: b.name for b in blocks if len(b.contents) > 1 for content in b.contents}
    made = [Decision(roles[p.sha256], p.sha256, named.get(p.sha256)) for p in pictures]
    made = choose_familiar(made, record)
    news = {p.name: d for p, d in zip(pictures, made, strict=True) if p.role is None}
    return made, replace(record, decisions={**record.decisions, **news})


def choose_familiar(decisions: Sequence[Decision], record: SplitRecord) -> list[Decision]:
    """Hold out some pictures of groups that are trained on.

    The accuracy on them is what a random split would report; on the validation pictures, whose
    groups were not trained on, it is what a new subject will see. What was chosen stays chosen,
    also when nothing is left of its group; of those that are chosen now, a group always keeps a
    picture to train on. Small data sets give none away.
    """
    before = {d.sha256 for d in record.decisions.values() if d.familiar}
    trained_before = {d.sha256 for d in record.decisions.values()} - before
    members: dict[str, set[str]] = {}
    for decision in decisions:
        if decision.role == "train" and decision.group is not None:
            members.setdefault(decision.group, set()).add(decision.sha256)
    chosen = {d.sha256 for d in decisions if d.role == "train" and d.sha256 in before}
    for contents in members.values():
        first = min(contents)
        chosen |= {
            content
            for content in contents
            if content not in trained_before and content != first and _is_familiar(content)
        }
    if len(chosen) < _FEWEST_FAMILIAR and not before:
        return list(decisions)
    return [replace(d, familiar=d.sha256 in chosen) for d in decisions]


def _is_familiar(content: str) -> bool:
    digest = hashlib.sha256(f"familiar:{content}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < _FAMILIAR_SHARE * 2**64


def _check_duplicates(pictures: Sequence[HashedPicture]) -> None:
    first: dict[str, HashedPicture] = {}
    for picture in pictures:
        other = first.setdefault(picture.sha256, picture)
        if other.label != picture.label:
            raise DataError(
                f"expected each picture in one class, got the same content in {other.name!r} "
                f"and {picture.name!r}"
            )
        if other.role != picture.role:
            raise DataError(
                f"expected each picture in one part, got the same content in {other.name!r} "
                f"and {picture.name!r}"
            )


def _decided(
    pictures: Sequence[HashedPicture], decisions: Mapping[str, Decision]
) -> tuple[dict[str, Role], dict[str, Role]]:
    """Roles of contents that were decided earlier: about them, and about what bore their name."""
    known = {decision.sha256: decision.role for decision in decisions.values()}
    by_content: dict[str, Role] = {}
    by_name: dict[str, Role] = {}
    for picture in pictures:
        if picture.sha256 in known:
            by_content[picture.sha256] = known[picture.sha256]
        elif picture.name in decisions:
            # Edited since: it still resembles what it was, so it must not change sides. But where
            # other pictures took the names, as a camera's program does that counts from one again,
            # what belongs together now stays together.
            by_name.setdefault(picture.sha256, decisions[picture.name].role)
    return by_content, by_name


def _blocks(
    pictures: Sequence[HashedPicture],
    groups: Sequence[Sequence[int]],
    decided: Mapping[str, Role],
    rule: SplitRule,
) -> list[Block]:
    """Return the contents that the rule is for, in the blocks that share a role."""
    contents = {p.sha256: p.label for p in pictures if p.role is None}
    place = {content: position for position, content in enumerate(contents)}
    sets = DisjointSets(len(contents))
    for group in groups:
        inside = [place[pictures[i].sha256] for i in group if pictures[i].sha256 in place]
        sets.join_all(inside)
    blocks: dict[int, dict[str, int]] = {}
    for content, label in contents.items():
        blocks.setdefault(sets.root(place[content]), {})[content] = label
    return [_block(members, decided, rule) for members in blocks.values()]


def _block(members: dict[str, int], decided: Mapping[str, Role], rule: SplitRule) -> Block:
    earlier = Counter(decided[content] for content in members if content in decided)
    if not earlier:
        return Block(members, rule.role(min(members)), movable=True)
    # Groups that a new picture joined may stand in two roles: those stay, it goes with the most.
    order: tuple[Role, ...] = ("train", "validation", "test")
    return Block(members, max(order, key=lambda role: earlier[role]), movable=False)


def _roles(blocks: Sequence[Block], by_content: Mapping[str, Role]) -> dict[str, Role]:
    return {
        content: by_content.get(content, block.role)
        for block in blocks
        for content in block.contents
    }
