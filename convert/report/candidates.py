"""What can be chosen: a model in a precision on an engine, with all that is known about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from convert.report.accuracies import Asked, arm_accuracy, asked_most, with_interval
from convert.report.arm_results import ArmRun
from convert.report.bench_results import Accuracy, ColdStart, Entry, Latency, Memory
from convert.report.results import Results

Series = Literal["int8", "float32", "family", "engine", "model"]
Kind = Literal["bench", "peers", "answers", "arm"]
SERIES_TITLES: Mapping[Series, str] = {
    "int8": "this project, int8",
    "float32": "this project, float32",
    "family": "this project's other models, int8",
    "engine": "same weights, another engine",
    "model": "another model",
}

# The name under which people know an engine, where it is not the package's.
_ENGINES = {"ai-edge-litert": "LiteRT", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
_MODELS = {"minivgg": "MiniVGG"}

# The boards that every summary is about: their keys in the results, and their numbers.
PI_NUMBERS: Mapping[str, str] = {"pi3": "3", "pi4": "4", "pi5": "5"}


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a candidate; the engine's version does not."""

    model: str
    precision: str
    engine: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of every comparison.

    Attributes:
        key: which model, precision and engine.
        versions: the engine's versions, more than one where machines had different ones.
        series: what it is to the project.
        size_bytes: length of the model file.
        accuracy: the figure over the most pictures of the data set that most are measured on.
        accuracy_kind: the kind of result file that it is from; None without accuracy.
        runs: what was counted on emulated boards, by board.
        ratio: median bare inference on the host over the reference's, one thread.
        ratio_kind: the kind of result file that the ratio is from; None without one.
        cold_start: fresh processes on the host.
        memory: on the host; like the ratio from the run with the peers, where it has one.
    """

    key: Key
    versions: tuple[str, ...]
    series: Series
    size_bytes: int
    accuracy: Accuracy | None
    accuracy_kind: Kind | None
    runs: Mapping[str, ArmRun]
    ratio: float | None
    ratio_kind: Kind | None
    cold_start: ColdStart | None
    memory: Memory | None

    @property
    def title(self) -> str:
        """Model, precision and engine as people say them, without the engine's version."""
        return (
            f"{model_title(self.key.model)} {self.key.precision}, {engine_title(self.key.engine)}"
        )

    @property
    def is_comparable(self) -> bool:
        """Whether more than its size is known: its accuracy or a cost."""
        return self.accuracy is not None or bool(self.runs) or self.ratio is not None

    @property
    def title_with_version(self) -> str:
        """The title, with the version of the engine."""
        return f"{self.title} {' / '.join(self.versions)}"


def engine_title(engine: str) -> str:
    """Return the name under which people know an engine."""
    return _ENGINES.get(engine, engine)


def model_title(model: str) -> str:
    """Return the name under which people know a model."""
    return _MODELS.get(model, model)


def entry_key(entry: Entry | ArmRun) -> Key:
    """Return what an entry or run is a measurement of."""
    return Key(entry.model, entry.precision, entry.engine)


def invoke(entry: Entry) -> Latency | None:
    """Return the bare inference with one thread, if it was timed."""
    return latency(entry, "invoke", 1, 1)


def latency(entry: Entry, case: str, num_threads: int, batch: int) -> Latency | None:
    """Return one timed case of an entry, if it was timed."""
    wanted = (case, num_threads, batch)
    return next((x for x in entry.latency if (x.case, x.num_threads, x.batch) == wanted), None)


