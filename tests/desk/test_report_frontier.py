"""The charts of the frontier: which models are on them, where, and that they are SVG alone."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import report_results as made
from report_results import write, write_all

from benchmarks import report as benchmarks_report
from convert.command import run_command
from convert.report.candidates import candidates
from convert.report.frontier import PUBLISHED_RANGE, frontier_charts, frontier_files
from convert.report.readme import BEGIN, END
from convert.report.results import Results, read_results
from convert.report.scatter import scatters

SMALL = ("minivgg-small", "int8", "ai-edge-litert", "9.9.1", 333_333, 0.8444, None, 3.4)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """With a second model of the project."""
    arm = made.arm()
    for board, scale in (("pi5", 1.0), ("pi4", 3.0), ("pi3", 4.0)):
        run = made.arm_run(board, SMALL, scale)
        arm["runs"].append(run | {"accuracy": {"count": 10_000, "top1": SMALL[5]}})
    return read_results(write(tmp_path, arm=arm, peers=made.peers()))


def test_the_family_is_no_other_model(results: Results) -> None:
    series = {c.key.model: c.series for c in candidates(results) if c.key.precision == "int8"}
    assert series["minivgg-small"] == "family"
    assert series["mlperf-tiny-large"] == "model"
    (chart, *_) = scatters(results)
    assert "family" in {point.series for point in chart.points}


def test_accuracies_of_other_pictures_are_not_compared(tmp_path: Path) -> None:
    """A board's run on its owner's pictures, more of them than CIFAR-10 has."""
    birds = {"dataset": "my-birds", "split": "folder", "count": 12_000, "top1": 0.55}
    own = made.board_bench()
    own["entries"][0]["accuracy"] = {**birds, "low": 0.541, "high": 0.559}
    read = read_results(write(tmp_path, arm=made.arm(), peers=made.peers(), board=own))
    shown = [c.accuracy for c in candidates(read) if c.accuracy is not None]
    assert len(shown) > 3
    assert {(accuracy.dataset, accuracy.split) for accuracy in shown} == {("CIFAR-10", "test")}


def test_the_pictures_are_named(tmp_path: Path) -> None:
    arm = made.arm()
    for run in arm["runs"]:
        if run["accuracy"] is not None:
            run["accuracy"]["dataset"] = "my-birds"
    charts = frontier_charts(read_results(write(tmp_path, arm=arm)))
    assert charts["pi5"].title == "int8 accuracy on my-birds against cost on Raspberry Pi 5"
    # What others published is of CIFAR-10.
    assert charts["pi5"].band is None


def test_int8_on_litert_alone(results: Results) -> None:
    charts = frontier_charts(results)
    assert list(charts) == ["pi5", "pi4", "pi3", "size"]
    chart = charts["pi5"]
    expected = {"minivgg", "minivgg-small", "mlperf-tiny-resnet8", "mlperf-tiny-large"}
    assert {label.text for label in chart.labels} == expected
    assert len(chart.points) == 4
    places = {p.description.partition(" int8")[0]: p for p in chart.points}
    ours, large = places["minivgg-small"], places["mlperf-tiny-large"]
    assert ours.x < large.x
    assert ours.description.endswith("84.44 % [83.72, 85.14], 3.4 M")
    # Cheapest first, and each corner is more accurate than the one before.
    heights = [y for _, y in chart.frontier]
    assert heights == sorted(heights, reverse=True)
    assert (ours.x, ours.y) in chart.frontier


def test_each_point_has_the_interval_of_its_accuracy(results: Results) -> None:
    chart = frontier_charts(results)["pi5"]
    at = {float(tick.text.removesuffix(" %")): tick.at for tick in chart.y_ticks}
    low, high = min(at), max(at)
    per_point = (at[low] - at[high]) / (high - low)
    (ours,) = [p for p in chart.points if p.description.startswith("minivgg-small")]
    # Of 10,000 pictures at 84.44 %: 1.96 standard deviations of a share to either side.
    width = 2 * 1.96 * 100 * math.sqrt(0.8444 * 0.1556 / 10_000)
    assert ours.bottom - ours.top == pytest.approx(width * per_point, rel=0.01)
    assert all(chart.top < p.top < p.y < p.bottom < chart.bottom for p in chart.points)
    root = ET.fromstring(frontier_files(results)["frontier-pi5.svg"])
    bars = [x for x in root.iter(f"{SVG}path") if x.get("class") == "interval"]
    assert len(bars) == len(chart.points)
    assert "95 % interval" in "".join(x.text or "" for x in root.iter(f"{SVG}text"))


def test_the_published_range_lies_on_the_axis(results: Results) -> None:
    chart = frontier_charts(results)["pi5"]
    band = chart.band
    assert band is not None
    assert chart.top < band.top < band.bottom < chart.bottom
    at = {float(tick.text.removesuffix(" %")): tick.at for tick in chart.y_ticks}
    low, high = min(at), max(at)
    per_point = (at[low] - at[high]) / (high - low)
    assert band.bottom - band.top == pytest.approx(
        (PUBLISHED_RANGE[1] - PUBLISHED_RANGE[0]) * per_point
    )
    assert "published" in band.text


def test_files_are_svg_without_scripts_or_addresses(results: Results) -> None:
    files = frontier_files(results)
    assert set(files) == {f"frontier-{name}.svg" for name in ("pi3", "pi4", "pi5", "size")}
    for data in files.values():
        root = ET.fromstring(data)
        assert root.tag == f"{SVG}svg"
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        shapes = {"rect", "text", "line", "path", "polyline", "circle"}
        assert tags <= {"svg", "style", "g", "title", *shapes}
        addresses = data.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in addresses
        texts = [element.text for element in root.iter(f"{SVG}text")]
        assert "minivgg-small" in texts
        assert "its family" in texts
    assert files == frontier_files(results)


def test_nothing_is_drawn_of_one_model(tmp_path: Path) -> None:
    assert frontier_charts(read_results(write(tmp_path, bench=made.bench()))) == {}


def test_the_command_writes_and_checks_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(path) for path in write_all(tmp_path)]
    readme, charts = tmp_path / "README.md", tmp_path / "charts"
    readme.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    words = [*paths, "--readme", str(readme), "--charts", str(charts)]
    assert run_command(benchmarks_report.main, words) == 0
    assert run_command(benchmarks_report.main, [*words, "--check"]) == 0
    (charts / "frontier-pi5.svg").write_text("<svg/>", encoding="utf-8")
    capsys.readouterr()
    assert run_command(benchmarks_report.main, [*words, "--check"]) == 1
    err = capsys.readouterr().err
    assert "frontier-pi5.svg: not what the results say" in err
    assert f"--readme {readme} --charts {charts}" in err
    with pytest.raises(SystemExit):
        benchmarks_report.main([*paths, "--charts", str(charts)])
