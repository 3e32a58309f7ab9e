"""The parent's end of a worker process: requests out, answers in, with a time limit."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers.errors import PeerUnavailableError
from minivgg_edge.child_process import how_it_ended

WORKER_FILE = Path(__file__).resolve().with_name("worker.py")
_TIMEOUT_S = 300.0
# Of the parent's surroundings, what would reach into the worker's own Python.
_PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")


class WorkerProcess:
    """A process that runs `worker.py`; a context manager that ends it.

    Attributes:
        hello: the worker's first answer: `baseline_rss_bytes` and `numpy`.
    """

    def __init__(self, python: Path, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Start it.

        Args:
            python: the interpreter, of a virtual environment that has numpy and the engine.
            timeout_s: how long one answer may take, in seconds.

        Raises:
            PeerUnavailableError: it does not start.
        """
        self._timeout_s = timeout_s
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        environment = {k: v for k, v in os.environ.items() if k not in _PYTHON_VARIABLES}
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [os.fspath(python), "-s", os.fspath(WORKER_FILE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            encoding="utf-8",
        )
        try:
            self.hello = self._answer()
        except PeerUnavailableError:
            self.close()
            raise

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a request of `worker.py`'s table and wait for its answer.

        Raises:
            PeerUnavailableError: the worker ended or took too long; the reason is its last words.
        """
        stdin = self._process.stdin
        if stdin is None:
            raise RuntimeError("the worker has no stdin")
        try:
            stdin.write(json.dumps({"do": do, **fields}) + "\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise PeerUnavailableError(self._last_words()) from error
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> WorkerProcess:
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

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the worker has no stdout")
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        limit = threading.Timer(self._timeout_s, end)
        limit.start()
        line = stdout.readline()
        limit.cancel()
        if not line:
            if late.is_set():
                raise PeerUnavailableError(f"it gave no answer within {self._timeout_s:g} s")
            raise PeerUnavailableError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """How the process ended: the last line of its stderr, or its exit code."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", errors="replace").split("\n")
        words = [line.strip() for line in lines if line.strip()]
        return words[-1] if words and code >= 0 else f"its process {how_it_ended(code)}"
