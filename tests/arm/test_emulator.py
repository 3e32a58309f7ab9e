"""Counts of programs whose length is known, on an emulated Raspberry Pi 5."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.arm.boards import BOOKWORM, PI5
from benchmarks.arm.emulator import Emulator
from benchmarks.arm.errors import LaneError
from benchmarks.arm.measurement import Rounds, bare_cost, operator_costs, package_cost

LOOP = """
import os, sys
def work(n):
    total = 0
    for i in range(n):
        total = i
work(1000)
os.getppid()
work(int(sys.argv[1]))
os.getppid()
work(2 * int(sys.argv[1]))
os.getppid()
"""


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.py"
    path.write_text(LOOP)
    return path


def test_twice_the_work_takes_twice_the_instructions(pi5, loop: Path) -> None:
    counts = pi5.emulator.count(loop, "100000")
    _, once, twice, _ = counts.phases
    assert once > 100_000
    assert twice / once == pytest.approx(2.0, rel=0.1)


def test_counts_repeat(pi5, loop: Path) -> None:
    first, second = (pi5.emulator.count(loop, "10000").phases[1:3] for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one == pytest.approx(other, rel=0.001)


def test_blocks_add_up_to_the_count(pi5, loop: Path, tmp_path: Path) -> None:
    blocks = tmp_path / "blocks"
    counts = pi5.emulator.count(loop, "10000", blocks=blocks, between=(0, 1))
    lines = [line.split() for line in blocks.read_text().splitlines()]
    assert sum(int(line[0]) * len(line[2:]) for line in lines) == counts.phases[1]


def test_it_is_the_board_that_it_says(pi5, tmp_path: Path) -> None:
    script = tmp_path / "board.py"
    script.write_text(
        "import platform, sys\n"
        "print(platform.machine(), '%d.%d' % sys.version_info[:2])\n"
        "print(open('/proc/cpuinfo').read())\n"
    )
    printed = pi5.emulator.run(script)
    assert printed.splitlines()[0] == f"aarch64 {PI5.system.python}"
    assert printed.count("CPU part\t: 0xd0b") == 4
    assert "asimddp" in printed


def test_the_board_with_another_system_leaves_it_alone(pi5, tmp_path: Path) -> None:
    (tmp_path / "root" / "usr").mkdir(parents=True)
    other = replace(pi5.sysroot, system=BOOKWORM, root=tmp_path / "root")
    Emulator(PI5, other, work=pi5.work)
    script = tmp_path / "hello.py"
    script.write_text("print('still here')")
    assert pi5.emulator.run(script) == "still here\n"


def test_the_package_is_the_built_wheel(pi5, tmp_path: Path) -> None:
    script = tmp_path / "package.py"
    script.write_text("import minivgg_edge; print(minivgg_edge.__file__)")
    assert pi5.emulator.run(script).startswith(str(pi5.site.resolve()))


def test_a_failing_program_is_an_error_with_its_words(pi5, tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("raise SystemExit('no such sensor')")
    with pytest.raises(LaneError, match="no such sensor"):
        pi5.emulator.run(script)


def test_operators_sum_to_the_inference(pi5, int8_model) -> None:
    rounds = Rounds(warmup=3, calls=5)
    operators = operator_costs(int8_model, pi5.emulator, rounds)
    whole = bare_cost(int8_model, pi5.emulator, rounds, picture=pi5.picture).steady
    assert sum(operator.instructions for operator in operators) == pytest.approx(whole, rel=0.03)
    assert all(operator.instructions > 0 for operator in operators)


def test_the_promises_about_cost(pi5, int8_model, tmp_path: Path) -> None:
    """`classify` at most 1.02 of a bare inference, a cold start at most 1.10 of a bare one."""
    from PIL import Image

    png = tmp_path / "camera.png"
    Image.new("RGB", (64, 48), "teal").save(png)
    cost = package_cost(int8_model, pi5.emulator, Rounds(), picture=pi5.picture, png=png)
    assert cost.classify is not None
    assert cost.cold_start is not None
    assert cost.cold_start_bare is not None
    assert cost.classify <= 1.02 * cost.steady
    assert cost.cold_start <= 1.10 * cost.cold_start_bare
