"""Programs that the lane runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

from benchmarks.arm.errors import LaneError

_TAIL = 2000  # characters of a failed program's messages


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: The program and its arguments.
        environment: What is added to this process's environment.
        stdin: Where its input comes from; None is nothing.

    Raises:
        LaneError: It is not there or it failed; the end of what it said is in the message.
    """
    try:
        found = subprocess.run(  # noqa: S603
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise LaneError(f"expected the program {command[0]}, got none on PATH") from None
    if found.returncode:
        said = (found.stderr or found.stdout).strip()[-_TAIL:]
        raise LaneError(f"{' '.join(command[:4])} ... ended with {found.returncode}: {said}")
    return found.stdout
