"""One engine with one model in a process of its own, which answers requests.

Run by path (`python worker.py`), so that it needs nothing but numpy and its engine. A request is a
JSON object on one line of stdin, its answer a JSON object on one line of stdout; the first line is
sent unasked, once numpy is there. Any exception ends the process with a traceback on stderr.

| request | answer |
|---|---|
| `{"do": "load", "engine", "path", "num_threads", "picture"}` | `version`, `load_ms`, `first_ms` |
| `{"do": "invoke", "count", "warmup"}` | `ns`: a list of `count` times |
| `{"do": "classify", "pictures", "scores"}` | `count`; scores are written as `.npy` |
| `{"do": "memory"}` | `steady_rss_bytes`, `peak_rss_bytes`, or null |

`picture` and `pictures` are `.npy` files, uint8 (n, H, W, 3).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import engines  # by path: the folder of this file is the first on sys.path
import numpy as np

Answer = dict[str, Any]


class Worker:
    """The requests of one process; `load` has to be the first."""

    def __init__(self) -> None:
        self._engine: engines.Engine

    def load(self, request: Answer) -> Answer:
        """Load the model and run it once on the first of the pictures."""
        # Mapped: reading all pictures would leave its mark on the resident memory.
        picture = np.array(np.load(request["picture"], mmap_mode="r")[0])
        started = time.perf_counter_ns()
        self._engine = engines.load(request["engine"], request["path"], request["num_threads"])
        loaded = time.perf_counter_ns()
        self._engine.run(picture)
        done = time.perf_counter_ns()
        return {
            "version": self._engine.version,
            "load_ms": (loaded - started) / 1e6,
            "first_ms": (done - loaded) / 1e6,
        }

    def invoke(self, request: Answer) -> Answer:
        """Time bare inferences, one by one."""
        invoke, clock = self._engine.invoke, time.perf_counter_ns
        for _ in range(request["warmup"]):
            invoke()
        times = []
        for _ in range(request["count"]):
            started = clock()
            invoke()
            times.append(clock() - started)
        return {"ns": times}

    def classify(self, request: Answer) -> Answer:
        """Write float32 (n, classes) scores of the pictures."""
        pictures = np.load(request["pictures"], mmap_mode="r")
        scores = np.stack([self._engine.run(np.asarray(picture)) for picture in pictures])
        np.save(request["scores"], scores.astype(np.float32))
        return {"count": len(scores)}

    def memory(self, request: Answer) -> Answer:
        """Resident memory now and at its highest, in bytes; null where the system does not say."""
        return resident_memory()


def resident_memory(status: Path = Path("/proc/self/status")) -> Answer:
    """Read `VmRSS` and `VmHWM`, which the kernel gives in KiB."""
    found: dict[str, int] = {}
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM"):
                found[name] = 1024 * int(value.split()[0])
    return {"steady_rss_bytes": found.get("VmRSS"), "peak_rss_bytes": found.get("VmHWM")}


def main() -> int:
    """Answer until stdin ends."""
    # Engines print on stdout; the answers go where nothing else writes.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    actions = {
        "load": worker.load,
        "invoke": worker.invoke,
        "classify": worker.classify,
        "memory": worker.memory,
    }
    baseline = resident_memory()["steady_rss_bytes"]
    hello = {"baseline_rss_bytes": baseline, "numpy": np.__version__}
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(actions[request["do"]](request)), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
