"""The parent's end of a worker: a case out, its outcome in, whatever the worker dies of."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.reliability.runtimes import WorkerError
from minivgg_edge.child_process import how_it_ended

WORKER_FILE = Path(__file__).resolve().with_name("worker.py")
_START_TIMEOUT_S = 120.0
_LONGEST_WORDS = 300


class Worker:
    """A process that runs cases, started again after each one that ended it.

    Attributes:
        hello: what it said of its environment: `runtime`, `pillow`, `package`.
        starts: how often it was started.
    """

    def __init__(
        self,
        python: Path,
        *,
        timeout_s: float,
        memory_bytes: int = 0,
        program: Path = WORKER_FILE,
    ) -> None:
        """Start it.

        Args:
            python: interpreter of an environment with the device package.
            timeout_s: how long one case may take.
            memory_bytes: address space it may take beyond that of its start; 0 is no limit.
            program: what it runs.

        Raises:
            WorkerError: it does not start.
        """
        self._command = [os.fspath(python), "-I", os.fspath(program), str(memory_bytes)]
        self._timeout_s = timeout_s
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.hello = self._start()
        except WorkerError:
            self.close()
            raise

    def run(self, task: str, path: Path) -> dict[str, Any]:
        """Run one case.

        Returns:
            What the worker answered, or {"outcome": "crash" or "hang", "message": ...}.

        Raises:
            WorkerError: the worker had ended, and does not start again.
        """
        if self._process is None:
            self._start()
        request = json.dumps({"task": task, "path": os.fspath(path)}) + "\n"
        try:
            self._stdin().write(request.encode("ascii"))
            self._stdin().flush()
        except BrokenPipeError:
            return self._died()
        line = self._line(self._timeout_s)
        if line is None:
            self._end()
            return {"outcome": "hang", "message": f"no answer within {self._timeout_s:g} s"}
        if not line.endswith(b"\n"):
            return self._died()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._end()
        self._messages.close()

    def __enter__(self) -> Worker:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _start(self) -> dict[str, Any]:
        self._messages.seek(0)
        self._messages.truncate()
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._messages
        )
        self.starts += 1
        line = self._line(_START_TIMEOUT_S)
        if not line:
            raise WorkerError(f"the worker does not start: {self._died()['message']}")
        hello: dict[str, Any] = json.loads(line)
        return hello

    def _line(self, timeout_s: float) -> bytes | None:
        """Return the next line, what came before the end of the process, or None for silence."""
        stdout = self._running().stdout
        if stdout is None:
            raise RuntimeError("the worker has no stdout")
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            # A worker writes a line at once; what has begun to come comes.
            return stdout.readline() if selector.select(timeout_s) else None

    def _died(self) -> dict[str, Any]:
        """Return how the process ended by itself."""
        process = self._running()
        code = process.wait()
        self._end()
        self._messages.seek(0)
        words = self._messages.read().decode("utf-8", errors="replace").strip()
        how = f"the worker {how_it_ended(code)}"
        message = f"{how}: {words[-_LONGEST_WORDS:]}" if words else how
        return {"outcome": "crash", "message": " ".join(message.split())}

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the worker is not running")
        return self._process

    def _stdin(self) -> Any:
        return self._running().stdin
