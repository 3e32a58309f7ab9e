"""Give every picture of a user's folder its role, so that no content stands in two roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convert.data.split_file import Decision, Role, SplitRecord, SplitRule
from convert.errors import DataError


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
    pictures: Sequence[HashedPicture], class_names: Sequence[str], record: SplitRecord
) -> tuple[list[Role], SplitRecord]:
    """Assign each picture its role.

    What counts, in this order: the part folder it lies in; the role that `record` has for its
    content; the role that `record` has for its name (a picture that was edited); the rule. Then
    each class gets at least one training and one validation picture, from those not decided before.

    Returns:
        The role of each picture, and `record` with the new decisions.

    Raises:
        DataError: the same content lies in two classes or two parts, or a class is too small.
    """
    _check_duplicates(pictures)
    open_pictures = [picture for picture in pictures if picture.role is None]
    decided = _decided(open_pictures, record.decisions)
    roles: dict[str, Role] = {p.sha256: p.role for p in pictures if p.role is not None}
    for label, class_name in enumerate(class_names):
        contents = dict.fromkeys(p.sha256 for p in open_pictures if p.label == label)
        if contents:
            roles.update(_class_roles(list(contents), decided, record.rule, class_name))
    news = {p.name: Decision(roles[p.sha256], p.sha256) for p in open_pictures}
    merged = SplitRecord(record.rule, {**record.decisions, **news})
    return [roles[picture.sha256] for picture in pictures], merged


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
) -> dict[str, Role]:
    """Roles by content that were decided earlier."""
    by_content = {decision.sha256: decision.role for decision in decisions.values()}
    decided: dict[str, Role] = {}
    for picture in pictures:
        if picture.sha256 in by_content:
            decided[picture.sha256] = by_content[picture.sha256]
        elif picture.name in decisions:
            # Edited since: it still resembles what it was, so it must not change sides.
            decided.setdefault(picture.sha256, decisions[picture.name].role)
    return decided


def _class_roles(
    contents: list[str], decided: Mapping[str, Role], rule: SplitRule, class_name: str
) -> dict[str, Role]:
    """Roles of the contents of one class, with at least one to train and one to validate on."""
    roles = {content: decided.get(content) or rule.role(content) for content in contents}
    movable = sorted((c for c in contents if c not in decided), key=rule.position)
    # The nearest positions first, but a test part may do without a class sooner than the others.
    orders: dict[Role, list[str]] = {
        "train": movable[::-1],
        "validation": sorted(movable, key=lambda content: roles[content] == "test"),
    }
    for wanted, order in orders.items():
        if wanted in roles.values():
            continue
        counts = {role: list(roles.values()).count(role) for role in ("train", "validation")}
        donors = [c for c in order if counts.get(roles[c], 2) > 1]
        if not donors:
            raise DataError(
                f"class {class_name!r}: expected a picture to train on and another to validate "
                f"on, got {len(contents)} different pictures, and none that may become the "
                f"{wanted} picture; add pictures"
            )
        roles[donors[0]] = wanted
    return roles
