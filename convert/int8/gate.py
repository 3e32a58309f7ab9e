"""The verdict: may this compiled model replace its float model?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from convert.command import EXIT_DONE, EXIT_GATE_FAILED, EXIT_NOT_ENOUGH_EVIDENCE
from convert.int8.comparison import Comparison, perplexity
from convert.int8.paired import drop_upper_bound

DEFAULT_MAX_DROP = 0.005
SIGNIFICANCE = 0.05

_EXIT_CODES = {"pass": EXIT_DONE, "fail": EXIT_GATE_FAILED, "not-enough": EXIT_NOT_ENOUGH_EVIDENCE}
# More pictures than anybody has; the search for a sufficient number stops here.
_MOST_PICTURES = 10_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided.

    Attributes:
        status: "pass", "fail", or "not-enough" pictures to tell.
        max_drop: the largest drop allowed, a fraction.
        reason: one sentence a person can act on.
    """

    status: Literal["pass", "fail", "not-enough"]
    max_drop: float
    reason: str

    @property
    def exit_code(self) -> int:
        """0 for pass, 1 for fail, 3 for not enough."""
        return _EXIT_CODES[self.status]

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {"status": self.status, "max_drop": self.max_drop, "reason": self.reason}


def judge(comparison: Comparison, *, max_drop: float = DEFAULT_MAX_DROP) -> Verdict:
    """Decide by a comparison on validation pictures.

    Fails when the answers collapsed, or when the drop exceeds `max_drop` and McNemar's test says
    that it is no accident (p < 0.05). Otherwise passes if the one-sided 95 % upper bound of the
    drop is within `max_drop`; if not, there are too few pictures to tell.

    Args:
        comparison: on pictures that the model was not trained on.
        max_drop: a fraction of at least 0, for example 0.005 for half a point.

    Raises:
        ValueError: `max_drop` is not from 0 to 1.
    """
    if not 0.0 <= max_drop <= 1.0:
        raise ValueError(f"expected max_drop from 0 to 1, got {max_drop}")
    drop, bound, p_value = comparison.drop, comparison.upper_bound, comparison.p_value
    allowed = f"{100 * max_drop:.2f} points"
    measured = f"{_points(max(drop, 0.0))} on {comparison.count} pictures"
    if comparison.collapsed:
        return Verdict(
            "fail",
            max_drop,
            "the compiled model's answers collapsed to about "
            f"{perplexity(comparison.target):.1f} classes where the float model gives "
            f"{perplexity(comparison.reference):.1f}: check that the calibration pictures look "
            "like the training pictures",
        )
    if drop > max_drop and p_value < SIGNIFICANCE:
        return Verdict(
            "fail",
            max_drop,
            f"the compiled model loses {measured} (p = {p_value:.2g}), more than the {allowed} "
            "allowed (--max-drop)",
        )
    if bound <= max_drop:
        return Verdict(
            "pass", max_drop, f"the compiled model loses {measured}, within the {allowed} allowed"
        )
    reason = (
        f"the compiled model loses {measured}, but it may be up to {_points(bound)} where "
        f"{allowed} are allowed: "
    )
    needed = pictures_needed(comparison, max_drop=max_drop)
    if needed is None:
        advice = "measure on more validation pictures, or allow more with --max-drop"
    else:
        advice = f"about {needed:,} validation pictures would tell"
    return Verdict("not-enough", max_drop, reason + advice)


def pictures_needed(comparison: Comparison, *, max_drop: float) -> int | None:
    """About how many pictures would let the gate pass if the rates stay as they are.

    Pictures that the compiled model alone is right on count no more than those that it lost: that
    it is the better one by more is chance.

    Returns:
        The number to two digits, or None if no number would.
    """
    count = comparison.count
    rates = comparison.losses / count, min(comparison.gains, comparison.losses) / count

    def enough(pictures: int) -> bool:
        bound = drop_upper_bound(rates[0] * pictures, rates[1] * pictures, pictures)
        return bound <= max_drop

    if not enough(_MOST_PICTURES):
        return None
    low: int = 0
    high: int = _MOST_PICTURES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    unit = int(10 ** max(len(str(high)) - 2, 0))
    return -(-high // unit) * unit


def _points(drop: float) -> str:
    return f"{100 * drop:.2f} points"
