"""Pictures in two parts of a split that should have been in one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convert.data.split_file import Decision, Role


def lookalikes(
    names: Sequence[str], images: Sequence[NDArray[np.uint8]], roles: Sequence[Role]
) -> tuple[tuple[str, str], ...]:
    """Return pairs of names of pictures that are the same pixels but stand in two roles.

    Args:
        names: of the pictures.
        images: the pictures at the model's size, uint8 (H, W, 3).
        roles: of the pictures.
    """
    first: dict[bytes, tuple[str, Role]] = {}
    pairs = []
    for own, image, role in zip(names, images, roles, strict=True):
        pixels = hashlib.sha256(image.tobytes()).digest()
        name, other = first.setdefault(pixels, (own, role))
        if other != role:
            pairs.append((name, own))
    return tuple(pairs)


def torn_groups(names: Sequence[str], decisions: Sequence[Decision]) -> tuple[tuple[str, str], ...]:
    """Return a pair of names for each group whose pictures stand in more than one role.

    Old decisions stay, so that is what a new picture leaves that belongs to two of them.

    Args:
        names: of the pictures.
        decisions: about them.
    """
    first: dict[str, tuple[str, Role]] = {}
    pairs: dict[str, tuple[str, str]] = {}
    for own, decision in zip(names, decisions, strict=True):
        if decision.group is not None:
            name, other = first.setdefault(decision.group, (own, decision.role))
            if other != decision.role:
                pairs.setdefault(decision.group, (name, own))
    return tuple(pairs.values())
