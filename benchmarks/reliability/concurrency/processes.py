"""Cases with more than one process: forks while threads are busy, pools, a program that ends."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

from benchmarks.reliability.concurrency.outcome import BusyThreads, Outcome
from benchmarks.reliability.known_answers import KnownAnswers
from minivgg_edge import Classifier

_CHILD_TIMEOUT_S = 120


def _answer_in_child(known: KnownAnswers, classifier: Classifier, number: int) -> int | None:
    """Fork; the child classifies three pictures. Returns its exit code, 0 for right answers.

    None: it hung and was ended.
    """
    pid = os.fork()
    if pid == 0:
        code = 9
        with suppress(Exception):  # the code says it; this child must not run the parent's program
            agree = [known.agrees(classifier, number + turn) for turn in range(3)]
            code = 0 if all(agree) else 2
        os._exit(code)
    descriptor = os.pidfd_open(pid)
    try:
        if not select.select([descriptor], [], [], _CHILD_TIMEOUT_S)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(descriptor)


def fork_storm(known: KnownAnswers, count: int) -> Outcome:
    """`count` forks while four threads are busy with two classifiers, one of native threads."""
    with Classifier() as first, Classifier(num_threads=4) as second:
        classifiers = (first, second)

        def classify(number: int, turn: int, outcome: Outcome) -> None:
            outcome.count(known.agrees(classifiers[number % 2], number + turn))

        total = Outcome()
        with BusyThreads(4, classify) as busy:
            for turn in range(count):
                code = _answer_in_child(known, classifiers[turn % 2], turn)
                if code in (0, 2):
                    total.count(code == 0)
                else:
                    ending = "hung" if code is None else f"ended with {code}"
                    total.errors.append(f"fork {turn}: the child {ending}")
        total.merge(busy.outcome)
        return total


_pool_known: KnownAnswers
_pool_classifier: Classifier


def _open_in_pool(known: KnownAnswers) -> None:
    global _pool_known, _pool_classifier
    _pool_known, _pool_classifier = known, Classifier()


def _classify_in_pool(number: int) -> bool:
    return _pool_known.agrees(_pool_classifier, number)


def pools(known: KnownAnswers, count: int) -> Outcome:
    """Pools of four processes by spawn, forkserver and fork; an initializer opens a classifier."""
    outcome = Outcome()
    for method in ("spawn", "forkserver", "fork"):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(
            4, mp_context=context, initializer=_open_in_pool, initargs=(known,)
        ) as pool:
            for agrees in pool.map(_classify_in_pool, range(count), chunksize=25):
                outcome.count(agrees)
    return outcome


_ENDING_PROGRAM = """\
import sys, threading
import numpy as np
from minivgg_edge import Classifier
classifier = Classifier(num_threads=int(sys.argv[1]))
picture = np.zeros(classifier.input_shape, np.uint8)
def work():
    while True:
        classifier.classify(picture)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(20):
    classifier.classify(picture)
print("done")
"""


def ending(known: KnownAnswers, count: int) -> Outcome:
    """A program that ends while daemon threads still classify: exit code 0, no crash, no hang."""
    outcome = Outcome()
    for turn in range(count):
        run = subprocess.run(  # noqa: S603 - the program above
            [sys.executable, "-s", "-c", _ENDING_PROGRAM, str(1 + 3 * (turn % 2))],
            capture_output=True,
            text=True,
            timeout=_CHILD_TIMEOUT_S,
            check=False,
        )
        if run.returncode != 0:
            outcome.errors.append(f"run {turn}: ended with {run.returncode}: {run.stderr[-200:]}")
        outcome.count(run.stdout == "done\n")
    return outcome


CASES: dict[str, Callable[[KnownAnswers, int], Outcome]] = {
    "fork storm": fork_storm,
    "process pools": pools,
    "ending": ending,
}
