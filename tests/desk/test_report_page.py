"""Page and Markdown say what the results say, escape what they quote, and invent nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import report_results as made
from report_results import write, write_all

from benchmarks import report as benchmarks_report
from convert.command import run_command
from convert.report.__main__ import main
from convert.report.card import card
from convert.report.markdown import escape, markdown
from convert.report.page import page
from convert.report.results import read_results

HOSTILE = "<script>alert('x')</script> & \"|`*_"
_VOID = {"meta", "link", "img", "br", "line", "rect", "circle", "path", "polygon", "polyline"}


class Reader(HTMLParser):
    """Collects elements, and complains about tags that do not close in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


@pytest.fixture
def whole(tmp_path: Path) -> str:
    return page(read_results(write_all(tmp_path)))


def test_structure(whole: str) -> None:
    reader = Reader(whole)
    assert next(reader.of("html"))["lang"] == "en"
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    tables, captions = len(list(reader.of("table"))), len(list(reader.of("caption")))
    assert tables == captions > 10
    assert all(image["alt"] for image in reader.of("img"))
    charts = [svg for svg in reader.of("svg") if svg.get("role") == "img"]
    assert len(charts) == 4 + 8 + 10  # scatter, histograms of two machines, starts
    assert all(svg["aria-label"] for svg in charts)
    names = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = [link["href"] for link in reader.of("a")]
    assert all(link[1:] in names for link in links)
    assert len(links) > 20


def test_nothing_is_fetched_and_nothing_runs(whole: str) -> None:
    reader = Reader(whole)
    assert not list(reader.of("script"))
    assert "default-src 'none'" in next(
        meta["content"] for meta in reader.of("meta") if "http-equiv" in meta
    )
    sources = [x.get("src") or "data:" for _, x in reader.elements]
    sources += [x["href"] for x in reader.of("link")]
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"https?://|@import|url\(", whole)


def test_pictures_are_those_of_the_results(whole: str) -> None:
    images = list(Reader(whole).of("img"))
    assert [image["alt"] for image in images[:2]] == [
        "Picture 0: airplane",
        "Picture 11: automobile",
    ]
    assert images[3]["src"] == f"data:image/png;base64,{made.picture(3)}"
    assert base64.b64decode(images[3]["src"].partition(",")[2]).startswith(b"\x89PNG")


def test_charts_have_no_colors_of_their_own(whole: str) -> None:
    body = whole.partition("</style>")[2]
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!-)\"|rgb\(|(fill|stroke)=\"(?!none)", body)


def _hostile(tmp_path: Path) -> list[Path]:
    bench, peers, answers, arm = made.bench(), made.peers(), made.answers(), made.arm()
    bench |= {"board": HOSTILE, "command": HOSTILE, "date": HOSTILE}
    bench["machine"] |= {"valid": False, "reasons": [HOSTILE], "note": HOSTILE}
    bench["entries"][0]["latency"][0]["case"] = HOSTILE
    peers["missing"] = [{"engine": HOSTILE, "reason": HOSTILE}]
    peers["entries"][-1]["model"] = HOSTILE
    answers["labels"][3] = HOSTILE
    answers["flips"][0] |= {"truth": HOSTILE, "float32_label": HOSTILE, "int8_label": HOSTILE}
    arm["boards"]["pi5"] |= {"title": HOSTILE, "system": HOSTILE}
    arm["runs"][0]["ops"][0] |= {"name": HOSTILE, "kind": HOSTILE}
    arm["runs"][0]["limit"]["instruction"] = HOSTILE
    arm["validation"]["rows"][0] |= {"source": HOSTILE, "network": HOSTILE}
    return write(tmp_path, bench=bench, peers=peers, answers=answers, arm=arm)


def test_text_of_results_is_escaped_in_html(tmp_path: Path) -> None:
    whole = page(read_results(_hostile(tmp_path)))
    reader = Reader(whole)
    assert "<script" not in whole
    assert not list(reader.of("script"))
    assert sum(HOSTILE in text for text in reader.text) > 20
    assert any(HOSTILE in (image["alt"] or "") for image in reader.of("img"))


def test_text_of_results_is_escaped_in_markdown(tmp_path: Path) -> None:
    text = markdown(read_results(_hostile(tmp_path)))
    assert escape(HOSTILE) == "\\<script\\>alert('x')\\</script\\> & \"\\|\\`\\*\\_"
    code = "`<script>alert('x')</script> & \"|'*_`"  # code spans show it as it is
    assert text.count("<script>") == text.count(code) == 1
    tables = re.findall(r"(?m)^\|.*\|$", text)
    assert len(tables) > 100
    columns = {len(re.findall(r"(?<!\\)\|", line)) - 1 for line in tables}
    assert 5 in columns


