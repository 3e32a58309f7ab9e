"""What all commands of the desk share: exit codes, and errors as one line without a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from minivgg_edge.errors import MinivggEdgeError

EXIT_DONE = 0
EXIT_GATE_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_ENOUGH_EVIDENCE = 3
# What a shell reports for a program that ended by SIGPIPE: 128 + the signal's number.
EXIT_BROKEN_PIPE = 141
# Sent by Ctrl-C, by `kill`, by a system that shuts down, and by a terminal that goes away.
_ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class _EndedError(BaseException):
    """A signal asked the program to end; not an `Exception`, so that nothing swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


def run_command(
    main: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None
) -> int:
    """Run a command's `main` and turn what it raises into one line on stderr and an exit code.

    What the encoding of stdout cannot show is escaped from now on, as Python does for stderr.

    Args:
        main: takes the arguments (None: those of the process) and returns the exit code.
        arguments: passed on to `main`.

    Returns:
        What `main` returned; 2 after a `MinivggEdgeError` or an `OSError` (a missing file, a full
        disk), 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP (unless it is ignored, as
        under `nohup`), 141 when nobody reads stdout any more. A usage error leaves through
        argparse's own `SystemExit(2)`.
    """
    received: list[int] = []
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files and classes come from anywhere, also in bytes that are not UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _unwinding_at_signals(received):
            code = main(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes stdout once more at exit; that must not complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return _ended_by(signal.SIGINT)
    except _EndedError as ended:
        return _ended_by(ended.number)
    except Exception as error:
        # Native code that calls Python may drop what a signal raises, and fail over it afterwards.
        if received:
            return _ended_by(received[0])
        if not isinstance(error, MinivggEdgeError | OSError):
            raise
        print(f"error: {error_line(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT


def _ended_by(number: int) -> int:
    """Say which signal ended the command; return the exit code."""
    name = signal.Signals(number).name
    print("interrupted" if name == "SIGINT" else f"ended by {name}", file=sys.stderr)
    return 128 + number


@contextlib.contextmanager
def _unwinding_at_signals(received: list[int]) -> Iterator[None]:
    """Let signals unwind the program as Ctrl-C does: no temporary file is left behind.

    Args:
        received: the numbers of those that come are added to it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else _EndedError(number)

    numbers = [getattr(signal, name) for name in _ENDING_SIGNALS if hasattr(signal, name)]
    # Those that are ignored stay so, as SIGHUP is under `nohup`.
    previous = {number: signal.getsignal(number) for number in numbers}
    usual = (signal.SIG_DFL, signal.default_int_handler)
    replaced = {number: handler for number, handler in previous.items() if handler in usual}
    for number in replaced:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def error_line(error: BaseException) -> str:
    """Return the message of `error` as one line; an `OSError` as `file: reason`."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
        if error.filename is not None:
            text = f"{os.fsdecode(os.fspath(error.filename))}: {text}"
    return " ".join(text.split())
