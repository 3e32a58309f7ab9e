"""Children that are forked with TensorFlow imported: one begins in milliseconds, not seconds.

The parent imports it, and never uses it: a fork does not copy the threads that it would start.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 300.0
_CRASHED = 99
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code, or the negative number of the signal that killed it.
        output: what it wrote to stdout and stderr.
    """

    code: int
    output: str


class ChildHungError(Exception):
    """A child did not end in time."""


def import_desk() -> None:
    """Import what the desk's commands use, so that children need not."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from convert.quiet import quiet

    with quiet():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401

        import convert.int8.compile_model
        import convert.int8.float_model
        import convert.int8.inputs
        import convert.training.loop
        import convert.training.results  # noqa: F401


def start(action: Callable[[], int], log: Path) -> int:
    """Fork a child that runs `action` and exits with what it returns; returns its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal that comes before the child is what it shall be waits until it is.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING_SIGNALS)
        return pid
    code = _CRASHED
    try:
        write_into(log)
        heed_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING_SIGNALS)
        code = action()
    except BaseException as error:
        # All of it: the child must end here, and not run the parent's program to its end.
        if isinstance(error, KeyboardInterrupt) and not _in_command(error):
            _die_by(signal.SIGINT)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _in_command(error: BaseException) -> bool:
    """Whether it came while a command ran, and not before it had begun or after its end."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_name == "run_command" for frame, _ in frames)


def _die_by(number: int) -> None:
    """End as Python does when nothing handles the signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def heed_signals() -> None:
    """Let signals act on this process and its children as on a program in the foreground.

    A shell lets what it starts in the background ignore SIGINT, and children inherit that: nothing
    would be interrupted, and every attempt would pass. The parent is a command itself, and what it
    does at SIGTERM would be inherited too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def write_into(log: Path) -> None:
    """Let all that this process prints go to a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    # Anew: the parent may have put something else in their place.
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", closefd=False) for stream in (1, 2))


def kill_after(pid: int, delay_s: float, number: int = signal.SIGKILL) -> None:
    """Send a signal unless the child ends before."""
    if not _has_ended(pid, delay_s):
        os.kill(pid, number)


def finish(pid: int, log: Path) -> Ended:
    """Wait for a child.

    Raises:
        ChildHungError: it does not end; it is killed.
    """
    if not _has_ended(pid, _TIMEOUT_S):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise ChildHungError(f"a child did not end within {_TIMEOUT_S:g} s")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Ended(code, log.read_text(errors="replace") if log.exists() else "")


def run(action: Callable[[], int], log: Path) -> Ended:
    """Run `action` in a child to its end."""
    return finish(start(action, log), log)


def _has_ended(pid: int, timeout_s: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)