def test_every_table_row_has_the_columns_of_its_title(tmp_path: Path) -> None:
    text = markdown(read_results(write_all(tmp_path)))
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(blocks) > 15
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_an_invalid_run_is_marked_wherever_its_figures_stand(tmp_path: Path) -> None:
    (path,) = write(tmp_path, board=made.board_bench())
    whole = page(read_results([path]))
    reason = "throttle bits changed from 0x0 to 0x80008"
    assert whole.count("INVALID RUN") >= 4 + 4  # top, section, state, source; each chart
    assert whole.count(reason) >= 4
    # In the card the three times, not the memory, the size or the accuracy.
    assert whole.count('<span class="tag bad">invalid</span>') == 3
    assert markdown(read_results([path])).count("INVALID |") == 3
    latency = whole.partition('id="latency"')[2].partition('id="cold-start"')[0]
    assert "not an ARM time" not in latency  # it is one
    assert f"**INVALID RUN** [1]: {reason}" in markdown(read_results([path]))


def test_a_valid_run_is_not_marked(tmp_path: Path) -> None:
    (path,) = write(tmp_path, host=made.bench())
    assert "INVALID" not in page(read_results([path]))
    assert "INVALID" not in markdown(read_results([path]))


def test_x86_times_are_labelled(tmp_path: Path) -> None:
    (path,) = write(tmp_path, host=made.bench())
    whole = page(read_results([path]))
    charts = re.findall(r"<figcaption>(.*?)</figcaption>", whole)
    assert len(charts) == 4
    assert all("not an ARM time" in chart for chart in charts)
    rows = [row.name for row in card(read_results([path])) if "median" in row.name]
    assert len(rows) == 3
    assert all("not an ARM time" in name for name in rows)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    whole = page(read_results([]))
    for command in ("make bench", "make peers", "python -m benchmarks.answers", "make arm"):
        assert f"not measured here: run {command}" in whole
    assert "None" not in whole
    assert not list(Reader(whole).of("img"))
    (path,) = write(tmp_path, arm=made.arm())
    names = {row.name: row.missing for row in card(read_results([path]))}
    assert names["Inference, classify and cold start"] == "not measured here: run make bench"
    assert names["Instructions a picture, Raspberry Pi 5"] == ""


def test_card(tmp_path: Path) -> None:
    rows = {row.name: row for row in card(read_results(write_all(tmp_path)))}
    accuracy = rows["Top-1 accuracy, CIFAR-10 test, 10,000 pictures, 95 % interval"]
    assert (accuracy.int8, accuracy.float32) == (
        "81.11 % [80.34, 81.87]",
        "81.22 % [80.45, 81.98]",
    )
    assert (accuracy.comparison, accuracy.source) == ("-0.11 points", 3)
    counted = rows["Instructions a picture, Raspberry Pi 4"]
    assert (counted.int8, counted.float32, counted.comparison) == ("7.50 M", "28.5 M", "0.26×")
    assert counted.source == 5
    # 2.5 M instructions, half a cycle each, 2.4 GHz
    assert rows["Modelled time, Raspberry Pi 5"].int8 == "0.521 ms (×÷ 1.29)"
    assert rows["classify over a bare inference, instructions, Raspberry Pi 5"].int8 == "1.013×"
    start = rows["Cold start, median, x86-64 Made-up CPU, 2 cores, not an ARM time"]
    assert (start.int8, start.float32, start.source) == ("116 ms", "118 ms", 1)
    assert rows["Steady resident memory, Raspberry Pi 5 Model B"].source == 2


def test_accuracies_over_different_numbers_are_not_subtracted(tmp_path: Path) -> None:
    peers = made.peers()
    peers["entries"][0]["accuracy"]["count"] = 5000
    (path,) = write(tmp_path, peers=peers)
    assert card(read_results([path]))[0].comparison == "-"


def test_command_writes_page_and_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(path) for path in write_all(tmp_path)]
    out, text = tmp_path / "deep" / "page.html", tmp_path / "report.md"
    arguments = [*paths, "-o", str(out), "--markdown", str(text)]
    assert run_command(main, arguments) == 0
    assert out.read_text(encoding="utf-8") == page(read_results(map(Path, paths)))
    assert text.read_text(encoding="utf-8") == markdown(read_results(map(Path, paths)))
    assert run_command(main, arguments) == 0
    assert f"{out}: unchanged" in capsys.readouterr().out


def test_command_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = made.bench() | {"schema": 7}
    (path,) = write(tmp_path, bench=value)
    assert run_command(main, [str(path), "-o", str(tmp_path / "page.html")]) == 2
    assert capsys.readouterr().err == f"error: {path}: schema: expected 1, got 7\n"
    assert not (tmp_path / "page.html").exists()
    assert run_command(main, [str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_command_needs_results() -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])


@pytest.mark.parametrize(
    "arguments", [["--check"], ["--check", "--readme", "README.md", "--markdown", "x.md"]]
)
def test_command_checks_a_readme_only(tmp_path: Path, arguments: list[str]) -> None:
    (path,) = write(tmp_path, bench=made.bench())
    with pytest.raises(SystemExit, match="2"):
        main([str(path), *arguments])


def test_boards_are_merged(tmp_path: Path) -> None:
    first, second = made.bench(), made.board_bench()
    paths = write(tmp_path, first=first, second=second)
    out = tmp_path / "page.html"
    assert run_command(benchmarks_report.main, [*map(str, paths), "-o", str(out)]) == 0
    whole = out.read_text(encoding="utf-8")
    assert "Machines side by side" in whole
    assert whole.count("Raspberry Pi 5 Model B") > 10
