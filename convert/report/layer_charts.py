"""Charts about the error of layers: bars of signal to noise, and where the values of each lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convert.layer_error.analysis import Analysis, OperatorError
from convert.layer_error.codes import BINS, MARGIN
from convert.layer_error.metrics import MOST_DB
from convert.report.axes import Axis, Tick

_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 292.0, 10.0, 96.0
_TICK_ROOM = 20.0


@dataclass(frozen=True, slots=True)
class NoiseBar:
    """One bar: its length in percent of the longest, and the figure that is written beside it."""

    width: float
    text: str


@dataclass(frozen=True, slots=True)
class NoiseBars:
    """Signal to noise behind one operator: as the model runs, and when it alone rounds.

    `own` is None of an operator without an effect of its own; `reason` says why.
    """

    label: str
    accumulated: NoiseBar
    own: NoiseBar | None
    reason: str


@dataclass(frozen=True, slots=True)
class ValueChart:
    """The float model's values behind one operator, and the int8 range, in units of its view box.

    Attributes:
        title: which operator.
        corners: outline of the histogram; the height is logarithmic.
        range: places of the ends of the int8 range.
        ticks: of the values.
        description: for readers who do not see it.
    """

    title: str
    corners: tuple[tuple[float, float], ...]
    range: tuple[float, float]
    ticks: tuple[Tick, ...]
    description: str
    width: float = 300.0
    height: float = _BOTTOM + _TICK_ROOM
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM


def decibel_text(value: float) -> str:
    """Return a signal to noise ratio; "exact" without any noise."""
    return "exact" if value >= MOST_DB else f"{value:.1f}"


def noise_bars(analysis: Analysis) -> tuple[NoiseBars, ...]:
    """Return the bars of every operator, in the order of the graph."""
    figures = [operator.accumulated.sqnr_db for operator in analysis.operators]
    figures += [o.effect.sqnr_db for o in analysis.operators if o.effect is not None]
    longest = max((value for value in figures if 0.0 < value < MOST_DB), default=1.0)

    def bar(value: float) -> NoiseBar:
        width = 100.0 * min(max(value / longest, 0.0), 1.0)
        text = decibel_text(value)
        return NoiseBar(width, text if text == "exact" else f"{text} dB")

    return tuple(
        NoiseBars(
            operator_title(operator),
            bar(operator.accumulated.sqnr_db),
            None if operator.effect is None else bar(operator.effect.sqnr_db),
            "its scale is fixed" if operator.kind == "SOFTMAX" else "rounds nothing of its own",
        )
        for operator in analysis.operators
    )


def value_charts(analysis: Analysis) -> tuple[ValueChart, ...]:
    """Return the histograms of all operators whose output is rounded, in the graph's order."""
    return tuple(_chart(operator) for operator in analysis.operators if operator.effect is not None)


def operator_title(operator: OperatorError) -> str:
    """Return layer and operator."""
    return f"{operator.layer} ({operator.kind})"


def _chart(operator: OperatorError) -> ValueChart:
    found = operator.accumulated
    low, high = found.range
    margin = MARGIN * (high - low)
    x_axis = Axis(low - margin, high + margin, _LEFT, _RIGHT)
    heights = [math.log10(1.0 + count) for count in found.histogram]
    y_axis = Axis(0.0, max(heights) or 1.0, _BOTTOM, _TOP)
    width = (x_axis.high - x_axis.low) / BINS
    corners = [(x_axis.place(x_axis.low), _BOTTOM)]
    for number, height in enumerate(heights):
        left = x_axis.low + number * width
        corners += [(x_axis.place(x), y_axis.place(height)) for x in (left, left + width)]
    corners.append((x_axis.place(x_axis.high), _BOTTOM))
    description = (
        f"float values from {found.low:.4g} to {found.high:.4g}, int8 range from {low:.4g} to "
        f"{high:.4g}, {100 * found.typical_range:.0f} % of it holds 99.9 % of the values"
    )
    return ValueChart(
        operator_title(operator),
        tuple(corners),
        (x_axis.place(low), x_axis.place(high)),
        x_axis.ticks(4),
        description,
    )
