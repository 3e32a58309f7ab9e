"""Python code in a child process: what it says, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minivgg_edge import child_process
from minivgg_edge.child_process import run_python


def test_arguments_and_standard_input_arrive() -> None:
    code = "print(sys.argv[1:], sys.stdin.buffer.read())"
    run = run_python(code, "--x", "a b", stdin=b"\xff\n")
    assert run.problem is None
    assert run.stdout.strip() == str(["--x", "a b"]) + " " + repr(b"\xff\n")


def test_standard_input_is_empty_otherwise() -> None:
    assert run_python("print(sys.stdin.read() == '')").stdout.strip() == "True"


def test_what_is_no_text_is_replaced() -> None:
    run = run_python("sys.stdout.buffer.write(b'a\\xffb')")
    assert run.stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_a_child_that_reads_nothing_and_crashes() -> None:
    run = run_python("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", stdin=b"x" * 2**20)
    assert run.problem is not None
    assert run.problem.startswith("was ended by signal 7 (SIGBUS: ")


def test_an_exception_is_its_last_line() -> None:
    assert run_python("1 / 0").problem == (
        "ended with exit code 1: ZeroDivisionError: division by zero"
    )


def test_of_a_child_that_hangs_is_kept_what_it_said() -> None:
    code = "import time; print('so far', flush=True); time.sleep(60)"
    run = run_python(code, timeout_s=3.0)
    assert run.problem == "gave no answer within 3 s"
    assert run.stdout.strip() == "so far"


@pytest.mark.parametrize("seconds", [0.0, -1.0, 86_401.0, float("inf"), float("nan")])
def test_a_time_that_no_system_waits_for_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="timeout_s: expected seconds above 0, at most 86,400"):
        run_python("", timeout_s=seconds)


def test_it_finds_what_this_process_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_here.py").write_text("print('found')\n")
    assert run_python("import found_here").problem is not None
    monkeypatch.syspath_prepend(tmp_path)
    assert run_python("import found_here").stdout.strip() == "found"


def test_it_finds_the_package_that_this_process_found_in_its_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = str(Path(child_process.__file__).parents[1])
    # As after `python` in the folder that holds the package.
    others = [entry for entry in sys.path if entry not in ("", root)]
    monkeypatch.setattr(sys, "path", ["", *others])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "not_ours.py").write_text("")
    code = "import minivgg_edge; print(minivgg_edge.__file__)"
    assert run_python(code).stdout.strip() == str(Path(root, "minivgg_edge", "__init__.py"))
    assert run_python("import not_ours").problem is not None


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="needs alarms")
def test_a_child_does_not_outlive_a_parent_that_was_killed() -> None:
    child = "import os, time; print(os.getpid(), file=sys.stderr, flush=True); time.sleep(60)"
    # Its standard error is the test's, so that the parent need not end to hand it on.
    parent = (
        "import subprocess\n"
        "from minivgg_edge import child_process\n"
        "run = subprocess.run\n"
        "def passing(command, input, capture_output, timeout):\n"
        "    return run(command, input=input, stdout=subprocess.PIPE, timeout=60)\n"
        "child_process.subprocess.run = passing\n"
        f"child_process.run_python({child!r}, timeout_s=2.0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert int(process.stderr.readline()) != process.pid  # it runs
        process.kill()
        # The end of the stream is the end of all who hold it, the child too.
        started = time.monotonic()
        assert process.stderr.read() == ""
    assert time.monotonic() - started < 30.0


def test_children_write_bytecode_where_this_process_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "print(sys.dont_write_bytecode, sys.pycache_prefix)"
    for wanted, prefix in ((True, None), (False, str(tmp_path)), (False, None)):
        monkeypatch.setattr(sys, "dont_write_bytecode", wanted)
        monkeypatch.setattr(sys, "pycache_prefix", prefix)
        assert run_python(code).stdout.split() == [str(wanted), str(prefix)]
