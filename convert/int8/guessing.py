"""Whether a model is so seldom right that its labels or its pixels are likely to be others."""

from __future__ import annotations

WHAT_TO_CHECK = (
    "are its labels in the right order, and does it expect other pixel values (--scale, --offset)?"
)


def seems_to_guess(right: float, classes: int) -> bool:
    """Say whether a share of right answers is about that of guessing.

    Below twice the rate of guessing; of few classes, below a fifth of the way from guessing to
    always right: a model that learned anything is above, one that gets its pixels in another range,
    or its classes in another order, is not.

    Args:
        right: share of pictures, 0-1.
        classes: that there are pictures of, at least 1.
    """
    guessing = 1.0 / classes
    return right < min(2.0 * guessing, guessing + 0.2 * (1.0 - guessing))
