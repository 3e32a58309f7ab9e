"""Cases in one process: threads, an event loop, interrupts."""

from __future__ import annotations

import asyncio
import io
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.reliability.concurrency.outcome import BusyThreads, Outcome, run_threads
from benchmarks.reliability.known_answers import KnownAnswers, picture_files
from minivgg_edge import Classifier, ClosedError


def shared(known: KnownAnswers, count: int, *, num_threads: int = 1) -> Outcome:
    """Eight threads, one classifier; each thread begins at another picture."""
    with Classifier(num_threads=num_threads) as classifier:

        def work(number: int, outcome: Outcome) -> None:
            for turn in range(count):
                outcome.count(known.agrees(classifier, 37 * number + turn))

        return run_threads(8, work)


def shared_native_threads(known: KnownAnswers, count: int) -> Outcome:
    """The same with a native thread pool of four below it."""
    return shared(known, count, num_threads=4)


def several(known: KnownAnswers, count: int) -> Outcome:
    """Four classifiers, four threads on each of them."""
    classifiers = [Classifier() for _ in range(4)]
    try:

        def work(number: int, outcome: Outcome) -> None:
            for turn in range(count):
                outcome.count(known.agrees(classifiers[number % 4], 37 * number + turn))

        return run_threads(16, work)
    finally:
        for classifier in classifiers:
            classifier.close()


def mixed_pictures(known: KnownAnswers, count: int) -> Outcome:
    """Arrays, file names, bytes and PIL images of four formats at the same time, some broken."""
    from PIL import Image

    from minivgg_edge import PictureError

    with tempfile.TemporaryDirectory() as folder, Classifier() as classifier:
        cases: list[tuple[Any, bytes]] = []
        for index, (kind, data) in enumerate(picture_files(known, 24)):
            path = Path(folder) / f"{index}.{kind.lower()}"
            path.write_bytes(data)
            image = Image.open(io.BytesIO(data)).convert("RGB")
            scores = classifier.scores(data).tobytes()
            cases += [(path, scores), (data, scores), (image, scores)]
        cases += [(known.pictures[i], known.scores[i]) for i in range(24)]

        def work(number: int, outcome: Outcome) -> None:
            for turn in range(count):
                picture, scores = cases[(31 * number + turn) % len(cases)]
                outcome.count(classifier.scores(picture).tobytes() == scores)
                if turn % 16 == 0:
                    try:
                        classifier.scores(b"no picture")
                    except PictureError:
                        outcome.refused += 1

        return run_threads(8, work)


def batches(known: KnownAnswers, count: int) -> Outcome:
    """Each thread asks a generator of its own; all run on one classifier."""
    with Classifier() as classifier:
        labels = [p[0] for p in map(classifier.classify, known.pictures)]

        def work(number: int, outcome: Outcome) -> None:
            order = [(11 * number + turn) % len(labels) for turn in range(count)]
            results = classifier.classify_batch(known.pictures[i] for i in order)
            for index, result in zip(order, results, strict=True):
                outcome.count(result == (labels[index],))

        return run_threads(8, work)


def closing(known: KnownAnswers, count: int) -> Outcome:
    """`close()` while four threads classify: each ends with `ClosedError`, `count` times."""
    total = Outcome()
    for turn in range(count):
        classifier = Classifier()

        def work(number: int, outcome: Outcome, used: Classifier = classifier) -> None:
            try:
                while True:
                    outcome.count(known.agrees(used, number + outcome.calls))
                    if number == 0 and outcome.calls == 3:
                        used.close()
            except ClosedError:
                outcome.refused += 1

        outcome = run_threads(5, work)
        if outcome.refused != 5:
            outcome.errors.append(f"turn {turn}: expected 5 ClosedErrors, got {outcome.refused}")
        total.merge(outcome)
    return total


def constructing(known: KnownAnswers, count: int) -> Outcome:
    """Eight threads open, use and close classifiers, while two share another one."""
    with Classifier() as constant:

        def classify(number: int, turn: int, outcome: Outcome) -> None:
            outcome.count(known.agrees(constant, number + turn))

        def work(number: int, outcome: Outcome) -> None:
            for turn in range(count):
                with Classifier() as classifier:
                    outcome.count(known.agrees(classifier, 5 * number + turn))

        with BusyThreads(2, classify) as busy:
            total = run_threads(8, work)
        total.merge(busy.outcome)
        return total


def event_loop(known: KnownAnswers, count: int) -> Outcome:
    """`count` tasks of one event loop, on an executor of four threads."""
    outcome = Outcome()

    async def gather(classifier: Classifier, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, known.agrees, classifier, n) for n in range(count)]
        for agrees in await asyncio.gather(*calls):
            outcome.count(agrees)

    with Classifier() as classifier, ThreadPoolExecutor(4) as pool:
        asyncio.run(gather(classifier, pool))
    return outcome


class _InterruptError(Exception):
    pass


def interrupts(known: KnownAnswers, count: int) -> Outcome:
    """A signal handler raises in the midst of a call; the next answers are right, none hangs."""
    outcome = Outcome()

    def handler(_signum: int, _frame: object) -> None:
        raise _InterruptError

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        with Classifier() as classifier:
            for turn in range(count):
                try:
                    # From a call that has hardly begun to one behind a few others.
                    signal.setitimer(signal.ITIMER_REAL, 20e-6 + (turn % 97) * 10e-6)
                    while True:
                        known.agrees(classifier, turn)
                except _InterruptError:
                    outcome.refused += 1
                outcome.count(known.agrees(classifier, turn + 1))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
    return outcome


CASES: dict[str, Callable[[KnownAnswers, int], Outcome]] = {
    "shared": shared,
    "shared, 4 native threads": shared_native_threads,
    "several": several,
    "mixed pictures": mixed_pictures,
    "batches": batches,
    "closing": closing,
    "constructing": constructing,
    "event loop": event_loop,
    "interrupts": interrupts,
}
