"""Where figures are from: the command, the machine and the day of each result file."""

from __future__ import annotations

from dataclasses import dataclass

from convert.report.arm_results import Validation
from convert.report.bench_results import Bench, Machine, Peers
from convert.report.candidates import Kind, engine_title
from convert.report.results import Results

MAKING: dict[Kind, str] = {
    "bench": "make bench",
    "peers": "make peers",
    "answers": "python -m benchmarks.answers",
    "arm": "make arm",
}
NOT_AN_ARM_TIME = "not an ARM time"


@dataclass(frozen=True, slots=True)
class Source:
    """One result file.

    Attributes:
        number: what figures refer to it by, from 1.
        title: what was done.
        command: what made it.
        machine: where it ran.
        date: when.
        invalid: why its times do not count; empty for a run that counts.
    """

    number: int
    title: str
    command: str
    machine: str
    date: str
    invalid: tuple[str, ...] = ()


def sources(results: Results) -> tuple[Source, ...]:
    """Return one source per result, in the order of their numbers."""
    found: list[tuple[str, str, str, str, tuple[str, ...]]] = [
        (
            f"Measured on {bench.board}",
            bench.command,
            machine_line(bench),
            bench.date,
            invalid_reasons(bench),
        )
        for bench in results.benches
    ]
    if results.peers is not None:
        peers = results.peers
        machine = ", ".join(part for part in (peers.board, peers.machine_note) if part)
        reasons = invalid_reasons(peers)
        found.append(("Peers in one run", peers.command, machine, peers.date, reasons))
    if results.answers is not None:
        answers = results.answers
        what = f"Answers to {answers.count:,} pictures of {answers.dataset}, {answers.split}"
        found.append((what, answers.command, "machine not recorded", answers.date, ()))
    if results.arm is not None:
        arm = results.arm
        tools = ", ".join(f"{name} {version}" for name, version in sorted(arm.tools.items()))
        boards = "; ".join(f"{b.title}: {b.core}, {b.system}" for b in arm.boards.values())
        found.append(("Emulated boards", arm.command, f"{tools}. {boards}", arm.date, ()))
    if results.validation is not None and results.validation.command is not None:
        found.append(_validation_fields(results.validation, results.validation.command))
    return tuple(Source(number, *fields) for number, fields in enumerate(found, start=1))


def _validation_fields(
    validation: Validation, command: str
) -> tuple[str, str, str, str, tuple[str, ...]]:
    title = f"Modelled against {len(validation.rows)} published times"
    return title, command, "emulated boards", validation.date or "date not recorded", ()


def source_number(results: Results, kind: Kind) -> int | None:
    """Return the number of the source of a kind; for "bench" the host, or else the first board."""
    if kind == "bench":
        host = results.host or next(iter(results.benches), None)
        return results.benches.index(host) + 1 if host is not None else None
    present: list[Kind] = []
    if results.peers is not None:
        present.append("peers")
    if results.answers is not None:
        present.append("answers")
    if results.arm is not None:
        present.append("arm")
    return len(results.benches) + 1 + present.index(kind) if kind in present else None


def invalid_reasons(run: Bench | Peers) -> tuple[str, ...]:
    """Return why a run does not count, at least one sentence; empty for one that does."""
    machine: Machine | None = run.machine
    if machine is None or machine.valid:
        return ()
    return machine.reasons or ("no reason recorded",)


def is_invalid(results: Results, kind: Kind) -> bool:
    """Return whether the times of a kind's source do not count."""
    number = source_number(results, kind)
    return number is not None and bool(sources(results)[number - 1].invalid)


def machine_line(bench: Bench) -> str:
    """Return the processor, the system and the versions of a run as one line."""
    state = bench.machine.before
    runtime = None
    if state.runtime is not None:
        name, _, version = state.runtime.partition(" ")
        runtime = f"{engine_title(name)} {version}".strip()
    parts = (
        state.cpu_model,
        f"{state.cores} cores",
        "virtual machine" if state.virtual else None,
        state.os,
        f"Python {state.python}",
        f"numpy {state.numpy}",
        runtime,
        None if bench.machine.is_arm else NOT_AN_ARM_TIME,
    )
    return ", ".join(part for part in parts if part)


def not_measured(kind: Kind) -> str:
    """Return the sentence that stands where a figure is missing."""
    return f"not measured here: run {MAKING[kind]}"
