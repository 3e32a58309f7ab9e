"""Accuracy against cost as a chart: points, labels that do not cover each other, the frontier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convert.report.axes import Axis, Tick, padded_axis
from convert.report.candidates import Candidate, Series, candidates, model_title
from convert.report.label_places import Box, LabelPlace, Place, label_places
from convert.report.quantities import interval_text
from convert.report.results import Results
from convert.report.text import milliseconds, size

WIDTH, HEIGHT = 640.0, 420.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 18.0, 52.0


_SAME_PLACE = 12.0  # points that are nearer to each other cannot be told apart


@dataclass(frozen=True, slots=True)
class Point:
    """One candidate; its accuracy's 95 % interval reaches from `top` to `bottom`."""

    x: float
    y: float
    top: float
    bottom: float
    series: Series
    description: str


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a point, or of several that lie on each other; a leader leads to (x, y)."""

    x: float
    y: float
    text: str
    place: LabelPlace


@dataclass(frozen=True, slots=True)
class Band:
    """A range of accuracies across the chart, from its `top` to its `bottom`, and what it is."""

    top: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """A chart, in units of its own view box."""

    title: str
    x_title: str
    points: tuple[Point, ...]
    labels: tuple[Label, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    frontier: tuple[tuple[float, float], ...]
    band: Band | None = None
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


_FRAME = Box(_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)


def scatters(results: Results) -> tuple[Scatter, ...]:
    """Return accuracy against time or instructions on each board, and against file size.

    A chart shows modelled times where all its candidates have one, else instructions. Boards on
    which fewer than two candidates ran get none.
    """
    found = [candidate for candidate in candidates(results) if candidate.accuracy is not None]
    charts = []
    for board, profile in (results.arm.boards if results.arm else {}).items():
        on_board = [candidate for candidate in found if board in candidate.runs]
        if len(on_board) < 2:
            continue
        title = f"Accuracy against cost on {profile.title}"
        if all(candidate.runs[board].modelled for candidate in on_board):
            x_title = "modelled milliseconds a picture (log scale)"
            charts.append(draw_scatter(title, x_title, on_board, _modelled(board), milliseconds))
        else:
            x_title = "millions of instructions a picture (log scale)"
            charts.append(draw_scatter(title, x_title, on_board, instructions(board), millions))
    if len(found) >= 2:
        title = "Accuracy against the model file's size"
        x_title = "kilobytes (log scale)"
        charts.append(draw_scatter(title, x_title, found, kilobytes, kilobytes_text))
    return tuple(charts)


def _modelled(board: str) -> Callable[[Candidate], float]:
    def cost(candidate: Candidate) -> float:
        modelled = candidate.runs[board].modelled
        if modelled is None:
            raise ValueError(f"{candidate.title} has no modelled time on {board}")
        return modelled.ms

    return cost


def instructions(board: str) -> Callable[[Candidate], float]:
    """Return what counts a candidate's cost on a board, in millions of instructions."""
    return lambda candidate: candidate.runs[board].steady / 1e6


def millions(cost: float) -> str:
    """Return millions of instructions as text."""
    return f"{cost:.3g} M"


def kilobytes(candidate: Candidate) -> float:
    """Return the length of a candidate's file in kilobytes."""
    return candidate.size_bytes / 1e3


def kilobytes_text(cost: float) -> str:
    """Return kilobytes as text."""
    return size(round(1e3 * cost))


def draw_scatter(
    title: str,
    x_title: str,
    shown: Sequence[Candidate],
    cost: Callable[[Candidate], float],
    write: Callable[[float], str],
    *,
    name: Callable[[Candidate], str] | None = None,
    band: tuple[float, float, str] | None = None,
) -> Scatter:
    """Return a chart of accuracy against a cost.

    Args:
        title: of the chart.
        x_title: of the cost.
        shown: candidates; those without accuracy are left out.
        cost: of a candidate, above 0.
        write: turns a cost into text.
        name: of a candidate beside its point; None: its title, one for several at one place.
        band: a range of accuracies in percent, and what it is.
    """
    known = [(c, cost(c), c.accuracy) for c in shown if c.accuracy is not None]
    x_axis = padded_axis([x for _, x, _ in known], _FRAME.left, _FRAME.right, log=True)
    heights = [100 * end for _, _, accuracy in known for end in (accuracy.low, accuracy.high)]
    y_axis = padded_axis([*heights, *(band or ())[:2]], _FRAME.bottom, _FRAME.top)
    places = [(x_axis.place(x), y_axis.place(100 * accuracy.top1)) for _, x, accuracy in known]
    frontier = _frontier([(x, accuracy.top1) for _, x, accuracy in known], x_axis, y_axis)
    points = tuple(
        Point(
            *place,
            y_axis.place(100 * accuracy.high),
            y_axis.place(100 * accuracy.low),
            candidate.series,
            f"{candidate.title_with_version}: {interval_text(accuracy)}, {write(x)}",
        )
        for (candidate, x, accuracy), place in zip(known, places, strict=True)
    )
    labels = _labels([candidate for candidate, _, _ in known], places, frontier, name)
    ticks = x_axis.ticks(), y_axis.ticks(suffix=" %")
    drawn = None
    if band is not None:
        low, high, text = band
        drawn = Band(y_axis.place(high), y_axis.place(low), text)
    return Scatter(title, x_title, points, labels, *ticks, frontier, drawn)


def _labels(
    shown: Sequence[Candidate],
    places: Sequence[Place],
    frontier: Sequence[Place],
    name: Callable[[Candidate], str] | None,
) -> tuple[Label, ...]:
    """Return one label per place: the same weights on several engines are one when they lie there.

    Each group takes the place of its first candidate.
    """
    groups: list[list[int]] = []
    for number, (candidate, place) in enumerate(zip(shown, places, strict=True)):
        for group in groups:
            first = shown[group[0]].key
            same = (first.model, first.precision) == (candidate.key.model, candidate.key.precision)
            if same and math.dist(places[group[0]], place) < _SAME_PLACE:
                group.append(number)
                break
        else:
            groups.append([number])
    texts = [
        _group_title([shown[number] for number in group]) if name is None else name(shown[group[0]])
        for group in groups
    ]
    heads = [places[group[0]] for group in groups]
    found = label_places(heads, texts, line=frontier, frame=_FRAME)
    return tuple(
        Label(*head, text, place) for head, text, place in zip(heads, texts, found, strict=True)
    )


def _group_title(group: Sequence[Candidate]) -> str:
    first = group[0]
    if len(group) == 1:
        return first.title
    return f"{model_title(first.key.model)} {first.key.precision}, {len(group)} engines"


def _frontier(
    known: Sequence[tuple[float, float]], x_axis: Axis, y_axis: Axis
) -> tuple[tuple[float, float], ...]:
    """Return the steps over the candidates that no other beats in both accuracy and cost."""
    best: list[tuple[float, float]] = []
    for x, y in sorted(known, key=lambda point: (point[0], -point[1])):
        if not best or y > best[-1][1]:
            best.append((x, y))
    corners: list[tuple[float, float]] = []
    for x, y in best:
        place = (x_axis.place(x), y_axis.place(100 * y))
        if corners:
            corners.append((place[0], corners[-1][1]))
        corners.append(place)
    return tuple(corners)
