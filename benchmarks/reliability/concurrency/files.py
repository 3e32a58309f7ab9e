"""A model file that is replaced, overwritten, cut off and deleted under running classifiers."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.reliability.concurrency.outcome import BusyThreads, Outcome, run_threads
from benchmarks.reliability.known_answers import KnownAnswers
from minivgg_edge import Classifier, ModelFileError, ModelNotFoundError
from minivgg_edge.atomic import write_atomically
from minivgg_edge.catalog import load_model

_PIECE_BYTES = 65_536
_REST_S = 0.02  # in which the file is whole, so that loads succeed too


def _rename_over(path: Path, data: bytes) -> None:
    write_atomically(path, data)


def _overwrite_in_place(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        for start in range(0, len(data), _PIECE_BYTES):
            file.write(data[start : start + _PIECE_BYTES])
            file.flush()


def _cut_off(path: Path, data: bytes) -> None:
    os.truncate(path, len(data) // 2)
    _overwrite_in_place(path, data)


def _delete(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


_CHANGES = (_rename_over, _overwrite_in_place, _cut_off, _delete)


def _under_another_name(data: bytes) -> bytes:
    """Another valid file: the same model under another name."""
    import dataclasses

    from minivgg_edge.model_file import pack_model_file, parse_model_file

    file = parse_model_file(data, source="bundled")
    manifest = dataclasses.replace(file.manifest, name="another")
    return pack_model_file(file.flatbuffer, manifest, golden=file.golden_vectors())


def replaced(known: KnownAnswers, count: int) -> Outcome:
    """Two threads classify, two load again and again, while the file changes `count` times.

    What was loaded keeps its answers. A new load is the old file, the new one, or a typed error;
    that all are errors would say nothing of what is loaded.
    """
    data = Path(load_model(None).source).read_bytes()
    files = (data, _under_another_name(data))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(data)
        changes = _changes(path, files, count)
        loads: list[int] = []
        with Classifier(path) as classifier:

            def work(number: int, turn: int, outcome: Outcome) -> None:
                if number < 2:
                    outcome.count(known.agrees(classifier, number + turn))
                elif _load(path, known, turn, outcome):
                    loads.append(turn)

            with BusyThreads(4, work) as busy:
                total = run_threads(1, lambda _number, _outcome: [*changes] and None)
            total.merge(busy.outcome)
    if not loads:
        total.errors.append("expected loads that succeed between the changes, got none")
    return total


def _changes(path: Path, files: tuple[bytes, bytes], count: int) -> Iterator[None]:
    for turn in range(count):
        change = _CHANGES[turn % len(_CHANGES)]
        change(path, files[turn % 3 % 2])
        time.sleep(_REST_S)
        yield


def _load(path: Path, known: KnownAnswers, turn: int, outcome: Outcome) -> bool:
    """Load and classify; returns whether the file was taken."""
    try:
        with Classifier(path) as classifier:
            outcome.count(known.agrees(classifier, turn))
            if classifier.model_info.name not in ("minivgg", "another"):
                outcome.errors.append(f"load {turn}: a model named {classifier.model_info.name!r}")
    except (ModelFileError, ModelNotFoundError):
        outcome.refused += 1
        return False
    return True


CASES: dict[str, Callable[[KnownAnswers, int], Outcome]] = {"replaced": replaced}
