"""From a folder of photos to a wheel for a Raspberry Pi, in one command.

FOLDER has one folder of pictures per class and is only read. Five steps are done: scan, train,
quantize with its gate, package, report. Each prints the command that does it alone. All results
go to one folder: its page report.html says how good the model is and what it gets wrong.

Run again, it does what is left to do: a killed training goes on where it was; after a change of
the pictures or options, the steps that depend on them are repeated. Pictures that are added leave
the others in their part of the split. What stands behind -- is for convert.train, for example
`-- --size 64 --no-flip`.

Exit codes: 0 done; 1 the compiled model is worse than --max-drop allows, no wheel is made; 2 bad
usage or bad input; 3 done, but there are too few pictures to be sure about the compiled model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from convert.command import EXIT_GATE_FAILED, run_command
from convert.pipeline.arguments import parse_request
from convert.pipeline.closing import closing
from convert.pipeline.run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    request = parse_request(__doc__, sys.argv[1:] if arguments is None else arguments)
    say: Callable[[str], None] = _silent if request.quiet else _say
    code = Run(request, say).run()
    print(
        closing(request, code),
        file=sys.stderr if code == EXIT_GATE_FAILED else sys.stdout,
        flush=True,
    )
    return code


def _say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _silent(text: str) -> None:
    pass


if __name__ == "__main__":
    sys.exit(run_command(main))
