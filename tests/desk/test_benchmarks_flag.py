"""`pytest --benchmark` runs the benchmarks and nothing else; `pytest` runs none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# As a person starts it, also where these tests run in several processes.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if "XDIST" not in name}


def collected(*arguments: str) -> tuple[list[str], int]:
    """The node ids that pytest would run from the repository's root, and its exit code."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    run = subprocess.run(
        command, cwd=ROOT, env=_ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert "warning" not in run.stdout.lower() + run.stderr.lower()
    return [line for line in run.stdout.splitlines() if "::" in line], run.returncode


def test_with_the_flag_only_benchmarks() -> None:
    nodes, code = collected("--benchmark")
    assert code == 0
    assert {node.split("/")[0] for node in nodes} == {"benchmarks"}
    names = {node.split("::")[1].split("[")[0] for node in nodes}
    assert names >= {"test_latency", "test_predict", "test_cold_start", "test_memory"}
    assert "test_accuracy" in names


def test_with_files_outside_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "card.json").touch()  # as after another run
    options = (f"--data={tmp_path}", f"--benchmark-card={tmp_path / 'card.json'}")
    nodes, code = collected("--benchmark", *options)
    assert code == 0
    assert {node.split("/")[0] for node in nodes} == {"benchmarks"}


def test_with_the_flag_and_a_choice() -> None:
    nodes, code = collected("--benchmark", "-k", "int8")
    assert code == 0
    assert nodes
    assert all("int8" in node for node in nodes)


@pytest.mark.parametrize("place", ["tests/device/test_imports.py", "tests", "."])
def test_with_the_flag_no_tests_wherever_they_are_named(place: str) -> None:
    nodes, _ = collected("--benchmark", place)
    assert {node.split("/")[0] for node in nodes} <= {"benchmarks"}
    assert bool(nodes) == (place == ".")


@pytest.mark.parametrize("place", ["benchmarks", "benchmarks/test_latency.py"])
def test_without_the_flag_no_benchmarks(place: str) -> None:
    nodes, code = collected(place)
    assert nodes == []
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED


def test_without_the_flag_only_tests() -> None:
    nodes, code = collected("tests/device/test_imports.py", "benchmarks")
    assert {node.split("/")[0] for node in nodes} == {"tests"}
    assert code == pytest.ExitCode.OK


def test_pytest_benchmark_s_own_options_still_work(tmp_path: Path) -> None:
    command = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "--benchmark",
            "-q",
            "-k",
            "invoke and threads1 and int8",
        ),
        *("--benchmark-json", str(tmp_path / "raw.json")),
        f"--benchmark-card={tmp_path / 'card.json'}",
    ]
    # Its own lock: a training of this checkout has nothing to do with a test.
    environment = {**_ENVIRONMENT, "MINIVGG_PAUSE": str(tmp_path / "none" / "pause")}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "minivgg-edge benchmarks" in run.stdout
    raw = json.loads((tmp_path / "raw.json").read_bytes())
    card = json.loads((tmp_path / "card.json").read_bytes())
    (benchmark,) = raw["benchmarks"]
    (entry,) = card["entries"]
    (row,) = entry["latency"]
    info = benchmark["extra_info"]
    assert info["model_sha256"] == entry["sha256"]
    assert (info["num_threads"], info["batch"]) == (1, 1)
    assert info["p99_ms"] == pytest.approx(row["p99_ms"], abs=1e-5)
    assert row["rounds"] == len(benchmark["stats"]["data"])
    assert row["p50_ms"] == pytest.approx(1000 * benchmark["stats"]["median"], abs=1e-5)
    assert row["ratio"] == 1.0


def test_a_run_that_failed_leaves_the_card_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    card = tmp_path / "card.json"
    card.write_text("the whole of an earlier run")
    chosen = "test_accuracy or invoke and threads1 and int8"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--benchmark", "-q", "-k", chosen),
            *(f"--data={tmp_path / 'data'}", f"--benchmark-card={card}"),
        ],
        cwd=ROOT,
        env={**_ENVIRONMENT, "MINIVGG_PAUSE": str(tmp_path / "none" / "pause")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert f"{card}: not written, the run was broken off or failed" in run.stdout
    assert card.read_text() == "the whole of an earlier run"
