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
from convert.report.command import report
from convert.report.markdown import escape, markdown
from convert.report.page import page
from convert.report.readme import BEGIN, END
from convert.report.results import read_results
from convert.report.validation_table import validation_table

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
    counted = rows["Instructions a picture, Raspberry Pi 4 B"]
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


def test_boards_that_were_not_counted_are_said(tmp_path: Path) -> None:
    arm = made.arm()
    del arm["boards"]["pi3"]
    for name in ("runs", "agreement", "missing"):
        arm[name] = [item for item in arm[name] if item["board"] != "pi3"]
    results = read_results(write(tmp_path, arm=arm))
    rows = [row.name for row in card(results) if row.missing == "not measured here: run make arm"]
    assert rows == ["Instructions and modelled time, Raspberry Pi 3"]
    text = markdown(results)
    assert "## Not counted" in text
    assert "Raspberry Pi 3, 32 bit | ONNX Runtime | no wheel for 32-bit ARM" in text
    assert "no wheel for 32-bit ARM" in page(results)


def test_a_modelled_time_that_is_missing_is_said(tmp_path: Path) -> None:
    arm = made.arm()
    for run in arm["runs"]:
        run["modelled"] = None if run["board"] == "pi4" else run["modelled"]
    rows = card(read_results(write(tmp_path, arm=arm)))
    assert [row.name for row in rows if row.missing.endswith("make arm")] == [
        "Modelled time, Raspberry Pi 4 B"  # not the 32-bit one: it has no model
    ]


def test_an_invalid_run_of_the_peers_is_marked(tmp_path: Path) -> None:
    peers = made.peers()
    peers["machine"] |= {"valid": False, "reasons": ["another program ran"]}
    results = read_results(write(tmp_path, peers=peers))
    whole = page(results)
    assert whole.count("another program ran") == 2  # at the top, and with the source
    assert "not an ARM time; INVALID RUN" in whole  # the tile
    assert "the ratios do not count" in whole
    assert "**INVALID RUN** [1]: another program ran" in markdown(results)


def test_validation_names_each_source_once(tmp_path: Path) -> None:
    results = read_results(write(tmp_path, arm=made.arm(), validation=made.validation()))
    text = markdown(results)
    assert "| Made-up Net 2 int8 | Raspberry Pi 4 |" in text
    assert [row.rstrip(" |")[-1] for row in re.findall(r"\| TFLite \|.*", text)] == list("aaab")
    assert "(a) a made-up blog post, 2001, table 3. (b) another made-up post." in text
    assert "Median error 1.25× (Raspberry Pi 4 B 1.33×); 3 of 4 within 1.5×." in text
    assert "2. Modelled against 4 published times, 2001-02-07" in text
    whole = page(results)
    assert whole.count("another made-up post") == 1
    assert "python -m made.up.validation" in whole


def test_letters_of_many_sources(tmp_path: Path) -> None:
    validation = made.validation()
    row = validation["rows"][0]
    validation["rows"] = [row | {"source": f"source {number}"} for number in range(28)]
    validation["within_1_5"] = 28
    table = validation_table(read_results(write(tmp_path, validation=validation)).validation)
    assert [cells[-1] for cells in table.rows][::9] == ["a", "j", "s", "ab"]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where results are stored, and where they are measured; the latter is below the former."""
    stored, measured = tmp_path / "results", tmp_path / "out" / "bench"
    stored.mkdir()
    measured.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return stored, measured


@pytest.mark.parametrize(
    ("date", "is_measured"), [("2001-02-02", False), ("2001-02-03", True), ("2001-02-04", True)]
)
def test_what_was_measured_goes_before_what_is_stored(
    folders: tuple[Path, Path], date: str, is_measured: bool
) -> None:
    stored, measured = folders
    host, board, peers = write(
        stored, host=made.bench(), board=made.board_bench(), peers=made.peers()
    )
    write(measured, host=made.bench(date=date), answers=made.answers())
    assert benchmarks_report.latest_results(stored) == [
        Path("out/bench/answers.json"),
        board,
        Path("out/bench/host.json") if is_measured else host,
        peers,
    ]
    assert benchmarks_report.stored_results(stored) == [board, host, peers]


def test_pages_are_of_the_latest_and_the_readme_of_the_stored(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stored, measured = folders
    write(stored, host=made.bench(board="the stored one"))
    write(measured, host=made.bench(board="the measured one"))
    Path("README.md").write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")

    def run(arguments: list[str]) -> int:
        return report(
            arguments,
            prog="x",
            description="",
            stored=lambda: benchmarks_report.stored_results(stored),
            latest=lambda: benchmarks_report.latest_results(stored),
        )

    assert run(["-o", "page.html"]) == 0
    assert capsys.readouterr().err == "from out/bench/host.json\n"
    assert "the measured one" in Path("page.html").read_text(encoding="utf-8")
    assert run(["--readme", "README.md"]) == 0
    assert "the stored one" in Path("README.md").read_text(encoding="utf-8")


def test_no_results_yet(capsys: pytest.CaptureFixture[str]) -> None:
    def nothing() -> list[Path]:
        return []

    with pytest.raises(SystemExit, match="2"):
        report([], prog="x", description="", stored=nothing, latest=nothing)
    assert "there are no results yet" in capsys.readouterr().err
