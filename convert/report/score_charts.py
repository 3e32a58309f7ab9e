"""Charts about scores: do they come true, and what does a threshold cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convert.report.axes import Axis, Tick
from convert.report.text import percent
from convert.scores.reliability import Bin, Reliability
from convert.scores.threshold import Coverage
from minivgg_edge.metrics import wilson_interval

_WIDTH, _HEIGHT = 440.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 426.0, 14.0, 282.0
# A line through the ten answers that a strict threshold leaves would show nothing but accident.
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class Frame:
    """What both charts have in common, in units of their view box."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin: a place, and the ends of the 95 % interval of its share of right answers."""

    x: float
    y: float
    low: float
    high: float
    description: str


@dataclass(frozen=True, slots=True)
class Line:
    """One model: its places, and the name of its colour."""

    name: str
    series: str
    places: tuple[tuple[float, float], ...]
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """A chart of scores; `guide` is a line to compare with, `mark` a place that was chosen."""

    title: str
    frame: Frame
    lines: tuple[Line, ...]
    guide: tuple[tuple[float, float], ...] = ()
    mark: tuple[float, float] | None = None
    mark_text: str = ""


def reliability_chart(
    title: str, reference: Reliability, target: Reliability, *, precision: str = "int8"
) -> ScoreChart:
    """Return the reliability diagram of both models: on the diagonal scores come true."""
    x_axis, y_axis = Axis(0.0, 1.0, _LEFT, _RIGHT), Axis(0.0, 1.0, _BOTTOM, _TOP)
    lines = []
    for name, series, found in (
        ("float32", "float32", reference),
        (precision, "int8", target),
    ):
        dots = tuple(dot for b in found.bins if (dot := _dot(name, b, x_axis, y_axis)) is not None)
        text = f"{name}: expected calibration error {percent(found.error)}"
        lines.append(Line(text, series, tuple((dot.x, dot.y) for dot in dots), dots))
    frame = _frame(x_axis, y_axis, "mean score of the answers in a bin", "share of right answers")
    return ScoreChart(title, frame, tuple(lines), ((_LEFT, _BOTTOM), (_RIGHT, _TOP)))


def coverage_chart(
    title: str,
    curves: Sequence[tuple[str, str, Sequence[Coverage]]],
    *,
    chosen: Coverage | None,
) -> ScoreChart:
    """Return how often accepted answers are right against how many are accepted.

    Args:
        title: of the chart.
        curves: name, series and points of each line.
        chosen: the point of the threshold that was chosen.
    """
    lines = [
        (name, series, [p for p in points if p.accepted >= min(_FEWEST, p.count)])
        for name, series, points in curves
    ]
    least = min((p.accuracy or 0.0 for _, _, points in lines for p in points), default=0.0)
    x_axis = Axis(0.0, 1.0, _LEFT, _RIGHT)
    y_axis = Axis(min(least, 0.99) - 0.01, 1.0, _BOTTOM, _TOP)

    def place(point: Coverage) -> tuple[float, float]:
        return x_axis.place(point.coverage), y_axis.place(point.accuracy or 0.0)

    frame = _frame(x_axis, y_axis, "accepted answers", "of them right")
    return ScoreChart(
        title,
        frame,
        tuple(Line(name, series, tuple(map(place, points))) for name, series, points in lines),
        mark=None if chosen is None else place(chosen),
        mark_text="" if chosen is None else _chosen_text(chosen),
    )


def _dot(name: str, found: Bin, x_axis: Axis, y_axis: Axis) -> Dot | None:
    if found.confidence is None or found.accuracy is None:
        return None
    interval = wilson_interval(round(found.accuracy * found.count), found.count)
    return Dot(
        x_axis.place(found.confidence),
        y_axis.place(found.accuracy),
        y_axis.place(interval.low),
        y_axis.place(interval.high),
        f"{name}, scores of {found.low:.2f} to {found.high:.2f}: {found.count:,} pictures, mean "
        f"score {percent(found.confidence)}, right {percent(found.accuracy)}",
    )


def _chosen_text(chosen: Coverage) -> str:
    return (
        f"threshold {chosen.threshold:g}: {percent(chosen.coverage)} accepted, "
        f"{percent(chosen.accuracy)} of them right"
    )


def _frame(x_axis: Axis, y_axis: Axis, x_title: str, y_title: str) -> Frame:
    return Frame(_percent_ticks(x_axis), _percent_ticks(y_axis), x_title, y_title)


def _percent_ticks(axis: Axis) -> tuple[Tick, ...]:
    percents = Axis(100 * axis.low, 100 * axis.high, axis.start, axis.end)
    return percents.ticks(suffix=" %")
