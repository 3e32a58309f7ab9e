"""Exit codes and error lines, the silence of native code, text tables."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

import convert.command
from convert.command import error_line, run_command
from convert.errors import DataError
from convert.quiet import quiet
from convert.report.text import percent, size, table

_ROOT = Path(convert.command.__file__).resolve().parent.parent


def test_the_code_of_main_is_returned() -> None:
    seen: list[Sequence[str] | None] = []

    def main(arguments: Sequence[str] | None) -> int:
        seen.append(arguments)
        return 3

    assert run_command(main, ["--x"]) == 3
    assert seen == [["--x"]]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            DataError("x.png: expected a picture,\n  got text"),
            "x.png: expected a picture, got text",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "a b"), "a b: No such file"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", b"raw"), "raw: Permission denied"),
        (OSError("only words"), "only words"),
    ],
)
def test_an_error_is_one_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(arguments: Sequence[str] | None) -> int:
        raise error

    assert run_command(main, []) == 2
    assert capsys.readouterr() == ("", f"error: {line}\n")
    assert error_line(error) == line


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_what_stdout_cannot_show_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a file need not be UTF-8, nor the terminal."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    def main(arguments: Sequence[str] | None) -> int:
        print("K\xe4fer \udce4")
        return 0

    assert run_command(main, []) == 0
    shown = {"ascii": b"K\\xe4fer \\udce4\n", "utf-8": b"K\xc3\xa4fer \\udce4\n"}
    assert written.getvalue() == shown[encoding]


def test_a_mistake_of_ours_is_not_hidden() -> None:
    def main(arguments: Sequence[str] | None) -> int:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run_command(main, [])


def test_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    def main(arguments: Sequence[str] | None) -> int:
        raise KeyboardInterrupt

    assert run_command(main, []) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_nobody_reads_the_output() -> None:
    program = (
        "import sys\n"
        "from convert.command import run_command\n"
        "def main(arguments):\n"
        "    for _ in range(100000): print('x' * 100)\n"
        "    return 0\n"
        "sys.exit(run_command(main))\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


def test_quiet_keeps_every_kind_of_output(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet() as captured:
        print("from Python")
        print("an error from Python", file=sys.stderr)
        os.write(1, b"from native code\n")
        os.write(2, b"an error from native code\n")
        warnings.warn("a warning", stacklevel=1)
    print("after")
    assert capfd.readouterr() == ("after\n", "")
    for words in ("from Python", "an error from Python", "native code", "an error from native"):
        assert words in captured.text


def test_quiet_lets_exceptions_through(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        print("unseen")
        raise RuntimeError("seen")

    with quiet() as captured, pytest.raises(RuntimeError, match="seen"):
        fail()
    assert captured.text == "unseen\n"
    with pytest.raises(RuntimeError, match="seen"), quiet():
        fail()
    print("after", flush=True)
    assert capfd.readouterr().out == "after\n"


def test_a_table() -> None:
    text = table(["name", "n"], [["a", "10"], ["long", "1"]], indent="  ")
    assert text.splitlines() == ["  name   n", "  ----  --", "  a     10", "  long   1"]
    with pytest.raises(ValueError, match="rows of 2 columns"):
        table(["name", "n"], [["a"]])


def test_a_table_of_wide_letters() -> None:
    """A terminal gives two columns to each of them, and none to an accent of its own."""
    rows = [["\u732b", "1"], ["Ka\u0308fer", "12"]]
    assert table(["class", "n"], rows).splitlines() == [
        "class   n",
        "-----  --",
        "\u732b      1",
        "Ka\u0308fer  12",
    ]


def test_numbers() -> None:
    assert percent(0.12345) == "12.35 %"
    assert percent(1.0, 0) == "100 %"
    assert percent(None) == percent(float("nan")) == "-"
    assert [size(n) for n in (12, 2_246_000, 3_000_000_000)] == ["12 B", "2.2 MB", "3.0 GB"]
