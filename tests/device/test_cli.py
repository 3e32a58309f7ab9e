"""The frame of the command line: exit codes, no traceback, streams that go away, lazy imports."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minivgg_edge
from minivgg_edge import cli
from minivgg_edge.cli import terminal
from minivgg_edge.errors import ModelFileError

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


# With unbuffered streams argparse itself swallows a failed write of its help.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def call(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "minivgg_edge", *arguments],
        **{"capture_output": True, "text": True, "timeout": 60, "env": BUFFERED, **options},
    )


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert {*cli.COMMANDS} <= {*text.split()}
    codes = re.findall(r"^  (\d+) ", text.partition("exit codes:\n")[2], re.MULTILINE)
    assert codes == ["0", "1", "2", "130", "141"]
    assert text.isascii()


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_help_of_each_command_documents_json(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: minivgg-edge {command} ")
    assert "--json prints one JSON object" in text
    assert text.isascii()  # a terminal in the C locale can show it
    assert max(map(len, text.splitlines())) <= 100


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"minivgg-edge {minivgg_edge.__version__}\n"


def test_no_command_shows_the_help_and_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "commands:" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["dance"], ["classify"], ["info", "--nonsense"], ["-x"]])
def test_bad_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.main(arguments) == 2
    assert "error:" in capsys.readouterr().err


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail(_argv: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    return cli.main(["info"])


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ModelFileError("'x': damaged"), 2, "minivgg-edge: error: 'x': damaged\n"),
        (
            ModelFileError("folder of .\nfake line \x1b[31mred files"),
            2,
            "minivgg-edge: error: folder of .\\nfake line \\x1b[31mred files\n",
        ),
        (KeyboardInterrupt(), 130, "minivgg-edge: error: interrupted\n"),
        (MemoryError(), 2, "minivgg-edge: error: not enough memory\n"),
        (MemoryError("of 74 GiB"), 2, "minivgg-edge: error: not enough memory: of 74 GiB\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (
            PermissionError(errno.EACCES, "Permission denied", "a\x1b[2Jb"),
            2,
            "minivgg-edge: error: 'a\\x1b[2Jb': Permission denied\n",
        ),
        (
            terminal.OutputError(errno.ENOSPC, "No space left on device"),
            2,
            "minivgg-edge: error: cannot write the output: No space left on device\n",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            2,
            "minivgg-edge: error: the system says: Too many open files\n",
        ),
        (
            ModuleNotFoundError("No module named 'numpy'"),
            2,
            "minivgg-edge: error: No module named 'numpy'; run: minivgg-edge doctor\n",
        ),
        (OSError("odd"), 2, "minivgg-edge: error: the system says: odd\n"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    message: str,
) -> None:
    assert fail_with(error, monkeypatch) == code
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), OSError("odd")])
def test_what_standard_output_raises_is_marked(
    monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    class Refusing(io.StringIO):
        def flush(self) -> None:
            raise error

    monkeypatch.setattr(sys, "stdout", Refusing())
    for write in (terminal.say, terminal.flush):
        with pytest.raises(terminal.OutputError) as caught:
            write()
        assert caught.value.strerror == (error.strerror or "odd")


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_with(ZeroDivisionError(), monkeypatch)


@pytest.mark.parametrize("command", sorted(set(cli.COMMANDS) - {"doctor"}))
def test_a_numpy_that_cannot_be_imported_is_one_line(tmp_path: Path, command: str) -> None:
    advice = "IMPORTANT: PLEASE READ THIS!\n\n" + "A page of advice.\n" * 50
    reason = "libopenblas.so.0: cannot open shared object file"
    text = f"{advice}\nOriginal error was: {reason}\n"
    (tmp_path / "numpy.py").write_text(f"raise ImportError({text!r})\n")
    child = call(command, env={**BUFFERED, "PYTHONPATH": str(tmp_path)})
    assert child.returncode == 2
    assert child.stderr == f"minivgg-edge: error: {reason}; run: minivgg-edge doctor\n"


@POSIX
@pytest.mark.parametrize("arguments", [["info"], ["--help"]])
def test_full_disk_behind_standard_output(arguments: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        child = call(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert child.returncode == 2
    assert child.stderr == (
        "minivgg-edge: error: cannot write the output: No space left on device\n"
    )


@POSIX
def test_reader_that_went_away_is_no_message() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = call("info", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert child.returncode == 141
    assert child.stderr == ""


@POSIX
def test_nobody_reads_standard_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = call("classify", "missing.png", capture_output=False, stderr=writer)
    os.close(writer)
    assert child.returncode == 2


@POSIX
def test_closed_standard_output_is_no_traceback() -> None:
    child = subprocess.run(
        ["sh", "-c", '"$1" -m minivgg_edge info >&-', "sh", sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0
    assert child.stderr == ""


def test_only_the_called_command_is_imported() -> None:
    script = (
        "import sys\n"
        "from minivgg_edge.cli import main\n"
        "main(['--version'])\n"
        "main(['classify', '--help'])\n"
        "print(*sorted(n for n in sys.modules if n.startswith('minivgg_edge.cli.')))\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = child.stdout.splitlines()[-1].split()
    assert "minivgg_edge.cli.classify" in loaded
    assert not {"minivgg_edge.cli.evaluate", "minivgg_edge.cli.info"} & set(loaded)


def test_output_in_an_encoding_that_lacks_the_letters(tmp_path: Path) -> None:
    child = call("evaluate", str(tmp_path / "Käfer"), env={**BUFFERED, "PYTHONIOENCODING": "ascii"})
    assert child.returncode == 2
    assert "K\\xe4fer" in child.stderr
    assert "Traceback" not in child.stderr


def test_say_escapes_what_the_encoding_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    terminal.say("Käfer")
    assert raw.getvalue() == b"K\\xe4fer\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat 1.png", "cat 1.png"),
        ("Käfer 猫", "Käfer 猫"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff.png", "\\udcff.png"),  # a byte of a file name that is not UTF-8
        ("\u202egnp.exe", "\\u202egnp.exe"),  # would show the rest from right to left
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert terminal.printable(text) == shown


def test_display_width() -> None:
    assert terminal.display_width("cat") == 3
    assert terminal.display_width("猫") == 2
    assert terminal.display_width("e\u0301") == 1


def test_table_aligns_by_columns_of_the_terminal() -> None:
    rows = [["class", "n"], ["猫", "7"], ["dog", "1,000"]]
    assert terminal.table(rows, "lr", indent=1) == [
        " class      n",
        " 猫         7",
        " dog    1,000",
    ]


def test_percent() -> None:
    assert terminal.percent(0.97265625) == "97.3 %"
    assert terminal.percent(0.5, 2) == "50.00 %"
    assert terminal.percent(float("nan")) == "-"
