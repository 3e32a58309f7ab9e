"""Where the labels of a chart's points go, so that they cover each other and the points least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Place = tuple[float, float]

LINE = 16.0  # height of a label
_LETTER = 7.2  # generous: a label that seems to fit must fit in every sans-serif font
_BASELINE = 4.0  # of a label, over the lower end of its box
_LINE_WEIGHT = 0.3  # a label on a line can be read, one on another label cannot


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Return the shared area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


@dataclass(frozen=True, slots=True)
class LabelPlace:
    """A label's left end on its baseline, and where a line from its point meets it.

    A label at the height of its point needs no such line: `leader` is None.
    """

    x: float
    y: float
    leader: Place | None


def label_places(
    points: Sequence[Place], labels: Sequence[str], *, line: Sequence[Place], frame: Box
) -> tuple[LabelPlace, ...]:
    """Put each label where it covers the least.

    Greedy, in the order of the points: each label takes the nearest of its possible places that
    is free of the points, of the labels before it and of the line, or else the one that covers
    least; outside of the frame it is covered wholly.

    Args:
        points: places of the points.
        labels: one text for each.
        line: the corners of a line of level and upright pieces.
        frame: where labels may stand.
    """
    taken = [Box(x - 7, y - 7, x + 7, y + 7) for x, y in points]
    pieces = [
        Box(min(a[0], b[0]) - 2, min(a[1], b[1]) - 2, max(a[0], b[0]) + 2, max(a[1], b[1]) + 2)
        for a, b in pairwise(line)
    ]

    def cost(box: Box) -> float:
        outside = (box.right - box.left) * (box.bottom - box.top) - box.overlap(frame)
        covered = sum(box.overlap(other) for other in taken)
        crossed = sum(box.overlap(piece) for piece in pieces)
        # Rounded: the nearest of equally good places must not lose by a floating-point ulp.
        return round(covered + _LINE_WEIGHT * crossed + 10 * outside, 6)

    chosen = []
    for (x, y), label in zip(points, labels, strict=True):
        best = min(_options(x, y, len(label) * _LETTER), key=cost)
        taken.append(best)
        chosen.append(LabelPlace(best.left, best.bottom - _BASELINE, _leader(best, x, y)))
    return tuple(chosen)


def _options(x: float, y: float, width: float) -> list[Box]:
    """Return the possible boxes of a label, the nearest first."""
    options = []
    for away in range(9):
        for up in (-1, 1) if away else (1,):
            middle = y - up * away * LINE
            lefts = (x - 11 - width, x + 11)
            for left in (*lefts, x - width / 2) if away else lefts:
                options.append(Box(left, middle - LINE / 2, left + width, middle + LINE / 2))
    return options


def _leader(box: Box, x: float, y: float) -> Place | None:
    """Return the nearest place under or over the label; None for a label on its point's line."""
    if box.top < y < box.bottom:
        return None
    at = min(max(x, box.left), box.right)
    return (at, box.bottom - 1) if box.bottom <= y else (at, box.top + 1)
