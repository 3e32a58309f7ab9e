"""What the emulated ARM boards counted: the result file of kind "arm"."""

from __future__ import annotations

from dataclasses import dataclass

from convert.report.bench_results import Phases
from convert.report.decoding import check_positive, refuse


@dataclass(frozen=True, slots=True)
class Board:
    """A board profile: the core that is emulated and the system that runs on it."""

    title: str
    core: str
    clock_ghz: float
    mca_cpu: str | None
    system: str
    sysroot_digest: str
    versions: dict[str, str]
    dot_product: bool


@dataclass(frozen=True, slots=True)
class Modelled:
    """Modelled, not measured, time of one inference.

    `error_factor` is the model's median error, None where it was not validated.
    """

    cycles: float
    covered: float
    memory_ms: float
    ms: float
    error_factor: float | None


@dataclass(frozen=True, slots=True)
class Limit:
    """The fewest multiply-add instructions the core could do with; `ratio` is steady over it."""

    instruction: str
    macs_per_instruction: float
    instructions: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Op:
    """One operator's share of an inference."""

    name: str
    kind: str
    macs: int
    instructions: float


@dataclass(frozen=True, slots=True)
class ArmAccuracy:
    """Top-1 accuracy 0-1 over `count` test pictures of a data set."""

    count: int
    top1: float
    dataset: str = "CIFAR-10"  # before documents said so, it was that one that was stored


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One model file on one engine on one emulated board; counts are executed instructions."""

    board: str
    model: str
    precision: str
    engine: str
    engine_version: str
    sha256: str
    size_bytes: int
    macs: int | None
    phases: Phases | None
    preprocess: dict[str, float] | None
    steady: float
    classify: float | None
    cold_start: float | None
    cold_start_bare: float | None
    modelled: Modelled | None
    limit: Limit | None
    ops: tuple[Op, ...] | None
    accuracy: ArmAccuracy | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers on an emulated board against those on x86-64; steps are of the output's scale."""

    board: str
    engine: str
    engine_version: str
    pictures: int
    top1_identical: int
    ties: int
    max_step: float
    differing_outputs: int


@dataclass(frozen=True, slots=True)
class PublishedTime:
    """A time somebody measured on a real board, and ours for the same network; `factor` >= 1."""

    network: str
    precision: str
    board: str
    core: str
    threads: int
    published_ms: float
    engine: str
    source: str
    modelled_ms: float
    factor: float


@dataclass(frozen=True, slots=True)
class Validation:
    """How far modelled times are from published ones.

    Stands in the result file of kind "arm", and in one of its own, with its date and command.
    """

    rows: tuple[PublishedTime, ...]
    median_factor: float
    within_1_5: int
    median_factor_by_board: dict[str, float] | None = None
    date: str | None = None
    command: str | None = None

    def check(self, where: str, place: str = "") -> None:
        """Raise `ResultError` where fields contradict each other."""
        near = sum(row.factor <= 1.5 for row in self.rows)
        if self.within_1_5 != near:
            refuse(where, f"{place}within_1_5", f"{near}, as the rows say", self.within_1_5)


@dataclass(frozen=True, slots=True)
class MissingRun:
    """An engine that was not counted on an emulated board, and why."""

    board: str
    engine: str
    reason: str


@dataclass(frozen=True, slots=True)
class Arm:
    """All emulated boards of one run."""

    date: str
    command: str
    tools: dict[str, str]
    boards: dict[str, Board]
    runs: tuple[ArmRun, ...]
    agreement: tuple[Agreement, ...]
    validation: Validation | None
    missing: tuple[MissingRun, ...] = ()

    def check(self, where: str) -> None:
        """Raise `ResultError` where fields contradict each other."""
        rows: tuple[tuple[str, tuple[ArmRun | Agreement | MissingRun, ...]], ...] = (
            ("runs", self.runs),
            ("agreement", self.agreement),
            ("missing", self.missing),
        )
        for name, items in rows:
            for index, item in enumerate(items):
                if item.board not in self.boards:
                    refuse(
                        where, f"{name}[{index}].board", f"one of {list(self.boards)}", item.board
                    )
        for index, run in enumerate(self.runs):
            counts: dict[str, float | None] = {
                "size_bytes": run.size_bytes,
                "steady": run.steady,
                "cold_start": run.cold_start,
                "cold_start_bare": run.cold_start_bare,
                "accuracy.count": None if run.accuracy is None else run.accuracy.count,
                "modelled.ms": None if run.modelled is None else run.modelled.ms,
            }
            for name, value in counts.items():
                check_positive(where, f"runs[{index}].{name}", value)
        if self.validation is not None:
            self.validation.check(where, "validation.")

    def board_title(self, board: str) -> str:
        """Return the title of the board with the key `board`."""
        return self.boards[board].title
