"""What charts show is where it belongs: axes, points, labels, distributions, bars."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import pytest
import report_results as made
from report_results import write, write_all

from convert.report.axes import Axis, padded_axis
from convert.report.bars import cold_start_bars, op_bars
from convert.report.card import card
from convert.report.confusion import confusion_tables
from convert.report.histograms import latency_charts
from convert.report.results import Results, read_results
from convert.report.scatter import scatters
from convert.report.text import probability, significant, times


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return read_results(write_all(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (0.9996, "1.00"),
        (2.75, "2.75"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (-0.5, "-0.500"),
    ],
)
def test_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_no_probability_is_zero() -> None:
    cases = (1.0, 0.0449, 0.005, 0.004999, 1e-110)
    assert [probability(p) for p in cases] == ["1.00", "0.04", "0.01", "< 0.01", "< 0.01"]


def test_times_without_a_ratio() -> None:
    assert (times(None), times(0.284)) == ("-", "0.28×")


def test_linear_axis() -> None:
    axis = Axis(0.0, 10.0, 100.0, 200.0)
    assert axis.place(2.5) == 125.0
    assert [(tick.at, tick.text) for tick in axis.ticks(5)] == [
        (100.0, "0"),
        (120.0, "2"),
        (140.0, "4"),
        (160.0, "6"),
        (180.0, "8"),
        (200.0, "10"),
    ]


def test_logarithmic_axis() -> None:
    axis = Axis(1.0, 100.0, 0.0, 200.0, log=True)
    assert axis.place(10.0) == pytest.approx(100.0)
    assert [tick.text for tick in axis.ticks()] == ["1", "2", "5", "10", "20", "50", "100"]
    assert [tick.text for tick in Axis(0.1, 1e4, 0, 1, log=True).ticks()] == [
        "0.1",
        "1",
        "10",
        "100",
        "1,000",
        "10,000",
    ]


@pytest.mark.parametrize("log", [False, True])
def test_an_axis_around_one_value_has_room(log: bool) -> None:
    axis = padded_axis([5.0], 0.0, 100.0, log=log)
    assert axis.place(5.0) == pytest.approx(50.0)


def test_scatter_places_accuracy_and_cost(results: Results) -> None:
    charts = {chart.title: chart for chart in scatters(results)}
    assert list(charts) == [
        "Accuracy against cost on Raspberry Pi 5",
        "Accuracy against cost on Raspberry Pi 4 B",
        "Accuracy against cost on Raspberry Pi 3 B+",
        "Accuracy against the model file's size",
    ]
    chart = charts["Accuracy against cost on Raspberry Pi 5"]
    assert chart.x_title.startswith("modelled milliseconds")
    points = {point.description.partition(" 9.9.")[0]: point for point in chart.points}
    assert [label.text for label in chart.labels] == list(points)  # none lie on each other
    int8, large = points["MiniVGG int8, LiteRT"], points["mlperf-tiny-large int8, LiteRT"]
    assert int8.x < large.x  # cheaper
    assert int8.y > large.y  # less accurate: y grows downwards
    assert int8.series == "int8"
    assert points["MiniVGG int8, ONNX Runtime"].series == "engine"
    assert large.series == "model"
    # 2.5 M instructions, half a cycle each in the made-up results, at 2.4 GHz
    assert int8.description.startswith("MiniVGG int8, LiteRT 9.9.1: 81.11 % [")
    assert int8.description.endswith("], 0.521 ms")
    # The cheapest, then ours, then the most accurate: the others are beaten in both.
    cheapest = points["mlperf-tiny-resnet8 int8, LiteRT"]
    assert chart.frontier[0] == (cheapest.x, cheapest.y)
    assert chart.frontier[2] == (int8.x, int8.y)
    assert chart.frontier[-1] == (large.x, large.y)


def test_scatter_falls_back_to_instructions(tmp_path: Path) -> None:
    arm = made.arm()
    arm["runs"][0]["modelled"] = None
    (chart, *_) = scatters(read_results(write(tmp_path, arm=arm)))
    assert chart.x_title == "millions of instructions a picture (log scale)"


def test_labels_cover_neither_each_other_nor_points(results: Results) -> None:
    for chart in scatters(results):
        at = [(x.place.x, x.place.y, 6.4 * len(x.text)) for x in chart.labels]
        boxes = [(x, y - 11, x + width, y + 3) for x, y, width in at]
        for (left, top, right, bottom), (left2, top2, right2, bottom2) in combinations(boxes, 2):
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, chart.title
        for left, _, right, _ in boxes:
            assert chart.left <= left
            assert right <= chart.right + 1e-6


def test_points_on_each_other_have_one_label(results: Results) -> None:
    by_size = scatters(results)[-1]
    assert len(by_size.points) == 8
    assert [label.text for label in by_size.labels] == [
        "MiniVGG int8, 3 engines",
        "MiniVGG float32, 3 engines",
        "mlperf-tiny-resnet8 int8, LiteRT",
        "mlperf-tiny-large int8, LiteRT",
    ]


def test_starts_of_an_invalid_run_are_marked(results: Results) -> None:
    assert [chart.invalid for chart in cold_start_bars(results)] == [False, True, False]


def test_latency_chart(results: Results) -> None:
    charts = latency_charts(results.benches[0], results)
    assert [chart.title for chart in charts] == [
        "invoke",
        "classify-array",
        "classify-png",
        "classify-jpeg-12mp",
    ]
    int8, float32 = charts[0].outlines
    assert (int8.precision, float32.precision) == ("int8", "float32")
    assert int8.description == "int8: p50 0.200, p90 0.220, p99 0.280 ms"
    # Float takes 3.3 times as long: so far from the axis' start, 0 ms, are the medians.
    assert float32.median - charts[0].left == pytest.approx(3.3 * (int8.median - charts[0].left))
    for outline in (int8, float32):
        assert min(y for _, y in outline.corners) == charts[0].top
        assert outline.corners[0][1] == outline.corners[-1][1] == charts[0].bottom


def test_wide_bins_are_no_higher_for_being_wide(tmp_path: Path) -> None:
    bench = made.bench()
    bench["entries"] = bench["entries"][:1]
    bench["entries"][0]["latency"][0]["histogram"] = {"edges_ms": [1, 2, 4], "counts": [10, 10]}
    results = read_results(write(tmp_path, bench=bench))
    (outline,) = latency_charts(results.benches[0], results)[0].outlines
    bottom, top = 176.0, 16.0
    heights = [bottom - y for _, y in outline.corners]
    assert heights == [0, bottom - top, bottom - top, (bottom - top) / 2, (bottom - top) / 2, 0]


def test_cold_start_bars(results: Results) -> None:
    host, board, emulated = cold_start_bars(results)
    assert host.title == "Milliseconds on x86-64 Made-up CPU, 2 cores, not an ARM time"
    assert board.title == "Milliseconds on Raspberry Pi 5 Model B"
    int8, float32 = host.bars
    assert (int8.total, float32.total) == ("116 ms", "118 ms")
    for bar in host.bars:
        for one, next_one in pairwise(bar.segments):
            assert next_one.start == pytest.approx(one.start + one.width)
    # The longest bar is full: 15 + 66 + 22 + 5.5 + 3.3 * (3.3 + 1.5) = 124.34
    assert float32.segments[-1].start + float32.segments[-1].width == pytest.approx(100)
    assert int8.segments[1].width == pytest.approx(100 * 66 / 124.34)
    assert int8.segments[1].description == "import numpy: 66.0 ms"
    assert emulated.table.rows[0] == (
        "Raspberry Pi 5: MiniVGG int8, LiteRT 9.9.1",
        "55.0",
        "222",
        "33.0",
        "11.0",
        "7.00",
        "2.60",
        "333",
    )


def test_a_start_without_the_package_says_so(tmp_path: Path) -> None:
    arm = made.arm()
    del arm["runs"][1]["phases"]["package"]
    (chart,) = cold_start_bars(read_results(write(tmp_path, arm=arm)))
    assert chart.bars[1].label.endswith("MiniVGG float32, LiteRT 9.9.1, without minivgg_edge")
    assert chart.bars[1].segments[3].width == 0.0
    assert chart.table.rows[1][4] == "-"
    assert "without" not in chart.bars[0].label


def test_an_error_that_nobody_measured(tmp_path: Path) -> None:
    arm = made.arm()
    for run in arm["runs"]:
        if run["modelled"] is not None:
            run["modelled"]["error_factor"] = None
    rows = {row.name: row for row in card(read_results(write(tmp_path, arm=arm)))}
    assert rows["Modelled time, Raspberry Pi 5"].int8 == "0.521 ms (error not known)"


def test_op_bars(results: Results) -> None:
    figure = op_bars(results.arm)[0]
    assert figure.table.caption == "Raspberry Pi 5: MiniVGG int8, LiteRT 9.9.1"
    assert figure.series == "int8"
    assert figure.open
    assert figure.widths[1] == 100.0  # conv1_2, the largest
    assert figure.widths[0] == pytest.approx(100 * 210 / 790)
    # 790,000 of 2,500,000 instructions; 9,437,184 multiply-adds are 589,824 SDOTs
    assert figure.table.rows[1] == ("conv1_2", "CONV_2D", "9.44", "0.790", "31.6 %", "1.34×")
    assert figure.table.rows[2][-1] == "-"  # a pool has no multiply-adds
    assert [row[0] for row in figure.table.rows[-2:]] == ["sum", "whole inference"]
    assert [bar.open for bar in op_bars(results.arm)] == [True, True, False, False, False, False]


def test_a_difference_below_zero_is_no_bar(tmp_path: Path) -> None:
    arm = made.arm()
    arm["runs"][0]["ops"][2]["instructions"] = -40
    results = read_results(write(tmp_path, arm=arm))
    assert op_bars(results.arm)[0].widths[2] == 0.0


def test_confusion_shades_right_and_wrong_apart(tmp_path: Path) -> None:
    answers = made.answers()
    answers |= {"labels": ["cat", "dog"], "count": 105, "flips": [], "flip_count": 0}
    answers["float32"] = {"top1": 1.0, "confusion": [[64, 4], [1, 36]]}
    answers["int8"] = {"top1": 1.0, "confusion": [[60, 8], [16, 21]]}
    results = read_results(write(tmp_path, answers=answers))
    float32, int8 = confusion_tables(results.answers)
    cells = [[(c.count, c.heat, c.right) for c in row] for row in float32.rows]
    # Roots of the share of the largest of both models: 64 right, 16 wrong.
    assert cells == [
        [(64, 100, True), (4, 50, False)],
        [(1, 25, False), (36, 75, True)],
    ]
    assert int8.rows[1][0].heat == 100


def test_confusion_without_a_mistake(tmp_path: Path) -> None:
    answers = made.answers()
    answers |= {"labels": ["cat"], "count": 3, "flips": [], "flip_count": 0}
    answers["float32"] = answers["int8"] = {"top1": 1.0, "confusion": [[3]]}
    results = read_results(write(tmp_path, answers=answers))
    assert confusion_tables(results.answers)[0].rows[0][0].heat == 100
