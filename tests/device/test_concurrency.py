"""Many callers at once: every answer is that of one caller alone, and nothing hangs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minivgg_edge import Classifier, ClosedError, PictureError
from minivgg_edge.child_process import run_python

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    """The bundled model, loaded once."""
    with Classifier() as loaded:
        yield loaded


@pytest.fixture(scope="module")
def known(classifier: Classifier) -> list[tuple[np.ndarray, bytes]]:
    """Pictures of the model's size, each with its scores to the bit."""
    shape = (20, *classifier.input_shape)
    pictures = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    return [(picture, classifier.scores(picture).tobytes()) for picture in pictures]


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in threads that start together; what one of them raises is raised here."""
    start = threading.Barrier(count)

    def body(number: int) -> None:
        start.wait(timeout=60)
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for _ in pool.map(body, range(count)):
            pass


def test_pictures_of_every_kind_at_the_same_time(
    classifier: Classifier, known: list[tuple[np.ndarray, bytes]], tmp_path: Path
) -> None:
    cases: list[tuple[Any, bytes]] = known[:4]
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        buffer = io.BytesIO()
        image = Image.fromarray(known[0][0]).resize((61, 47))
        image.save(buffer, kind)
        path = tmp_path / f"a.{kind.lower()}"
        path.write_bytes(buffer.getvalue())
        scores = classifier.scores(path).tobytes()
        cases += [(path, scores), (buffer.getvalue(), scores)]
    cases.append((image, classifier.scores(image).tobytes()))

    def work(number: int) -> None:
        for turn in range(30):
            picture, scores = cases[(5 * number + turn) % len(cases)]
            assert classifier.scores(picture).tobytes() == scores
            if turn % 8 == 0:
                with pytest.raises(PictureError):
                    classifier.scores(b"no picture")

    in_threads(6, work)


def test_threads_that_open_use_and_close_their_own(
    known: list[tuple[np.ndarray, bytes]],
) -> None:
    def work(number: int) -> None:
        for turn in range(4):
            with Classifier() as own:
                picture, scores = known[number + turn]
                assert own.scores(picture).tobytes() == scores

    in_threads(4, work)


def test_closing_while_others_classify(known: list[tuple[np.ndarray, bytes]]) -> None:
    for _ in range(5):
        shared = Classifier()
        used = threading.Event()

        def work(number: int, shared: Classifier = shared, used: threading.Event = used) -> None:
            if number == 0:
                assert used.wait(timeout=60)
                shared.close()
            for picture, scores in itertools.cycle(known):
                try:
                    found = shared.scores(picture)
                except ClosedError:
                    return
                assert found.tobytes() == scores
                used.set()

        in_threads(4, work)


def test_a_generator_for_each_thread(
    classifier: Classifier, known: list[tuple[np.ndarray, bytes]]
) -> None:
    expected = [classifier.classify(picture) for picture, _ in known]

    def work(number: int) -> None:
        order = [(7 * number + turn) % len(known) for turn in range(60)]
        results = classifier.classify_batch(known[index][0] for index in order)
        assert [*results] == [expected[index] for index in order]

    in_threads(4, work)


def test_tasks_of_an_event_loop(
    classifier: Classifier, known: list[tuple[np.ndarray, bytes]]
) -> None:
    async def gather() -> list[bytes]:
        calls = [asyncio.to_thread(classifier.scores, picture) for picture, _ in known * 5]
        return [scores.tobytes() for scores in await asyncio.gather(*calls)]

    assert asyncio.run(gather()) == [scores for _, scores in known * 5]


class InterruptError(Exception):
    """What the signal handler raises."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_an_interrupted_call_leaves_the_classifier_usable(
    classifier: Classifier, known: list[tuple[np.ndarray, bytes]]
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise InterruptError

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for turn in range(100):
            picture, scores = known[turn % len(known)]
            with contextlib.suppress(InterruptError):
                signal.setitimer(signal.ITIMER_REAL, 20e-6 + turn * 13e-6)
                while True:
                    classifier.scores(known[0][0])
            # A lock that is still held would hang here.
            assert classifier.scores(picture).tobytes() == scores
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


ENDING = """\
import sys, threading
import numpy as np
from minivgg_edge import Classifier
classifier = Classifier()
picture = np.zeros(classifier.input_shape, np.uint8)
started = threading.Event()
def work():
    while True:
        classifier.classify(picture)
        started.set()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
started.wait(60)
print("done")
"""


def test_a_program_may_end_while_daemon_threads_classify() -> None:
    for _ in range(3):
        run = run_python(ENDING)
        assert run.problem is None, run.stderr
        assert run.stdout == "done\n"
