"""All contenders at once: a worker process each, timed in turn, then asked for the answers."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.contenders import Contender, Missing
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.peers.worker_process import WorkerProcess
from convert.data.pictures import PictureSet
from minivgg_edge.measure.accuracy import Accuracy, accuracy_of
from minivgg_edge.measure.latency import LatencySummary, summarize

# Calls of one worker before the next one's turn: few, so that all see the same machine.
CALLS_PER_TURN = 20
# Untimed calls at the start of a turn: the others have used the caches since the last one.
_SETTLE_CALLS = 3
_WARMUP_TURNS = 2
# Idle threads of a pool keep a core busy for a while in case there is more to do (ncnn's for
# 20 ms): the next worker's threads would have to share it.
_REST_S = 0.03

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a worker in bytes: highest, after the timed calls, with numpy alone."""

    peak_rss_bytes: int
    steady_rss_bytes: int
    baseline_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one contender showed.

    Attributes:
        contender: which.
        engine_version: as the engine says.
        first_inference_ms: the first one after loading, one thread.
        latency: by number of threads.
        memory: None where the system does not say.
        accuracy: on the test pictures.
    """

    contender: Contender
    engine_version: str
    first_inference_ms: float
    latency: dict[int, LatencySummary]
    memory: Memory | None
    accuracy: Accuracy


@dataclass(slots=True)
class _Runner:
    contender: Contender
    worker: WorkerProcess
    loaded: dict[str, Any]
    times_ns: list[int]


def measure(
    contenders: Sequence[Contender],
    pictures: PictureSet,
    *,
    dataset: str,
    threads: Sequence[int],
    rounds: int,
    say: Say,
) -> tuple[list[Measured], list[Missing]]:
    """Measure contenders in one run.

    Args:
        contenders: who takes part.
        pictures: test pictures of the contenders' input size.
        dataset: what the pictures are called.
        threads: numbers of threads, the first of which also gives first inference, memory and
            accuracy.
        rounds: turns of each contender, of `CALLS_PER_TURN` timed calls.
        say: told what is being done.

    Returns:
        Those that ran through, in their order, and those that did not with the reason.
    """
    measured: dict[Contender, Measured] = {}
    missing: list[Missing] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.npy"
        np.save(path, pictures.images)
        for num_threads in threads:
            first = num_threads == threads[0]
            taking_part = contenders if first else list(measured)
            say(f"timing {len(taking_part)} models in turn, {num_threads} thread(s)")
            with contextlib.ExitStack() as stack:
                runners = _start(taking_part, num_threads, path, stack, missing)
                rest_s = 0.0 if num_threads == 1 else _REST_S
                runners = take_turns(runners, rounds, missing, rest_s=rest_s)
                if first:
                    say(f"classifying {len(pictures)} pictures with each")
                    measured = _answers(runners, path, pictures, dataset, missing)
                for runner in runners:
                    if runner.contender in measured:
                        latency = measured[runner.contender].latency
                        latency[num_threads] = summarize(runner.times_ns)
    return list(measured.values()), missing


@contextlib.contextmanager
def _dropping(contender: Contender, missing: list[Missing]) -> Iterator[None]:
    """Note a contender that fails inside as missing."""
    try:
        yield
    except PeerUnavailableError as error:
        reason = f"{contender.model} {contender.precision}: {error}"
        missing.append(Missing(contender.engine, reason))


def _start(
    contenders: Sequence[Contender],
    num_threads: int,
    pictures: Path,
    stack: contextlib.ExitStack,
    missing: list[Missing],
) -> list[_Runner]:
    runners = []
    for contender in contenders:
        with _dropping(contender, missing):
            worker = stack.enter_context(WorkerProcess(contender.python))
            loaded = worker.ask(
                "load",
                engine=contender.engine,
                path=str(contender.files[0]),
                num_threads=num_threads,
                picture=str(pictures),
            )
            runners.append(_Runner(contender, worker, loaded, []))
    return runners


def take_turns(
    runners: Sequence[_Runner], rounds: int, missing: list[Missing], *, rest_s: float = 0.0
) -> list[_Runner]:
    """Let the runners time their calls in turn (A B C A B C ...); returns those that ran through.

    A drift of the machine that is slower than a round then changes all of them alike. Before each
    turn nothing happens for `rest_s` seconds.
    """
    remaining = list(runners)
    for turn in range(-_WARMUP_TURNS, rounds):
        for runner in tuple(remaining):
            time.sleep(rest_s)
            with _dropping(runner.contender, missing):
                answer = runner.worker.ask("invoke", count=CALLS_PER_TURN, warmup=_SETTLE_CALLS)
                if turn >= 0:
                    runner.times_ns.extend(answer["ns"])
                continue
            remaining.remove(runner)
    return remaining


def _answers(
    runners: Sequence[_Runner],
    path: Path,
    pictures: PictureSet,
    dataset: str,
    missing: list[Missing],
) -> dict[Contender, Measured]:
    """Ask for memory, then for the scores of all pictures; times are filled in by the caller."""
    measured = {}
    output = path.with_name("scores.npy")
    for runner in runners:
        worker = runner.worker
        with _dropping(runner.contender, missing):
            # Memory first: the pictures would count as the engine's.
            memory = worker.ask("memory")
            memory["baseline_rss_bytes"] = worker.hello["baseline_rss_bytes"]
            worker.ask("classify", pictures=str(path), scores=str(output))
            scores: NDArray[np.float32] = np.load(output)
            correct = int((scores.argmax(axis=1) == pictures.labels).sum())
            measured[runner.contender] = Measured(
                contender=runner.contender,
                engine_version=runner.loaded["version"],
                first_inference_ms=runner.loaded["first_ms"],
                latency={},
                memory=None if None in memory.values() else Memory(**memory),
                accuracy=accuracy_of(correct, len(pictures), dataset=dataset, split="test"),
            )
    return measured
