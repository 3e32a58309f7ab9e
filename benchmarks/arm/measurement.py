"""What one model costs on one emulated board."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.arm.boards import Board
from benchmarks.arm.candidates import Candidate
from benchmarks.arm.emulator import WORKLOADS, Emulator
from benchmarks.arm.limits import arithmetic_limit
from benchmarks.arm.prefixes import prefixes

_ENGINES_FILE = Path(__file__).parents[1] / "peers" / "engines.py"
# Without OpenSSL's SHA instructions, which the emulated cores have and a Pi 3 or 4 lacks.
_NO_SHA_INSTRUCTIONS = {"OPENSSL_armcap": "1"}


def _environment(board: Board) -> dict[str, str]:
    """Return what hides instructions that the emulated core has and the board lacks."""
    return {} if "sha2" in board.features.split() else _NO_SHA_INSTRUCTIONS


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often: counts hardly vary, so few are enough.

    Attributes:
        warmup: Calls before the measured ones. Python specializes its code in the first ones.
        calls: Measured calls.
    """

    warmup: int = 20
    calls: int = 20


@dataclass(frozen=True, slots=True)
class OperatorCost:
    """One operator: instructions of an inference that are its own."""

    name: str
    kind: str
    macs: int
    instructions: int

    def to_json(self) -> dict[str, Any]:
        """The cost as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "macs": self.macs,
            "instructions": self.instructions,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """Instructions of one model on one board with one engine.

    Attributes:
        steady: One inference: set the input, invoke, fetch the output.
        classify: One `Classifier.classify` of a picture of the model's size.
        phases: Of the start through the package, in order.
        cold_start: From Python's first instruction to the first answer of the package.
        cold_start_bare: The same with the bare runtime and numpy.
        preprocess: Of a 640x480 picture to the model's size, as an array and as a PNG's bytes.
        operators: Each operator of the graph, and what invoking costs besides.
    """

    steady: int
    classify: int | None = None
    phases: dict[str, int] | None = None
    cold_start: int | None = None
    cold_start_bare: int | None = None
    preprocess: dict[str, int] | None = None
    operators: tuple[OperatorCost, ...] | None = None


def bare_cost(
    candidate: Candidate,
    emulator: Emulator,
    rounds: Rounds,
    *,
    picture: Path,
    blocks: Path | None = None,
) -> Cost:
    """Count a TFLite model with the bare runtime of the board.

    Args:
        candidate: The model.
        emulator: The board.
        rounds: How often.
        picture: A .npy file with a uint8 (H, W, 3) picture of the model's size.
        blocks: Where to write the blocks that the steady inferences executed.

    Raises:
        LaneError: The model does not run there.
    """
    counts = emulator.count(
        WORKLOADS / "bare.py",
        *(str(candidate.path), str(picture), str(rounds.warmup), str(rounds.calls)),
        environment=_environment(emulator.board),
        blocks=blocks,
        between=(6, 7),
    )
    python, numpy, runtime, load, _, first, _, steady, *_ = counts.phases
    phases = {"python": python, "numpy": numpy, "runtime": runtime, "load": load, "first": first}
    return Cost(steady=steady // rounds.calls, phases=phases, cold_start_bare=sum(phases.values()))


def package_cost(
    candidate: Candidate,
    emulator: Emulator,
    rounds: Rounds,
    *,
    picture: Path,
    png: Path,
    blocks: Path | None = None,
) -> Cost:
    """Count a compiled model through the package; `steady` is that of the bare runtime.

    Args:
        candidate: A compiled model.
        emulator: The board, with the package among what it finds.
        rounds: How often.
        picture: See `bare_cost`.
        png: A picture file whose preprocessing is counted.
        blocks: See `bare_cost`.

    Raises:
        LaneError: The package does not run there.
        ValueError: The candidate is no compiled model.
    """
    if candidate.compiled is None:
        raise ValueError(f"{candidate.model}: expected a compiled model file")
    bare = bare_cost(candidate, emulator, rounds, picture=picture, blocks=blocks)
    environment = _environment(emulator.board)
    counts = emulator.count(
        WORKLOADS / "cold_start.py",
        *(str(candidate.compiled), str(picture), str(rounds.warmup), str(rounds.calls)),
        environment=environment,
    )
    names = ("python", "numpy", "runtime", "package", "load", "picture", "first")
    phases = dict(zip(names, counts.phases, strict=False))
    del phases["picture"]  # a program has its picture from a camera
    size = [str(side) for side in candidate.input_shape[1:3]]
    pictures = emulator.count(
        WORKLOADS / "preprocess.py",
        *(str(png), *size, str(rounds.warmup), str(rounds.calls)),
        environment=environment,
    )
    return Cost(
        steady=bare.steady,
        classify=counts.phases[8] // rounds.calls,
        phases=phases,
        cold_start=sum(phases.values()),
        cold_start_bare=bare.cold_start_bare,
        preprocess={
            "array": pictures.phases[1] // rounds.calls,
            "png": pictures.phases[3] // rounds.calls,
        },
    )


def engine_cost(
    candidate: Candidate,
    emulator: Emulator,
    rounds: Rounds,
    *,
    engine: str,
    picture: Path,
    blocks: Path | None = None,
) -> Cost:
    """Count a model with another engine, through the module that the peers' benchmark uses too.

    Raises:
        LaneError: The model does not run there.
    """
    counts = emulator.count(
        WORKLOADS / "engine.py",
        *(str(_ENGINES_FILE), engine, str(candidate.path), str(picture)),
        *(str(rounds.warmup), str(rounds.calls)),
        environment=_environment(emulator.board),
        blocks=blocks,
        between=(5, 6),
    )
    python, numpy, _, load, first, _, steady, *_ = counts.phases
    phases = {"python": python, "numpy": numpy, "load": load, "first": first}
    return Cost(steady=steady // rounds.calls, phases=phases, cold_start_bare=sum(phases.values()))


def operator_costs(
    candidate: Candidate, emulator: Emulator, rounds: Rounds
) -> tuple[OperatorCost, ...]:
    """Count each operator of a TFLite model as the difference of the models cut around it.

    The first operator's count includes what `invoke` costs besides the operators.

    Raises:
        LaneError: A model does not run there.
        ValueError: The model's graph is not a chain.
    """
    parts = prefixes(candidate.path.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, part in enumerate(parts):
            path = Path(folder) / f"{number:03}.tflite"
            path.write_bytes(part.flatbuffer)
            files.append(str(path))
        counts = emulator.count(
            WORKLOADS / "invoke.py",
            *(str(rounds.warmup), str(rounds.calls), *files),
            environment=_environment(emulator.board),
        )
    # Two marks a model: what lies between the second and the next first is loading.
    totals = [count // rounds.calls for count in counts.phases[1:-1:2]]
    return tuple(
        OperatorCost(part.name, part.kind, part.macs, total - before)
        for part, total, before in zip(parts, totals, [0, *totals[:-1]], strict=True)
    )


def run_json(
    candidate: Candidate, board: Board, cost: Cost, *, engine: str, version: str
) -> dict[str, Any]:
    """Return the JSON entry of one model, board and engine; modelled time is added elsewhere."""
    limit = arithmetic_limit(board, candidate.precision, candidate.macs)
    operators = cost.operators
    return {
        "board": board.name,
        "model": candidate.model,
        "precision": candidate.precision,
        "engine": engine,
        "engine_version": version,
        "sha256": candidate.sha256,
        "size_bytes": candidate.size_bytes,
        "macs": candidate.macs,
        "phases": cost.phases,
        "preprocess": cost.preprocess,
        "steady": cost.steady,
        "classify": cost.classify,
        "cold_start": cost.cold_start,
        "cold_start_bare": cost.cold_start_bare,
        "modelled": None,
        "limit": limit.to_json(cost.steady),
        "ops": None if operators is None else [operator.to_json() for operator in operators],
        "accuracy": None,
    }
