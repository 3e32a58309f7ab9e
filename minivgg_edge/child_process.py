"""Runs Python code in a process of its own, so that a crash of native code becomes a sentence."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# What usually lies behind a signal in native code; the others speak for themselves.
_CAUSES = {
    "SIGILL": "the processor lacks an instruction that the library was compiled for",
    "SIGSEGV": "native code touched memory that is not its own",
    "SIGBUS": "native code touched memory that is not there, or a mapped file was cut off",
    "SIGABRT": "native code gave up",
    "SIGKILL": "often the system, out of memory",
}


_LONGEST_S = 86_400  # a day; systems count the waiting in milliseconds of 32 bits

# A parent that was killed can end nobody who is late: then the system does, be it in native code.
_ALARM = """\
import signal
if hasattr(signal, "alarm"):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm({})
"""


@dataclass(frozen=True, slots=True)
class ChildRun:
    """How a child process ended.

    Attributes:
        stdout: What it printed.
        stderr: Its messages.
        problem: Why it did not end well, as words that follow "the child process"; None if it did.
    """

    stdout: str
    stderr: str
    problem: str | None


def run_python(
    code: str, *arguments: str, stdin: bytes = b"", timeout_s: float = 120.0
) -> ChildRun:
    """Run Python code in a child process that finds the modules which this process finds.

    Args:
        code: The program; its `sys.argv[1:]` are `arguments`.
        arguments: Words for it. A word that no system call takes (a NUL character) is a ValueError.
        stdin: What its standard input holds.
        timeout_s: Seconds after which it is ended, above 0, at most a day.

    Raises:
        OSError: No process can be started.
        ValueError: `timeout_s` is out of range.
    """
    if not 0.0 < timeout_s <= _LONGEST_S:
        raise ValueError(
            f"timeout_s: expected seconds above 0, at most {_LONGEST_S:,}, got {timeout_s:g}"
        )
    try:
        run = subprocess.run(  # noqa: S603
            python_command(_ALARM.format(int(timeout_s) + 1) + code, *arguments),
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        problem = f"gave no answer within {timeout_s:g} s"
        return ChildRun(_text(error.stdout), _text(error.stderr), problem)
    stderr = _text(run.stderr)
    return ChildRun(_text(run.stdout), stderr, _problem(run.returncode, stderr))


def python_command(code: str, *arguments: str) -> list[str]:
    """Return the command that runs Python code in a process which finds what this one finds."""
    # Isolated from the caller's folder and environment, but with its path: packages may lie in
    # the user's own folder, which -I leaves out, or be found by the application's own doing.
    program = f"import sys\nsys.path[:] = {search_path()!r}\n{code}"
    return [*isolated_python(), "-c", program, *arguments]


def isolated_python() -> list[str]:
    """Return Python without the caller's environment, but with what that says of bytecode."""
    if not sys.executable:  # embedded in another program
        raise OSError(errno.ENOENT, "this Python does not know its own program")
    command = [sys.executable, "-I"]
    if sys.dont_write_bytecode:
        command.append("-B")
    if sys.pycache_prefix is not None:
        command += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return command


def search_path() -> list[str]:
    """Return the folders in which another process finds what this one finds.

    Without "", the current folder, which anybody may have filled; but where this very package was
    found there, or by an import hook, its folder stands first.
    """
    path = [entry for entry in sys.path if entry]
    own = str(Path(__file__).parents[1])
    return path if own in path else [own, *path]


def how_it_ended(code: int) -> str:
    """Say how a process with this return code of `subprocess` ended, as after "it"."""
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {_signal(-code)}"


def _text(output: bytes | None) -> str:
    return "" if output is None else output.decode("utf-8", "replace")


def _problem(code: int, stderr: str) -> str | None:
    if code == 0:
        return None
    if code < 0:
        return how_it_ended(code)
    last = (stderr.strip().splitlines() or ["no message"])[-1]
    return f"{how_it_ended(code)}: {last}"


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
    cause = _CAUSES.get(name)
    return f"signal {number} ({name})" if cause is None else f"signal {number} ({name}: {cause})"
