"""Runs cases in a worker and sorts their outcomes; what failed is kept with its command."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.reliability.fuzz.environments import Target
from benchmarks.reliability.fuzz.kinds import SUFFIXES, TASKS, Kind, Material, make_case
from benchmarks.reliability.fuzz.process import WORKER_FILE, Worker

REFUSED, ANSWERED, WRONG, CRASH, HANG = "refused", "answered", "wrong", "crash", "hang"
OUTCOMES = (REFUSED, ANSWERED, WRONG, CRASH, HANG)

TIMEOUT_S = 60.0
# What decoding may take at the package's own limit of pixels: by SECURITY.md up to 17 bytes for
# each (WebP), and what comes on top.
PICTURE_MEMORY_BYTES = 17 * 2**26 + 2**28


@dataclass(slots=True)
class Tally:
    """The outcomes of one kind on one runtime, and the errors that refused."""

    kind: Kind
    target: str
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that did not end as it should.

    Attributes:
        kind: of the case.
        target: the runtime.
        name: that the case's file gets.
        outcome: "wrong", "crash" or "hang".
        message: what happened.
        data: the case.
    """

    kind: Kind
    target: str
    name: str
    outcome: str
    message: str
    data: bytes


class Session:
    """One runtime, and its workers; a context manager that ends them."""

    def __init__(
        self,
        target: Target,
        material: Material,
        *,
        timeout_s: float = TIMEOUT_S,
        program: Path = WORKER_FILE,
    ) -> None:
        """Prepare; workers start with their first case."""
        self.target = target
        self._material = material
        self._timeout_s = timeout_s
        self._program = program
        self._workers: dict[int, Worker] = {}
        self._expected: str | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")

    @property
    def hello(self) -> dict[str, Any]:
        """What the worker says of its environment: `runtime`, `pillow` and the `package`."""
        return self._worker("models").hello

    @property
    def title(self) -> str:
        """The environment for tables: runtime and Pillow with their versions."""
        return f"{self.hello['runtime']}, Pillow {self.hello['pillow']}"

    def run_kind(self, kind: Kind, *, seed: int, count: int) -> tuple[Tally, list[Failure]]:
        """Run cases 0 to `count` - 1 of a kind."""
        tally, failures = Tally(kind, self.target.name), []
        for number, data in self._cases(kind, seed, count):
            outcome, answer = self.run_case(kind, data)
            tally.outcomes[outcome] += 1
            if outcome == REFUSED:
                tally.errors[answer["error"]] += 1
            elif outcome != ANSWERED:
                name = f"{kind.slug}.{seed}.{number}.{self.target.name}.{SUFFIXES[kind.group]}"
                message = _message(answer)
                failures.append(Failure(kind, self.target.name, name, outcome, message, data))
        return tally, failures

    def run_case(self, kind: Kind, data: bytes) -> tuple[str, dict[str, Any]]:
        """Run one case and return its outcome, one of `OUTCOMES`, and the worker's answer."""
        answer = self._ask(kind.group, data)
        got = answer["outcome"]
        if got == "refused":
            is_late = kind.must_keep_native_code_out and answer["native"]
            if is_late:
                answer["message"] = f"only native code refused: {answer['message']}"
            return (WRONG if is_late else REFUSED), answer
        if got == "answered" or (got == "loaded" and self._is_right(kind, answer)):
            return ANSWERED, answer
        return (got if got in (CRASH, HANG) else WRONG), answer

    def close(self) -> None:
        """End the workers and remove the folder."""
        for worker in self._workers.values():
            worker.close()
        self._folder.cleanup()

    def __enter__(self) -> Session:
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

    def _is_right(self, kind: Kind, answer: dict[str, Any]) -> bool:
        """Say whether a model that loaded answers as it has to; `answer` says why not."""
        problems = answer["problems"]
        if kind.must_answer_the_same and answer["digest"] != self._undamaged():
            problems = ["other labels, manifest or answers than the undamaged file", *problems]
        # Who re-makes the hashes may write golden vectors that do not fit; reading them says so.
        if not kind.must_answer_the_same:
            problems = [p for p in problems if not p.startswith("golden vectors: ")]
        answer["message"] = "; ".join(problems)
        return not problems

    def _undamaged(self) -> str:
        if self._expected is None:
            answer = self._ask("models", self._material.model_path.read_bytes())
            if answer["outcome"] != "loaded" or answer["problems"]:
                raise RuntimeError(f"the undamaged model: expected sound answers, got {answer}")
            self._expected = answer["digest"]
        return self._expected

    def _ask(self, group: str, data: bytes) -> dict[str, Any]:
        path = Path(self._folder.name) / f"case.{SUFFIXES[group]}"
        path.write_bytes(data)
        return self._worker(group).run(TASKS[group], path)

    def _worker(self, group: str) -> Worker:
        memory_bytes = PICTURE_MEMORY_BYTES if group == "pictures" else 0
        if memory_bytes not in self._workers:
            self._workers[memory_bytes] = Worker(
                self.target.python,
                timeout_s=self._timeout_s,
                memory_bytes=memory_bytes,
                program=self._program,
            )
        return self._workers[memory_bytes]

    def _cases(self, kind: Kind, seed: int, count: int) -> Iterator[tuple[int, bytes]]:
        for number in range(count):
            yield number, make_case(kind, self._material, seed, number)


def save_failure(failure: Failure, folder: Path) -> str:
    """Write the input of a failure, and return the sentence that tells how to see it again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / failure.name
    path.write_bytes(failure.data)
    digest = hashlib.sha256(failure.data).hexdigest()[:12]
    return (
        f"{failure.kind.title} on {failure.target}: {failure.outcome}: {failure.message} "
        f"(SHA-256 {digest}...; python -m benchmarks.reliability.fuzz --replay {path})"
    )


def _message(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    message = str(answer.get("message", ""))[:500]
    return f"{error}: {message}" if error else message
