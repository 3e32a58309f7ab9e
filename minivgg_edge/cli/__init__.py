"""The command line ``minivgg-edge``: finds the command, runs it, turns errors into exit codes.

Each command is one module with ``add_arguments(parser)`` and ``run(arguments) -> int``. Only the
module of the command that was called is imported: on a Raspberry Pi every import is felt.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from minivgg_edge import __version__
from minivgg_edge.cli.terminal import OutputError, complain, flush, flush_or_discard
from minivgg_edge.errors import MinivggEdgeError

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, what a shell reports for Ctrl-C
OUTPUT_CLOSED = 141  # 128 + SIGPIPE, what a shell reports for `| head`

COMMANDS = {
    "classify": "say what is in pictures",
    "evaluate": "measure the accuracy on a folder of labeled pictures",
    "info": "show what a model says about itself",
    "models": "list the installed models",
    "bench": "measure latency, cold start and memory on this machine",
    "doctor": "say whether this machine fits, and what to type next",
    "self-test": "say whether the model answers here as it did at the desk",
}
"""Command to its line of help; the module of the same name in this package does the work."""

_EPILOG = """\
exit codes:
  0    done
  1    done, but with a result that does not count (bench), or a check failed (doctor, self-test),
       or a model is broken (models)
  2    bad usage, or something is wrong with the input; standard error names it
  130  interrupted (Ctrl-C)
  141  the reader of the output went away, as in `| head`
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments after the program's name; those of the process by default.

    Returns:
        The exit code: 0 done, 2 bad usage or input or a package that cannot be imported, 130
        interrupted, 141 the reader of the output went away.
    """
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        # Here, not at the interpreter's exit: a full disk behind standard output is an error.
        flush()
    except MinivggEdgeError as error:
        complain(str(error))
        code = BAD_INPUT
    except ImportError as error:  # numpy, mostly; doctor explains it, and runs without it
        from minivgg_edge.import_failure import import_reason

        complain(f"{import_reason(error)}; run: minivgg-edge doctor")
        code = BAD_INPUT
    except MemoryError as error:  # numpy's says how much it asked for
        complain(f"not enough memory{f': {error}' if str(error) else ''}")
        code = BAD_INPUT
    except KeyboardInterrupt:
        complain("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        code = OUTPUT_CLOSED
    except OSError as error:
        complain(_reason(error))
        code = BAD_INPUT
    flush_or_discard()
    return code


def _run(argv: Sequence[str]) -> int:
    # The program's own options take no value, so the first other word is the command.
    command = next((word for word in argv if not word.startswith("-")), None)
    parser, module = _build_parser(command)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse after --help and --version (0) and bad usage (2)
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if module is None:
        parser.print_help()
        return BAD_INPUT
    code: int = module.run(arguments)
    return code


def _build_parser(command: str | None) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    """Build the parser; only the called command's module is imported and adds its arguments."""
    parser = argparse.ArgumentParser(
        prog="minivgg-edge",
        description="Classify pictures with a compiled int8 MiniVGG.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"minivgg-edge {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    module = None
    for name, summary in COMMANDS.items():
        subparser = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == command:
            module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
            module.add_arguments(subparser)
    return parser, module


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    if isinstance(error, OutputError):
        return f"cannot write the output: {reason}"
    if error.filename is None:
        return f"the system says: {reason}"
    return f"{os.fsdecode(error.filename)!r}: {reason}"
