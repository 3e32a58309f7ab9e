"""Measures models side by side on this machine: what `minivgg-edge bench` runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from minivgg_edge.catalog import load_model
from minivgg_edge.classifier import Classifier
from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.measure.card import Entry, Latency
from minivgg_edge.measure.cases import Case, LoadedModel, Pictures, plan_cases
from minivgg_edge.measure.cold_start import measure_cold_start
from minivgg_edge.measure.fresh_process import run_fresh
from minivgg_edge.measure.latency import interleaved_ns, summarize
from minivgg_edge.measure.machine_state import read_temperature_c
from minivgg_edge.measure.memory import measure_memory
from minivgg_edge.measure.sustained import SustainedMinute, sustain
from minivgg_edge.model_file import ModelFile

_WARMUP_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        num_threads: Numbers of threads to compare; the first one serves where one is enough.
        rounds: Timed calls of the short cases.
        processes: Fresh processes for the cold start.
        sustained_minutes: Minutes without a pause, of the first model only; 0 leaves them out.
    """

    num_threads: tuple[int, ...]
    rounds: int
    processes: int
    sustained_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command adds to the work.

    Attributes:
        say: Gets one short line per step.
        loading: Returns the context in which models are loaded; a command silences the runtime
            there.
    """

    say: Callable[[str], None] = field(default=lambda _line: None)
    loading: Callable[[], AbstractContextManager[None]] = nullcontext


def describe(file: ModelFile, runtime: RuntimeInfo, *, is_reference: bool) -> Entry:
    """Return the entry of a model of which nothing has been measured yet."""
    return Entry(
        model=file.manifest.name,
        precision="float32" if file.manifest.output.scale is None else "int8",
        engine=runtime.name,
        engine_version=runtime.version,
        is_reference=is_reference,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )


def warm_up(models: Sequence[str], pictures: Pictures, around: Surroundings) -> None:
    """Run each model for a moment: the machine's first state is to be that of a busy processor.

    Also in a process of its own: where that fails, it fails before minutes of work.

    Raises:
        MeasurementError: A fresh process failed.
    """
    for model in models:
        run_fresh(model)
    measure_latency(models, [Case("invoke", 1, 1, _WARMUP_ROUNDS)], pictures, around)


def measure(
    models: Sequence[str],
    entries: Sequence[Entry],
    pictures: Pictures,
    plan: Plan,
    around: Surroundings,
) -> tuple[Entry, ...]:
    """Return the entries with latency, cold start, memory and, for the first, sustained minutes.

    Args:
        models: Names or paths, in the order of `entries`; all of one input size.
        entries: What is known about them.
        pictures: What is classified.
        plan: How much to measure.
        around: Who is told, and how models are loaded.

    Raises:
        MeasurementError: A fresh process failed.
    """
    threads = plan.num_threads[0]
    cases = plan_cases(plan.num_threads, plan.rounds)
    latencies = measure_latency(models, cases, pictures, around)
    measured = []
    for model, entry, latency in zip(models, entries, latencies, strict=True):
        around.say(f"{entry.model} {entry.precision}: {plan.processes} fresh processes")
        cold_start = measure_cold_start(model, processes=plan.processes, num_threads=threads)
        memory = measure_memory(model, num_threads=threads)
        measured.append(
            dataclasses.replace(entry, latency=latency, cold_start=cold_start, memory=memory)
        )
    if plan.sustained_minutes:
        minutes = _sustained(models[0], pictures, plan, around)
        measured[0] = dataclasses.replace(measured[0], sustained=minutes)
    return tuple(measured)


def measure_latency(
    models: Sequence[str], cases: Sequence[Case], pictures: Pictures, around: Surroundings
) -> list[tuple[Latency, ...]]:
    """Time every case of all models in interleaved rounds.

    Args:
        models: Names or paths; all of one input size.
        cases: What to time; those that need a picture file are left out without Pillow.
        pictures: What is classified.
        around: Who is told, and how models are loaded.

    Returns:
        Per model, its cases in their order, without ratios.
    """
    rows: list[list[Latency]] = [[] for _ in models]
    for case in cases:
        if case.needs_pillow and pictures.png is None:
            continue
        around.say(f"{case.name}, threads {case.num_threads}, batch {case.batch}")
        with around.loading():
            loaded = [LoadedModel(model, case.num_threads) for model in models]
        calls = [model.call(case, pictures) for model in loaded]
        times = interleaved_ns(calls, rounds=case.rounds, settle=case.settle)
        for model, found, of_model in zip(loaded, times, rows, strict=True):
            model.close()
            summary = summarize(found)
            of_model.append(Latency(case.name, case.num_threads, case.batch, summary))
    return [tuple(of_model) for of_model in rows]


def count_right(model: str, pictures: Sequence[tuple[str, int]], *, num_threads: int) -> int:
    """Return how many picture files a model classifies right.

    Args:
        model: A name or a path.
        pictures: Path and true class index of each.
        num_threads: Threads of the native kernels.

    Raises:
        PictureError: A picture cannot be read.
    """
    with Classifier(model, num_threads=num_threads) as classifier:
        return sum(classifier.classify(path)[0].index == index for path, index in pictures)


def model_hashes(models: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return path and SHA-256 of model files as they are now."""
    return hashes_of([load_model(model) for model in models])


def hashes_of(files: Iterable[ModelFile]) -> tuple[tuple[str, str], ...]:
    """Return path and SHA-256 of model files as they were when they were loaded."""
    return tuple((file.source, file.sha256) for file in files)


def _sustained(
    model: str, pictures: Pictures, plan: Plan, around: Surroundings
) -> tuple[SustainedMinute, ...]:
    case = Case("classify-array", plan.num_threads[0], 1, 1)
    with around.loading():
        loaded = LoadedModel(model, case.num_threads)
    found = []
    for minute in sustain(
        loaded.call(case, pictures),
        minutes=plan.sustained_minutes,
        read_temperature=read_temperature_c,
    ):
        found.append(minute)
        around.say(f"sustained: minute {minute.minute} of {plan.sustained_minutes}")
    loaded.close()
    return tuple(found)