def candidates(results: Results) -> tuple[Candidate, ...]:
    """Return all candidates: ours first, then the same weights elsewhere, then other models.

    Others of which nothing but the size is known (Keras, timed in a case of its own) are left out.

    Times, ratios and memory are those of the host, none of another machine's. The ratio and the
    memory are taken from the run with the peers where it has them, so that they are all of one
    run; everything else rather from the machine's own run. Accuracies are of one data set and
    split, those that most were measured on: beside another one's they would say nothing.
    """
    own = _own_key(results)
    bench_entries = tuple(entry for bench in results.benches for entry in bench.entries)
    peer_entries = results.peers.entries if results.peers else ()
    runs = results.arm.runs if results.arm else ()
    items: list[Entry | ArmRun] = [*bench_entries, *peer_entries, *runs]
    keys = dict.fromkeys(map(entry_key, items))
    asked = asked_most(results)
    found = [
        _candidate(
            key,
            _series(key, own),
            [entry for entry in bench_entries if entry_key(entry) == key],
            [entry for entry in peer_entries if entry_key(entry) == key],
            [run for run in runs if entry_key(run) == key],
            results,
            asked,
        )
        for key in keys
    ]
    order = list(SERIES_TITLES)
    shown = [c for c in found if c.series in ("int8", "float32") or c.is_comparable]
    return tuple(sorted(shown, key=lambda candidate: order.index(candidate.series)))


def own_candidate(found: Iterable[Candidate], series: Series) -> Candidate | None:
    """Return the project's own candidate of a precision, if it was measured."""
    return next((candidate for candidate in found if candidate.series == series), None)


def _own_key(results: Results) -> Key:
    if results.reference is not None:
        return entry_key(results.reference)
    return Key("minivgg", "int8", "ai-edge-litert")


def _series(key: Key, own: Key) -> Series:
    # The models that are published beside the bundled one are called after it.
    if key.model.startswith(f"{own.model}-") and key.precision == own.precision:
        return "family"
    if key.model != own.model:
        return "model"
    if key.engine != own.engine:
        return "engine"
    return "int8" if key.precision == own.precision else "float32"


def _candidate(
    key: Key,
    series: Series,
    bench_entries: list[Entry],
    peer_entries: list[Entry],
    runs: list[ArmRun],
    results: Results,
    asked: Asked | None,
) -> Candidate:
    items: list[Entry | ArmRun] = [*bench_entries, *peer_entries, *runs]
    on_host = results.host.entries if results.host else ()
    timed = [*peer_entries, *(entry for entry in on_host if entry_key(entry) == key)]
    ratio_kind, ratio = _ratio(timed, len(peer_entries))
    kind, accuracy = _accuracy(series, bench_entries, peer_entries, runs, results, asked)
    return Candidate(
        key,
        tuple(dict.fromkeys(item.engine_version for item in items)),
        series,
        items[0].size_bytes,
        accuracy,
        kind,
        {run.board: run for run in runs},
        ratio,
        ratio_kind,
        next((entry.cold_start for entry in reversed(timed) if entry.cold_start), None),
        next((entry.memory for entry in timed if entry.memory), None),
    )


def _ratio(timed: list[Entry], peer_count: int) -> tuple[Kind, float] | tuple[None, None]:
    """Return the first ratio that is known; the first `peer_count` entries are of the peers."""
    for number, entry in enumerate(timed):
        found = invoke(entry)
        if found is not None and found.ratio is not None:
            return "peers" if number < peer_count else "bench", found.ratio
    return None, None


def _accuracy(
    series: Series,
    bench_entries: list[Entry],
    peer_entries: list[Entry],
    runs: list[ArmRun],
    results: Results,
    asked: Asked | None,
) -> tuple[Kind, Accuracy] | tuple[None, None]:
    found: list[tuple[Kind, Accuracy]] = []
    found += [("bench", entry.accuracy) for entry in bench_entries if entry.accuracy]
    answers = results.answers
    if answers is not None and series in ("int8", "float32"):
        top1 = answers.int8.top1 if series == "int8" else answers.float32.top1
        interval = with_interval(answers.dataset, answers.split, answers.count, top1)
        found.append(("answers", interval))
    found += [("peers", entry.accuracy) for entry in peer_entries if entry.accuracy]
    found += [("arm", arm_accuracy(run.accuracy)) for run in runs if run.accuracy is not None]
    comparable = [pair for pair in found if (pair[1].dataset, pair[1].split) == asked]
    return max(comparable, key=lambda pair: pair[1].count, default=(None, None))
