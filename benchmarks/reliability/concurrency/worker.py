"""One case, in the Python of the runtime that is looked at.

One JSON object as argument: `case` (a name of `CASES`), `count` (calls, turns or children of it),
`pictures` (an ``.npy`` file). The answer, as JSON: the fields of `Outcome`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.reliability.concurrency import files, processes, threads
from benchmarks.reliability.known_answers import known_answers

CASES = {**threads.CASES, **processes.CASES, **files.CASES}
_KNOWN = 200  # pictures


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Run one case; see the module's docstring."""
    known = known_answers(Path(options["pictures"]), _KNOWN)
    return CASES[options["case"]](known, options["count"]).to_dict()


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
