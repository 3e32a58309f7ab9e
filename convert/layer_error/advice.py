"""One sentence about an analysis that a person can act on.

The thresholds, none of them fitted to a model:

- `QUIET_DIVERGENCE`: by Pinsker's inequality a divergence D in nats moves scores by at most
  sqrt(D / 2) in total variation: 0.002 stands for about 3 %, a few steps of the 1/256 in which an
  int8 softmax answers.
- `_EXPLAINED`: a layer without which less than a quarter of the divergence goes is not the reason.
- `_ALONE`: nor is one that alone costs less than half of what all do together.
- `_SATURATED`: of min-max ranges, new pictures of the same kind exceed few in a thousand.
- `_NARROW`: a quarter of the channels with less than 4 bits is no accident of one channel.
- `_NARROW_NOISE`: most of what rounded weights cost comes from such channels.
- `_TYPICAL_RANGE`: all but 0.1 % of the values leave two of the eight bits unused.
- `_SHIFT`: a quarter of the error is constant; biases can take it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from convert.layer_error.analysis import Analysis, OperatorError
from convert.layer_error.effects import Effect
from convert.report.text import significant
from convert.search.method import PLAIN, Method

Searched = Literal["none", "cut", "whole"]
QUIET_DIVERGENCE = 0.002
_EXPLAINED = 0.25
_ALONE = 0.5
_SATURATED = 0.01
_NARROW = 0.25
_NARROW_NOISE = 0.5
_TYPICAL_RANGE = 0.25
_SHIFT = 0.25
_BEHIND_A_SEARCH = (
    "the search found nothing better: train longer or on more pictures, or choose another "
    "--precision"
)
_BEHIND_A_CUT_SEARCH = "the search ran out of time: give it more (--time-budget)"
# What a search tries by itself, and `convert.quantize` refuses beside --search.
_SEARCHED = ("--search", "--ranges minmax", "--ranges mse", "--equalize", "--bias-correction")
_NORMALIZATION = ("ADD", "MUL", "SUB")


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do.

    Attributes:
        sentence: for a person.
        layer: which one it is about; None if none stands out.
        option: of `convert.quantize`, that helps; None if there is none.
    """

    sentence: str
    layer: str | None = None
    option: str | None = None

    @property
    def line(self) -> str:
        """The sentence with its full stop, and a capital unless it begins with a layer's name."""
        first = self.sentence[:1] if self.layer is not None else self.sentence[:1].upper()
        return f"{first}{self.sentence[1:]}."


def advise(
    analysis: Analysis,
    *,
    method: Method = PLAIN,
    search: Searched = "none",
) -> Advice:
    """Return the sentence about the operator that costs most.

    Args:
        analysis: of an int8 model.
        method: by which it was made; what it does already is not advised.
        search: whether one chose the method; behind a whole one no other method is better, one
            that its budget cut off knows nothing of what it left out.
    """
    found = _advise(analysis, method)
    if search == "none" or found.option not in _SEARCHED:
        return found
    cause = found.sentence.removesuffix(f"use {found.option}")
    if search == "cut":
        return Advice(cause + _BEHIND_A_CUT_SEARCH, found.layer, "--time-budget")
    return Advice(cause + _BEHIND_A_SEARCH, found.layer)


def searched(calibration: Mapping[str, Any]) -> Searched:
    """Whether a search chose the method, and whether its budget was enough for all candidates.

    Args:
        calibration: free JSON values of a manifest.
    """
    record = calibration.get("search")
    if not isinstance(record, Mapping):
        return "none"
    return "cut" if record.get("left_out") else "whole"


def _advise(analysis: Analysis, method: Method) -> Advice:
    answers = analysis.answers
    whole = (
        f"{100 * answers.agreement:.1f} % of the answers are the float model's, "
        f"divergence {significant(1000 * answers.divergence)} millinats"
    )
    if answers.divergence < QUIET_DIVERGENCE:
        return Advice(f"nothing stands out: {whole}")
    first = analysis.ranked[0]
    stands_out = None if first.effect is None else _cost(analysis, first, first.effect)
    if first.effect is None or stands_out is None:
        return Advice(
            f"no single layer explains the loss ({whole}): use --search", option="--search"
        )
    reason, advice, option = _cause(first, first.effect, method)
    return Advice(f"{first.layer} {stands_out}: {reason}: {advice}", first.layer, option)


def _cost(analysis: Analysis, operator: OperatorError, effect: Effect) -> str | None:
    """What an operator costs, in words; None if it is not the reason of the loss."""
    share = analysis.explained(operator)
    if share >= _EXPLAINED:
        gain_db = max(effect.without.sqnr_db - analysis.simulated.sqnr_db, 0.0)
        return (
            f"loses {gain_db:.1f} dB of the logits and explains {100 * share:.0f} % of the "
            "divergence"
        )
    # Two layers with the same fault hide each other: without one, the other still ruins all.
    alone, all_of_them = effect.alone.divergence, analysis.simulated.divergence
    if alone >= _ALONE * all_of_them:
        return (
            f"alone would cost {significant(1000 * alone)} millinats where all layers together "
            f"cost {significant(1000 * all_of_them)}"
        )
    return None


def _cause(operator: OperatorError, effect: Effect, method: Method) -> tuple[str, str, str | None]:
    """Reason, advice and option."""
    if operator.kind in _NORMALIZATION and operator.has_constants:
        return (
            "a normalization behind the activation is an int8 operator of its own",
            "train with the normalization before the activation, where it is folded",
            None,
        )
    if effect.output.divergence >= effect.constants.divergence:
        return _activation_cause(operator, method)
    return _weight_cause(operator, effect, method)


def _activation_cause(operator: OperatorError, method: Method) -> tuple[str, str, str]:
    found = operator.accumulated
    saturated = found.saturated_low + found.saturated_high
    if saturated >= _SATURATED:
        reason = f"{100 * saturated:.1f} % of its values lie beyond its range"
        if method.ranges != "minmax":
            return reason, "use --ranges minmax", "--ranges minmax"
        advice = "calibrate on more pictures of this kind (--calibration-count)"
        return reason, advice, "--calibration-count"
    if method.ranges == "minmax" and found.typical_range <= _TYPICAL_RANGE:
        share = 100 * found.typical_range
        reason = f"99.9 % of its values lie in {share:.0f} % of its range"
        return reason, "use --ranges mse", "--ranges mse"
    can_equalize = operator.equalizable and method.equalize is None
    if can_equalize and found.narrow_channels >= _NARROW:
        share = 100 * found.narrow_channels
        reason = f"{share:.0f} % of its channels use less than 16 of the 255 steps"
        return reason, "use --equalize", "--equalize"
    return "its output needs more than 8 bits", "use --search", "--search"


def _weight_cause(operator: OperatorError, effect: Effect, method: Method) -> tuple[str, str, str]:
    weights = operator.accumulated.weights
    can_equalize = operator.inputs_equalizable and method.equalize is None
    if can_equalize and weights is not None and weights.narrow_noise >= _NARROW_NOISE:
        share = 100 * weights.narrow_noise
        reason = f"{share:.0f} % of it comes from input channels with weights of less than 8 steps"
        return reason, "use --equalize", "--equalize"
    if effect.shift_share >= _SHIFT and not method.bias_correction:
        reason = (
            f"rounded weights shift its channels ({100 * effect.shift_share:.0f} % of the error)"
        )
        return reason, "use --bias-correction", "--bias-correction"
    zeroed = 0.0 if weights is None else weights.zeroed
    reason = f"rounded weights, {100 * zeroed:.0f} % of which become zero"
    return reason, "use --search", "--search"
