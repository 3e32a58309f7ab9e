"""The matrix of environments: its parts, and what it stands on in this project's metadata."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from benchmarks.arm.boards import LITERT, TFLITE_RUNTIME
from benchmarks.arm.errors import LaneError
from benchmarks.reliability.matrix import __main__ as command
from benchmarks.reliability.matrix import document, places, resolution
from benchmarks.reliability.matrix.device_tests import copy_tests, read_report
from benchmarks.reliability.matrix.examination import Bench, examine
from benchmarks.reliability.matrix.interpreters import Interpreter, find_interpreters, probe
from benchmarks.reliability.matrix.outcome import Counts, Outcome, Versions
from benchmarks.reliability.matrix.places import (
    LOWEST,
    LOWEST_LITERT,
    PYTHONS,
    TFLITE,
    Native,
    Resolution,
    all_places,
)
from benchmarks.reliability.matrix.selection import EMULATION
from benchmarks.reliability.matrix.stamp import is_stamped, stamp, unstamp
from benchmarks.reliability.matrix.wheel import CHECKOUT, Wheel, read, requirements_for
from benchmarks.result import read_result
from convert.command import EXIT_BAD_INPUT, EXIT_DONE, EXIT_GATE_FAILED, run_command

REQUIREMENTS = (
    "numpy>=1.24",
    "numpy<2; platform_machine == 'armv7l' and python_version < '3.12'",
    "ai-edge-litert>=2.1.6; platform_machine == 'x86_64' and sys_platform == 'linux'",
    "tflite-runtime>=2.14; platform_machine == 'armv7l' and python_version < '3.12'",
    "pillow>=9.4; extra == 'pictures'",
    "keras; extra == 'desk'",
)
FAKE_WHEEL = Wheel(Path("minivgg_edge-0-py3-none-any.whl"), "0" * 64, REQUIREMENTS)
ARMV7_SYSTEM = {"numpy": "1.24.2", "pillow": "9.4.0"}


def fake_python(path: Path, printed: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {printed}\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# --- places ---------------------------------------------------------------------------------------


def test_names_are_different() -> None:
    names = [place.name for place in all_places()]
    assert len(set(names)) == len(names)


def test_every_python_meets_the_newest_and_the_lowest() -> None:
    natives = [place for place in all_places() if isinstance(place, Native)]
    for python in PYTHONS:
        pins = [place.pins for place in natives if place.python == python and place.by_metadata]
        assert () in pins
        assert (LOWEST_LITERT, *LOWEST[python]) in pins


def test_pins_are_the_bounds_of_the_metadata(wheel: Path) -> None:
    """The lowest version that the wheel admits is tested, not one that is near it."""
    found = requirements_for(read(wheel).requirements, machine="x86_64", python="3.10")
    bounds = {
        requirement.name: specifier.version
        for requirement in found
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    for pin in (LOWEST_LITERT, *LOWEST["3.10"]):
        requirement = Requirement(pin)
        (specifier,) = requirement.specifier
        bound = bounds[requirement.name]
        assert specifier.version.removesuffix(".0") == bound.removesuffix(".0")


def test_pins_of_tflite_runtime_are_those_of_the_extra(wheel: Path) -> None:
    found = requirements_for(
        read(wheel).requirements, machine="x86_64", python="3.11", extra=TFLITE_RUNTIME
    )
    by_name = {requirement.name: requirement for requirement in found}
    assert by_name[TFLITE_RUNTIME].specifier.contains(TFLITE.split("==")[1])


# --- interpreters ---------------------------------------------------------------------------------


def test_an_interpreter_is_believed_when_it_runs(tmp_path: Path) -> None:
    works = fake_python(tmp_path / "works", "3.12.7")
    assert probe(works) == Interpreter(works, "3.12.7")
    assert probe(fake_python(tmp_path / "stand-in", "no such version", code=127)) is None
    assert probe(tmp_path / "missing") is None


def test_interpreters_on_path_and_of_pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = tmp_path / "bin"
    fake_python(on_path / "python3.12", "stand-in", code=127)
    of_path = fake_python(on_path / "python3.13", "3.13.1")
    versions = tmp_path / "pyenv" / "versions"
    fake_python(versions / "3.12.9" / "bin" / "python3.12", "3.12.9")
    newest = fake_python(versions / "3.12.10" / "bin" / "python3.12", "3.12.10")
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    found = find_interpreters(("3.11", "3.12", "3.13"))
    assert found == {"3.12": Interpreter(newest, "3.12.10"), "3.13": Interpreter(of_path, "3.13.1")}
    mine = fake_python(tmp_path / "mine", "3.13.9")
    assert find_interpreters(("3.13",), extra=[mine])["3.13"].path == mine


# --- requirements ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "python", "expected"),
    [
        ("x86_64", "3.13", ["numpy>=1.24", "ai-edge-litert>=2.1.6", "pillow>=9.4"]),
        ("armv7l", "3.11", ["numpy>=1.24", "numpy<2", "tflite-runtime>=2.14", "pillow>=9.4"]),
        ("armv7l", "3.13", ["numpy>=1.24", "pillow>=9.4"]),
        ("armv6l", "3.11", ["numpy>=1.24", "pillow>=9.4"]),
    ],
)
def test_markers_are_those_of_the_place(machine: str, python: str, expected: list[str]) -> None:
    found = requirements_for(REQUIREMENTS, machine=machine, python=python)
    assert [str(requirement) for requirement in found] == expected


@pytest.mark.parametrize(
    ("machine", "python", "runtimes"),
    [
        ("x86_64", "3.10", [LITERT]),
        ("x86_64", "3.13", [LITERT]),
        ("aarch64", "3.13", [LITERT]),
        ("armv7l", "3.11", [TFLITE_RUNTIME]),
        ("armv7l", "3.13", []),
        ("armv6l", "3.11", []),
    ],
)
def test_the_wheel_names_the_runtime_that_exists(
    machine: str, python: str, runtimes: list[str], wheel: Path
) -> None:
    found = requirements_for(read(wheel).requirements, machine=machine, python=python)
    names = [requirement.name for requirement in found]
    assert [name for name in names if name in (LITERT, TFLITE_RUNTIME)] == runtimes


def test_the_wheel_admits_the_numpy_of_debian_where_no_runtime_needs_an_older_one(
    wheel: Path,
) -> None:
    for python, version in (("3.11", "1.24.2"), ("3.13", "2.2.4")):
        found = requirements_for(read(wheel).requirements, machine="armv7l", python=python)
        assert all(r.specifier.contains(version) for r in found if r.name == "numpy")


# --- resolution -----------------------------------------------------------------------------------


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """An index that has every package in version 9; what it was asked for."""
    asked: list[tuple[str, ...]] = []

    def resolve(python: Path, requirements: list[str], *options: str) -> dict[str, str]:
        asked.append((*requirements, *options))
        return {Requirement(requirement).name: "9" for requirement in requirements}

    monkeypatch.setattr(resolution.pip, "resolve", resolve)
    return asked


def armv7(python: str, runtime: str | None, numpy: str) -> Resolution:
    system = {**ARMV7_SYSTEM, "numpy": numpy}
    return Resolution("armv7", "a board", python, "armv7l", ("linux_armv7l",), runtime, system)


def test_the_system_s_packages_are_not_asked_for(index: list[tuple[str, ...]]) -> None:
    found = resolution.resolve(armv7("3.11", TFLITE_RUNTIME, "1.24.2"), FAKE_WHEEL, host=Path("py"))
    assert found == Versions("3.11", "1.24.2", "tflite-runtime 9", "9.4.0")
    ((requirement, *options),) = index
    assert requirement == "tflite-runtime>=2.14"
    assert options[options.index("--python-version") + 1] == "3.11"
    assert options[options.index("--platform") + 1] == "linux_armv7l"


def test_a_system_s_package_that_does_not_serve(index: list[tuple[str, ...]]) -> None:
    place = armv7("3.11", TFLITE_RUNTIME, "2.2.4")
    with pytest.raises(LaneError, match=r"expected numpy<2, got 2\.2\.4 of the system"):
        resolution.resolve(place, FAKE_WHEEL, host=Path("py"))


def test_another_runtime_than_expected(index: list[tuple[str, ...]]) -> None:
    with pytest.raises(LaneError, match=r"expected the runtimes \[\], got \['tflite-runtime'\]"):
        resolution.resolve(armv7("3.11", None, "1.24.2"), FAKE_WHEEL, host=Path("py"))


def test_what_the_package_says_where_there_is_no_runtime(wheel: Path, tmp_path: Path) -> None:
    place = Resolution("armv6", "a board", "3.11", "armv6l", (), None)
    host = probe(Path(command.sys.executable))
    assert host is not None
    said = resolution.refusal(place, read(wheel), host=host.path)
    assert said.startswith("expected a CPU with the ARMv7 instruction set or newer, got armv6l")


# --- one place ------------------------------------------------------------------------------------


def bench(tmp_path: Path, **interpreters: Interpreter) -> Bench:
    host = Interpreter(tmp_path / "no-such-python", "3.11.7")
    found = {name.removeprefix("py").replace("_", "."): p for name, p in interpreters.items()}
    return Bench(FAKE_WHEEL, found, host, tmp_path / "work", tmp_path / "arm")


def test_a_python_that_is_not_here_is_resolved_and_said(
    tmp_path: Path, index: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places.platform, "machine", lambda: "x86_64")
    place = Native("py3.13-newest", "newest", "3.13", LITERT)
    outcome = examine(place, bench(tmp_path))
    assert outcome.verdict == "resolved only: no such Python here"
    assert outcome.versions == Versions("3.13", "9", "ai-edge-litert 9", "9")
    assert not outcome.failures
    place = Native("py3.11-tflite", "older", "3.11", TFLITE_RUNTIME, (TFLITE,), by_metadata=False)
    assert examine(place, bench(tmp_path)).verdict == "not run: no such Python here"


def test_what_cannot_be_installed_is_a_row(tmp_path: Path) -> None:
    broken = Interpreter(fake_python(tmp_path / "broken", "out of order", code=3), "3.11.7")
    place = Native("py3.11-newest", "newest", "3.11", LITERT)
    outcome = examine(place, bench(tmp_path, py3_11=broken))
    assert outcome.verdict == "failed"
    (failure,) = outcome.failures
    assert "ended with 3: out of order" in failure


# --- the tests' copy and report -------------------------------------------------------------------


def test_the_copy_has_the_device_tests_and_no_package(tmp_path: Path) -> None:
    copy = copy_tests(CHECKOUT, tmp_path)
    assert (copy / "tests" / "device" / "test_classifier.py").is_file()
    assert (copy / "tests" / "conftest.py").is_file()
    tops = {path.name for path in copy.iterdir()}
    assert not tops & {"minivgg_edge", "convert", "benchmarks"}
    assert not list(copy.rglob("__pycache__"))


def test_tests_that_are_left_out_exist() -> None:
    for name in EMULATION.left_out:
        file, _, test = name.partition("::")
        text = (CHECKOUT / "tests" / "device" / file).read_text(encoding="utf-8")
        assert f"def {test.partition('[')[0]}" in text


def test_a_report_is_counted() -> None:
    report = b"""<testsuites><testsuite errors="1" failures="1" skipped="2" tests="9">
    <testcase classname="tests.device.test_a" name="test_x[1]">
      <failure message="assert 1 == 2&#10;  where">long</failure></testcase>
    <testcase classname="tests.device.test_a" name="test_y"><error message="no fixture"/></testcase>
    <testcase classname="tests.device.test_a" name="test_z"/></testsuite></testsuites>"""
    found = read_report(report)
    assert found.counts == Counts(passed=9 - 1 - 1 - 2, skipped=2, failed=1 + 1)
    assert found.failures == (
        "test_a::test_x[1]: assert 1 == 2 where",
        "test_a::test_y: no fixture",
    )


def test_a_stamp_holds_until_something_changes(tmp_path: Path) -> None:
    assert not is_stamped(tmp_path, {"numpy": ["1.24.0"]})
    stamp(tmp_path, {"numpy": ["1.24.0"]})
    assert is_stamped(tmp_path, {"numpy": ["1.24.0"]})
    assert not is_stamped(tmp_path, {"numpy": ["1.26.0"]})
    unstamp(tmp_path)
    assert not is_stamped(tmp_path, {"numpy": ["1.24.0"]})


# --- the command ----------------------------------------------------------------------------------


def outcome(name: str, *failures: str, remark: str = "") -> Outcome:
    versions = Versions("3.11.7", "1.24.0", "ai-edge-litert 2.1.6", "9.4.0")
    verdict = "failed" if failures else "passed"
    return Outcome(name, "here", versions, Counts(931, 2, 0), 61.4, verdict, failures, remark)


def test_the_table_and_the_result() -> None:
    rows = [outcome("a", remark="No forks."), outcome("b", "it hung", remark="No forks.")]
    result = document.result(rows, ["benchmarks.reliability.matrix", "--jobs", "2"])
    (table,) = result.tables
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["passed"] == "931"
    assert cells["s"] == "61"
    assert cells["verdict"] == "passed"
    assert table.note == "No forks."
    assert result.failures == ("b: it hung",)
    assert result.command == "python -m benchmarks.reliability.matrix --jobs 2"


def test_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.wheel, "build", lambda work: FAKE_WHEEL)
    monkeypatch.setattr(command, "find_interpreters", lambda wanted, extra: {})
    monkeypatch.setattr(command, "examine", lambda place, bench: outcome(place.name))
    words = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    words += ["--only", "py3.13-newest", "py3.14"]
    assert run_command(command.main, words) == EXIT_DONE
    stored = read_result(tmp_path / "out" / "matrix.json")
    assert [row[0] for row in stored.tables[0].rows] == ["py3.13-newest", "py3.14"]
    monkeypatch.setattr(command, "examine", lambda place, bench: outcome(place.name, "crashed"))
    assert run_command(command.main, words) == EXIT_GATE_FAILED
    assert "FAILED: py3.14: crashed" in capsys.readouterr().err
    assert run_command(command.main, ["--only", "py2.7"]) == EXIT_BAD_INPUT
    assert "got 'py2.7'" in capsys.readouterr().err


def test_a_full_disk_is_noticed_before_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.shutil, "disk_usage", lambda path: SimpleNamespace(free=1))
    assert run_command(command.main, ["--work", str(tmp_path)]) == EXIT_BAD_INPUT
    assert "free for" in capsys.readouterr().err


def test_the_wheel_s_metadata_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", "Name: a\nRequires-Dist: numpy>=1.24\n\ntext\n")
    assert read(path).requirements == ("numpy>=1.24",)
