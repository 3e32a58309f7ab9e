"""The README's table is generated, and says what the stored results say."""

from __future__ import annotations

from pathlib import Path

import pytest
import report_results as made
from report_results import write, write_all

from benchmarks import report as benchmarks_report
from convert.command import run_command
from convert.report.decoding import ResultError
from convert.report.readme import BEGIN, END, readme_table, replace_section
from convert.report.results import read_results

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_readme_says_what_the_stored_results_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = benchmarks_report.stored_results()
    assert stored, f"no result files in {benchmarks_report.STORED}"
    arguments = ["--readme", str(ROOT / "README.md"), "--charts", str(ROOT / "docs"), "--check"]
    code = run_command(benchmarks_report.main, arguments)
    assert code == 0, capsys.readouterr().err


def test_what_the_commands_write_is_read(tmp_path: Path) -> None:
    """The stored results come from full runs: peers, engines without phases of their own."""
    page = tmp_path / "index.html"
    stored = [str(path) for path in benchmarks_report.stored_results()]
    assert run_command(benchmarks_report.main, [*stored, "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    for board in ("Raspberry Pi 3 B+", "Raspberry Pi 4 B", "Raspberry Pi 5"):
        assert board in text


def test_table(tmp_path: Path) -> None:
    header, marks, *rows = readme_table(read_results(write_all(tmp_path))).splitlines()
    assert header == (
        "| model and engine | accuracy | file | M instructions, Pi 3 / 4 / 5 | "
        "modelled ms (×÷ 1.29), Pi 3 / 4 / 5 | x86-64 time | cold start, x86-64 | steady RSS |"
    )
    assert marks == "| :-- |" + " --: |" * 7
    # 2.5 M on a Pi 5 times 4, 3 and 1; cycles 1.1, 1.1, 0.5 each; 1.4, 1.8, 2.4 GHz
    assert rows[0] == (
        "| MiniVGG int8, LiteRT 9.9.1 | 81.11 % | 2.2 MB | 10.0 / 7.50 / 2.50 | "
        "7.86 / 4.58 / 0.521 | 1.00× | 116 ms | 55.6 MB |"
    )
    assert rows[5] == (
        "| MiniVGG float32, OpenVINO 9.9.4 | 81.22 % | 8.7 MB | - | - | 2.99× | - | 55.6 MB |"
    )
    assert [row.split(",")[0] for row in rows[:8]] == [
        "| MiniVGG int8",
        "| MiniVGG float32",
        "| MiniVGG float32",
        "| MiniVGG int8",
        "| MiniVGG int8",
        "| MiniVGG float32",
        "| mlperf-tiny-resnet8 int8",
        "| mlperf-tiny-large int8",
    ]
    assert "Accuracy: top-1 on 10,000 test pictures." in rows[-1]
    assert "Not measured: ncnn (not installed: no wheel for Python 3.99)." in rows[-1]
    assert "`make arm`, 2001-02-06" in rows[-1]
    assert (
        "Not counted: ONNX Runtime on Raspberry Pi 3 B+, Raspberry Pi 3, 32 bit "
        "(no wheel for 32-bit ARM)." in rows[-1]
    )


def test_which_way_modelled_times_of_int8_networks_are_off(tmp_path: Path) -> None:
    arm = made.arm()
    rows = arm["validation"]["rows"]
    for row, published, precision, engine in zip(
        rows,
        (96.0, 110.0, 900.0),
        ("int8", "int8", "float32"),
        ("TensorFlow Lite, XNNPACK 9.9", "TensorFlow Lite, its own kernels", "XNNPACK"),
        strict=True,
    ):
        row |= {"published_ms": published, "precision": precision, "engine": engine}
        row |= {"modelled_ms": 80.0, "factor": published / 80.0}
    other = rows[0] | {"published_ms": 76.0, "factor": 80.0 / 76.0}
    rows.append(other)
    arm["validation"]["within_1_5"] = sum(row["factor"] <= 1.5 for row in rows)
    (path,) = write(tmp_path, arm=arm)
    said = "Published times of int8 networks on LiteRT's XNNPACK (2) are 0.95 to 1.20 times the "
    assert said + "modelled." in readme_table(read_results([path]))
    assert "lower bound" not in readme_table(read_results([path]))
    rows.remove(other)
    arm["validation"]["within_1_5"] = sum(row["factor"] <= 1.5 for row in rows)
    (path,) = write(tmp_path, arm=arm)
    only = "XNNPACK (1) are 1.20 to 1.20 times the modelled: take what is modelled of those as a "
    assert only + "lower bound." in readme_table(read_results([path]))
    for row in rows:
        row["precision"] = "float32"
    (path,) = write(tmp_path, arm=arm)
    assert "Published times" not in readme_table(read_results([path]))


def test_boards_that_were_not_counted_are_said(tmp_path: Path) -> None:
    arm = made.arm()
    del arm["boards"]["pi4"]
    for name in ("runs", "agreement"):
        arm[name] = [item for item in arm[name] if item["board"] != "pi4"]
    (path,) = write(tmp_path, arm=arm)
    text = readme_table(read_results([path]))
    assert "| M instructions, Pi 3 / 5 |" in text
    assert "Pi 4: not measured here: run make arm." in text


def test_an_invalid_run_of_the_peers_is_said(tmp_path: Path) -> None:
    peers = made.peers()
    peers["machine"] |= {"valid": False, "reasons": []}
    (path,) = write(tmp_path, peers=peers)
    assert "**Invalid run**: no reason recorded." in readme_table(read_results([path]))


def test_what_only_has_a_size_gets_no_row(tmp_path: Path) -> None:
    bench = made.bench()
    keras = made.latency("predict", 22.0, None)
    bench["entries"].append(made.entry("float32", engine="keras", latency=[keras]))
    (path,) = write(tmp_path, bench=bench)
    assert "keras" not in readme_table(read_results([path]))


def test_what_ran_on_the_32_bit_board_alone_gets_no_row(tmp_path: Path) -> None:
    arm = made.arm()
    run = {**arm["runs"][0], "board": "pi3-32bit", "model": "other", "accuracy": None}
    arm["boards"]["pi3-32bit"] = {**arm["boards"]["pi3"], "title": "Raspberry Pi 2/3, 32-bit"}
    arm["runs"].append(run)
    (path,) = write(tmp_path, arm=arm)
    assert "other" not in readme_table(read_results([path]))
    run["board"] = "pi3"
    (path,) = write(tmp_path, arm=arm)
    assert "other" in readme_table(read_results([path]))


def test_errors_of_several_sizes_are_a_range(tmp_path: Path) -> None:
    arm = made.arm()
    arm["runs"][0]["modelled"]["error_factor"] = 1.5
    (path,) = write(tmp_path, arm=arm)
    assert "modelled ms (×÷ 1.29 to 1.50)" in readme_table(read_results([path]))


def test_times_of_a_board_are_not_the_hosts(tmp_path: Path) -> None:
    (path,) = write(tmp_path, board=made.board_bench())
    row = readme_table(read_results([path])).splitlines()[2]
    assert row == "| MiniVGG int8, LiteRT 9.9.1 | - | 2.2 MB | - | - | - | - | - |"


def test_missing_results_are_said() -> None:
    text = readme_table(read_results([]))
    for command in ("make bench", "make peers", "python -m benchmarks.answers", "make arm"):
        assert f"not measured here: run {command}" in text


def test_different_numbers_of_pictures_are_said(tmp_path: Path) -> None:
    peers = made.peers()
    peers["entries"][0]["accuracy"]["count"] = 2000
    (path,) = write(tmp_path, peers=peers)
    text = readme_table(read_results([path]))
    assert "different numbers of test pictures: 2,000 (MiniVGG int8, LiteRT), 10,000" in text


def test_an_invalid_run_is_said(tmp_path: Path) -> None:
    bench = made.bench()
    bench["machine"] |= {"valid": False, "reasons": ["load from others"]}
    (path,) = write(tmp_path, bench=bench)
    assert "**Invalid run**: load from others." in readme_table(read_results([path]))


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    return path


def test_command_writes_and_checks(
    tmp_path: Path, readme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(path) for path in write_all(tmp_path)]
    check = [*paths, "--readme", str(readme), "--check"]
    before = readme.read_bytes()
    assert run_command(benchmarks_report.main, check) == 1
    assert "README.md: not what the results say" in capsys.readouterr().err
    assert readme.read_bytes() == before
    assert run_command(benchmarks_report.main, [*paths, "--readme", str(readme)]) == 0
    table = readme_table(read_results(map(Path, paths)))
    expected = f"before\n\n{BEGIN}\n{table}\n{END}\n\nafter\n"
    assert readme.read_text(encoding="utf-8") == expected
    assert run_command(benchmarks_report.main, check) == 0
    changed = expected.replace("81.11 %", "81.12 %", 1)
    readme.write_text(changed, encoding="utf-8")
    assert run_command(benchmarks_report.main, check) == 1


@pytest.mark.parametrize(
    "text", ["", BEGIN, END, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}", f"{BEGIN} {END} {END}"]
)
def test_markers_have_to_be_there(text: str) -> None:
    with pytest.raises(ResultError) as caught:
        replace_section(text, "table", where="README.md")
    assert str(caught.value) == f"README.md: expected {BEGIN} and behind it {END}, once each"
