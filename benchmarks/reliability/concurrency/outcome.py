"""What came of a case, and threads that add to it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

START_TIMEOUT_S = 60.0
JOIN_TIMEOUT_S = 1_800.0


@dataclass(slots=True)
class Outcome:
    """Counts of one case; each thread has its own, `merge` adds them up.

    Attributes:
        calls: answers that were asked for.
        different: answers that are not those of the undisturbed pass.
        errors: sentences, one for everything that should not have happened.
        refused: typed errors that are a right answer here (a closed classifier, a half-written
            file).
    """

    calls: int = 0
    different: int = 0
    errors: list[str] = field(default_factory=list)
    refused: int = 0

    def count(self, agrees: bool) -> None:
        """Add one answer."""
        self.calls += 1
        self.different += not agrees

    def merge(self, other: Outcome) -> None:
        """Add what another thread or process found."""
        self.calls += other.calls
        self.different += other.different
        self.errors += other.errors
        self.refused += other.refused

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dataclasses.asdict(self)


def run_threads(count: int, work: Callable[[int, Outcome], None]) -> Outcome:
    """Run `work` in `count` threads that start at the same moment.

    Args:
        count: threads.
        work: takes the thread's number, from 0, and its own outcome.

    Returns:
        The sum. Whatever a thread raises, and a thread that does not end, is an error in it.
    """
    start = threading.Barrier(count)
    outcomes = [Outcome() for _ in range(count)]

    def body(number: int) -> None:
        outcome = outcomes[number]
        try:
            start.wait(timeout=START_TIMEOUT_S)
            work(number, outcome)
        except Exception as error:
            outcome.errors.append(f"thread {number}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=body, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    total = Outcome()
    for number, thread in enumerate(threads):
        thread.join(timeout=JOIN_TIMEOUT_S)
        if thread.is_alive():
            total.errors.append(f"thread {number}: still running after {JOIN_TIMEOUT_S:g} s")
    for outcome in outcomes:
        total.merge(outcome)
    return total


class BusyThreads:
    """Threads that do something until the ``with`` block ends; `outcome` holds what they saw."""

    def __init__(self, count: int, work: Callable[[int, int, Outcome], None]) -> None:
        """Prepare.

        Args:
            count: threads.
            work: takes the thread's number, how often it was called before there, and the outcome.
        """
        self._count = count
        self._work = work
        self._stop = threading.Event()
        self._runner = threading.Thread(target=self._run, daemon=True)
        self.outcome = Outcome()

    def __enter__(self) -> BusyThreads:
        """Start them."""
        self._runner.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop them and wait for them; threads that do not end are an error in the outcome."""
        self._stop.set()
        self._runner.join(timeout=JOIN_TIMEOUT_S)
        if self._runner.is_alive():
            sentence = f"busy threads: still running after {JOIN_TIMEOUT_S:g} s"
            self.outcome = Outcome(errors=[sentence])

    def _run(self) -> None:
        def repeat(number: int, outcome: Outcome) -> None:
            turn = 0
            while not self._stop.is_set():
                self._work(number, turn, outcome)
                turn += 1

        self.outcome = run_threads(self._count, repeat)
