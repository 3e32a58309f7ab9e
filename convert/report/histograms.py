"""Latency distributions as charts: one per case, the int8 and the float model in each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from convert.report.axes import Axis, Tick
from convert.report.bench_results import Bench, Entry, Histogram, Latency
from convert.report.candidates import latency
from convert.report.results import Results
from convert.report.text import milliseconds, significant

_LEFT, _RIGHT, _TOP, _BOTTOM = 12.0, 428.0, 16.0, 176.0


@dataclass(frozen=True, slots=True)
class Outline:
    """One model's distribution as a polygon, with a line at its median."""

    precision: str
    corners: tuple[tuple[float, float], ...]
    median: float
    description: str


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """The distributions of one case, in units of its own view box."""

    title: str
    outlines: tuple[Outline, ...]
    ticks: tuple[Tick, ...]
    width: float = 440.0
    height: float = 216.0
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM


def latency_charts(bench: Bench, results: Results) -> tuple[LatencyChart, ...]:
    """Return a chart for each case that was timed with one thread, call by call."""
    reference = results.reference
    entries = [
        entry
        for entry in bench.entries
        if reference is None or (entry.model, entry.engine) == (reference.model, reference.engine)
    ]
    cases = dict.fromkeys(
        (x.case, x.batch) for entry in entries for x in entry.latency if x.num_threads == 1
    )
    charts = []
    for case, batch in cases:
        shown = [
            (entry, found, found.histogram)
            for entry in entries
            if (found := latency(entry, case, 1, batch)) is not None and found.histogram is not None
        ]
        if shown:
            title = case if batch == 1 else f"{case}, batch of {batch}"
            charts.append(_chart(title, shown))
    return tuple(charts)


def _chart(title: str, shown: list[tuple[Entry, Latency, Histogram]]) -> LatencyChart:
    edges = [edge for _, _, histogram in shown for edge in histogram.edges_ms]
    x_axis = Axis(0.0, 1.02 * max(edges), _LEFT, _RIGHT)
    densities = [_densities(histogram) for _, _, histogram in shown]
    outlines = []
    for (entry, found, histogram), heights in zip(shown, densities, strict=True):
        # Each to its own peak: a sharp distribution would press a broad one flat.
        y_axis = Axis(0.0, max(heights) or 1.0, _BOTTOM, _TOP)
        description = (
            f"{entry.precision}: p50 {significant(found.p50_ms)}, "
            f"p90 {significant(found.p90_ms)}, p99 {milliseconds(found.p99_ms)}"
        )
        outlines.append(
            Outline(
                entry.precision,
                _corners(histogram, heights, x_axis, y_axis),
                x_axis.place(found.p50_ms),
                description,
            )
        )
    return LatencyChart(title, tuple(outlines), x_axis.ticks(5, suffix=" ms"))


def _densities(histogram: Histogram) -> list[float]:
    """Return calls per millisecond in each bin: bins of different widths become comparable."""
    edges = histogram.edges_ms
    widths = [b - a for a, b in pairwise(edges)]
    return [count / width for count, width in zip(histogram.counts, widths, strict=True)]


def _corners(
    histogram: Histogram, heights: list[float], x_axis: Axis, y_axis: Axis
) -> tuple[tuple[float, float], ...]:
    edges = histogram.edges_ms
    corners = [(x_axis.place(edges[0]), y_axis.place(0.0))]
    for (left, right), height in zip(pairwise(edges), heights, strict=True):
        corners += [(x_axis.place(x), y_axis.place(height)) for x in (left, right)]
    corners.append((x_axis.place(edges[-1]), y_axis.place(0.0)))
    return tuple(corners)
