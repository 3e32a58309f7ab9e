"""What all commands of the desk share: exit codes, and errors as one line without a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from minivgg_edge.errors import MinivggEdgeError

EXIT_DONE = 0
EXIT_GATE_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_ENOUGH_EVIDENCE = 3
# What a shell reports for a program that ended by SIGINT or SIGPIPE: 128 + the signal's number.
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def run_command(
    main: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None
) -> int:
    """Run a command's `main` and turn what it raises into one line on stderr and an exit code.

    Args:
        main: takes the arguments (None: those of the process) and returns the exit code.
        arguments: passed on to `main`.

    Returns:
        What `main` returned; 2 after a `MinivggEdgeError` or an `OSError` (a missing file, a full
        disk), 130 after Ctrl-C, 141 when nobody reads stdout any more. A usage error leaves
        through argparse's own `SystemExit(2)`.
    """
    try:
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
    except (MinivggEdgeError, OSError) as error:
        print(f"error: {error_line(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT


def error_line(error: BaseException) -> str:
    """Return the message of `error` as one line; an `OSError` as `file: reason`."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
        if error.filename is not None:
            text = f"{os.fsdecode(os.fspath(error.filename))}: {text}"
    return " ".join(text.split())
