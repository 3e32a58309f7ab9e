"""What all commands of the desk share: exit codes, and errors as one line without a traceback."""

from __future__ import annotations

import contextlib
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
# What a shell reports for a program that ended by a signal: 128 + the signal's number.
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
# Sent by `kill`, by a system that shuts down, and by a terminal that goes away.
_ENDING_SIGNALS = ("SIGTERM", "SIGHUP")


class _EndedError(BaseException):
    """A signal asked the program to end; not an `Exception`, so that nothing swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def run_command(
    main: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None
) -> int:
    """Run a command's `main` and turn what it raises into one line on stderr and an exit code.

    Args:
        main: takes the arguments (None: those of the process) and returns the exit code.
        arguments: passed on to `main`.

    Returns:
        What `main` returned; 2 after a `MinivggEdgeError` or an `OSError` (a missing file, a full
        disk), 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP (unless it is ignored, as
        under `nohup`), 141 when nobody reads stdout any more. A usage error leaves through
        argparse's own `SystemExit(2)`.
    """
    try:
        with _unwinding_at_signals():
            code = main(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes stdout once more at exit; that must not complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except _EndedError as ended:
        print(ended, file=sys.stderr)
        return ended.exit_code
    except (MinivggEdgeError, OSError) as error:
        print(f"error: {error_line(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT


@contextlib.contextmanager
def _unwinding_at_signals() -> Iterator[None]:
    """Let signals unwind the program as Ctrl-C does: no temporary file is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise _EndedError(number)

    numbers = [getattr(signal, name) for name in _ENDING_SIGNALS if hasattr(signal, name)]
    untouched = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in untouched:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in untouched:
            signal.signal(number, signal.SIG_DFL)


def error_line(error: BaseException) -> str:
    """Return the message of `error` as one line; an `OSError` as `file: reason`."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
        if error.filename is not None:
            text = f"{os.fsdecode(os.fspath(error.filename))}: {text}"
    return " ".join(text.split())
