"""docs/first-hour.md, typed into emulated boards as it stands.

What is not as on a board stands on the page, under "What is checked".
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from board_shell import BoardShell
from guide_blocks import blocks_for

from benchmarks.arm.boards import BOARDS, PI5, Board
from benchmarks.arm.errors import LaneError
from benchmarks.arm.programs import check_programs
from benchmarks.arm.sysroot import build_sysroot
from benchmarks.arm.wheels import build_wheel

_ROOT = Path(__file__).resolve().parents[2]
_PICTURE = _ROOT / "convert" / "sample" / "pictures" / "ship.png"
_MARK = "== end of block =="


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the page's `scp` brings to the board: the wheel and a picture."""
    return [build_wheel(_ROOT, work=tmp_path_factory.mktemp("wheel")), _PICTURE]


def _shell(board: Board, folder: Path, arm_work: Path) -> BoardShell:
    try:
        check_programs([board], cycles=False)
    except LaneError as error:
        pytest.skip(str(error))
    return BoardShell(board, build_sysroot(board.system, work=arm_work), folder)


def test_the_shell_is_the_boards(arm_work: Path, tmp_path: Path) -> None:
    shell = _shell(PI5, tmp_path, arm_work)
    ran = shell.run(
        "sudo apt install python3-venv\n"
        "python3 -m venv ~/minivgg\n"
        ". ~/minivgg/bin/activate\n"
        "python -c 'import os, sys; print(os.uname().machine, sys.prefix)'\n"
        "python -c 'import numpy'\n"
        "echo never\n"
    )
    assert ran.out == f"{PI5.system.machine} {shell.home / 'minivgg'}\n"
    assert ran.code == 1
    assert "No module named 'numpy'" in ran.err  # though the lane has it in the board's system
    assert shell.asked_of_root == [["apt", "install", "python3-venv"]]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["pi5", "pi4", "pi3-32bit"])
def test_first_hour(name: str, copied: list[Path], arm_work: Path, tmp_path: Path) -> None:
    board = BOARDS[name]
    shell = _shell(board, tmp_path, arm_work)
    for path in copied:
        shutil.copy(path, shell.home)
    blocks = blocks_for(name)
    ran = shell.run("".join(f"{text}echo '{_MARK}'\n" for text, _ in blocks))
    assert ran.code == 0, ran.out[-3000:] + ran.err[-3000:]
    printed = ran.out.split(f"{_MARK}\n")
    assert len(printed) == len(blocks) + 1
    for output, (_, expected) in zip(printed, blocks, strict=False):
        assert expected is None or output.endswith(expected), output
    assert f"{board.system.runtime} " in ran.out  # what doctor found
    assert "passed in" in ran.out  # the self-test's last line
    # All that the page asks of root is apt, and of apt what a system built from Debian has.
    actions = {tuple(words[:2]) for words in shell.asked_of_root}
    assert actions == {("apt", "update"), ("apt", "install")}
    asked = {word for words in shell.asked_of_root for word in words[2:]}
    assert asked - {"python3-venv"} <= set(shell.sysroot.versions)
