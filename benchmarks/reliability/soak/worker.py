"""The long run itself, in the Python of the runtime that is looked at.

One JSON object as argument: `part` (a name of `PARTS`), `cases`, `pictures` (an ``.npy`` file). The
answer, as JSON: `samples` at even distances ([cases done, resident bytes, those that are not of
files, descriptors, threads]), `cases`, `different` (answers that are not the first one), `errors`
(sentences).
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.reliability.known_answers import KnownAnswers, known_answers, picture_files
from benchmarks.reliability.soak.process_size import (
    descriptor_count,
    resident_bytes,
    thread_count,
)
from minivgg_edge import Classifier, MinivggEdgeError, ModelFileError, PictureError
from minivgg_edge.catalog import load_model
from minivgg_edge.decode import decode

SAMPLES = 200
_KNOWN = 1_000  # pictures at most


@dataclass(slots=True)
class Soak:
    """A run in progress: `cases` times one action, and what was seen meanwhile."""

    cases: int
    different: int = 0
    errors: list[str] = field(default_factory=list)
    # Laid out and touched before the first case: a list would grow by what it takes to note growth.
    samples: NDArray[np.int64] = field(default_factory=lambda: np.full((SAMPLES, 5), -1, np.int64))
    taken: int = 0

    def run(self, action: Callable[[int], bool]) -> None:
        """Call `action` with 0, 1, ...; it says whether the answer was the known one."""
        every = -(-self.cases // SAMPLES)
        for number in range(self.cases):
            try:
                if not action(number):
                    self.different += 1
            except (MinivggEdgeError, OSError) as error:
                self.errors.append(f"case {number}: {type(error).__name__}: {error}")
            if (number + 1) % every == 0:
                self.sample(number + 1)

    def sample(self, done: int) -> None:
        """Look at the process."""
        gc.collect()  # what waits for the cycle collector is not leaked
        sample = (done, *resident_bytes(), descriptor_count(), thread_count())
        self.samples[self.taken] = sample
        self.taken += 1


def _inferences(soak: Soak, known: KnownAnswers) -> None:
    with Classifier() as classifier:
        soak.run(lambda number: known.agrees(classifier, number))


def _decodes(soak: Soak, known: KnownAnswers) -> None:
    """Files of four formats, from bytes and from the disk; every tenth is broken."""
    with tempfile.TemporaryDirectory() as folder, Classifier() as classifier:
        cases: list[tuple[Path, bytes, bytes]] = []
        for index, (kind, data) in enumerate(picture_files(known, 40)):
            path = Path(folder) / f"{index}.{kind.lower()}"
            path.write_bytes(data)
            cases.append((path, data, decode(data).tobytes()))

        def decoded(number: int) -> bool:
            path, data, pixels = cases[number % len(cases)]
            if number % 10 == 9:
                return _is_refused(classifier, data[: len(data) // 3])
            return decode(path if number % 2 else data).tobytes() == pixels

        soak.run(decoded)


def _is_refused(classifier: Classifier, broken: bytes) -> bool:
    try:
        classifier.classify(broken)
    except PictureError:
        return True
    return False


def _loads(soak: Soak, known: KnownAnswers) -> None:
    """Every other one is closed, the others are left to the garbage collector."""

    def loaded(number: int) -> bool:
        classifier = Classifier()
        agrees = known.agrees(classifier, number)
        if number % 2:
            classifier.close()
        return agrees

    soak.run(loaded)


def _refused_loads(soak: Soak, known: KnownAnswers) -> None:
    """A damaged file: the error and its traceback must not keep the bytes alive."""
    data = bytearray(Path(load_model(None).source).read_bytes())
    data[len(data) // 2] ^= 0xFF
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.tflite"
        path.write_bytes(data)

        def refused(_number: int) -> bool:
            try:
                Classifier(path)
            except ModelFileError:
                return True
            return False

        soak.run(refused)


def _forks(soak: Soak, known: KnownAnswers) -> None:
    """The child rebuilds its interpreter, answers and ends; the parent stays as it is."""
    with Classifier() as classifier:
        known.agrees(classifier, 0)

        def forked(number: int) -> bool:
            pid = os.fork()
            if pid == 0:
                code = 1
                with suppress(MinivggEdgeError):
                    code = 0 if known.agrees(classifier, number) else 2
                os._exit(code)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if status not in (0, 2):
                soak.errors.append(f"fork {number}: the child ended with {status}")
            return status != 2

        soak.run(forked)


def _instances(soak: Soak, known: KnownAnswers) -> None:
    """All stay open, which is what is measured."""
    kept: list[Classifier] = []

    def opened(number: int) -> bool:
        kept.append(Classifier())
        return known.agrees(kept[-1], number)

    soak.run(opened)


PARTS: dict[str, Callable[[Soak, KnownAnswers], None]] = {
    "inferences": _inferences,
    "decodes": _decodes,
    "loads": _loads,
    "refused loads": _refused_loads,
    "forks": _forks,
    "instances": _instances,
}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Run one part; see the module's docstring."""
    known = known_answers(Path(options["pictures"]), _KNOWN)
    soak = Soak(cases=options["cases"])
    PARTS[options["part"]](soak, known)
    return {
        "cases": soak.cases,
        "samples": soak.samples[: soak.taken].tolist(),
        "different": soak.different,
        "errors": soak.errors,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
