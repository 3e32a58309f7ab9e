"""Every precision of one model: compiled, compared, run where it may run, and timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.arm.boards import Board
from benchmarks.arm.files import FileCost, count_files
from benchmarks.precision.places import Place, places
from benchmarks.precision.subject import Subject
from benchmarks.precision.unmarked import NAME as UNMARKED
from benchmarks.precision.unmarked import unmarked_dynamic
from benchmarks.reliability.runtimes import Runtime
from benchmarks.watch import watched
from convert.int8.compilation import Compiled, Settings
from convert.int8.compile_model import compile_model
from convert.int8.conversion import convert_float
from convert.int8.predict import predict
from convert.precision.kinds import NAMES
from minivgg_edge.interpreter import Engine
from minivgg_edge.measure.latency import interleaved_ns
from minivgg_edge.model_file import parse_model_file
from minivgg_edge.scoring import pixel_table

RUN_PICTURES = 500
_NS_PER_MS = 1e6

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        compiled: by precision.
        flatbuffers: by precision, and the unmarked one under its own name.
        places: by runtime's title and the flatbuffer's name.
        pictures: how many were answered there.
        median_ms: one inference on this machine with one thread, by precision, timed in turn.
        costs: by board's title and precision.
        disturbed: what `Watch.note` says of the machine while they were timed.
    """

    compiled: dict[str, Compiled]
    flatbuffers: dict[str, bytes]
    places: dict[str, dict[str, Place]]
    pictures: int
    median_ms: dict[str, float]
    costs: dict[str, dict[str, FileCost]]
    disturbed: str = ""


def examine(
    subject: Subject,
    runtimes: Sequence[Runtime],
    boards: Sequence[Board],
    *,
    rounds: int,
    work: Path,
    say: Say,
) -> Examination:
    """Compile to every precision and run each everywhere.

    Args:
        subject: the model and its pictures.
        runtimes: where to run them bare and as files.
        boards: emulated ones, whose instructions are counted.
        rounds: timed inferences of each on this machine.
        work: folder of the ARM lane.
        say: gets one short line per step.

    Raises:
        ConvertError: a precision cannot be made, or does not run on a board.
        WorkerError: a runtime crashed or hung.
    """
    compiled = {}
    for name in NAMES:
        say(f"Compiling: {name}")
        identity = replace(subject.identity, labels=subject.pictures.validation.class_names)
        compiled[name] = compile_model(
            subject.model, subject.pictures, identity, Settings(precision=name), say=_silent
        )
    files = {name: found.int8_file for name, found in compiled.items()}
    bare = {name: parse_model_file(data, source=name).flatbuffer for name, data in files.items()}
    say("Timing in turn")
    with watched() as watch:
        median_ms = _median_ms(bare, subject.pictures.validation.images[0], rounds)
    costs = {}
    for board in boards:
        say(f"Counting on {board.title}")
        costs[board.title] = count_files(bare, board, work=work)
    bare[UNMARKED] = unmarked_dynamic(convert_float(subject.frozen))
    pictures = subject.pictures.validation.images[:RUN_PICTURES]
    expected = {name: _labels(flatbuffer, pictures) for name, flatbuffer in bare.items()}
    for runtime in runtimes:
        say(f"Running on {runtime.title}")
    found = places(runtimes, bare, files, pictures, expected)
    return Examination(compiled, bare, found, len(pictures), median_ms, costs, watch.note)


def _labels(flatbuffer: bytes, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = predict(flatbuffer, pictures).argmax(axis=1)
    return labels


def _median_ms(
    flatbuffers: Mapping[str, bytes], picture: NDArray[np.uint8], rounds: int
) -> dict[str, float]:
    calls = [_call(flatbuffer, picture) for flatbuffer in flatbuffers.values()]
    times = interleaved_ns(calls, rounds=rounds)
    return {name: median(t) / _NS_PER_MS for name, t in zip(flatbuffers, times, strict=True)}


def _call(flatbuffer: bytes, picture: NDArray[np.uint8]) -> Callable[[], object]:
    engine = Engine(flatbuffer)
    table = pixel_table(engine.input)
    fed = picture if table is None else table[picture]
    return lambda: engine.run(fed)


def _silent(text: str) -> None:
    pass
