"""Disjoint sets: which positions belong together when pairs are joined one by one."""

from __future__ import annotations

from collections.abc import Sequence


class DisjointSets:
    """Positions 0 to count - 1, each in a set of its own until joined (union-find)."""

    def __init__(self, count: int) -> None:
        """Start with `count` sets of one."""
        self._parents = list(range(count))

    def root(self, position: int) -> int:
        """Return the smallest position of the set."""
        while self._parents[position] != position:
            self._parents[position] = self._parents[self._parents[position]]
            position = self._parents[position]
        return position

    def join(self, first: int, second: int) -> None:
        """Make the sets of two positions one."""
        low, high = sorted((self.root(first), self.root(second)))
        self._parents[high] = low

    def join_all(self, positions: Sequence[int]) -> None:
        """Make the sets of several positions one."""
        for position in positions[1:]:
            self.join(positions[0], position)

    def groups(self) -> list[list[int]]:
        """Return the sets of two and more, each in order, by their first position."""
        members: dict[int, list[int]] = {}
        for position in range(len(self._parents)):
            members.setdefault(self.root(position), []).append(position)
        return [group for group in members.values() if len(group) > 1]
