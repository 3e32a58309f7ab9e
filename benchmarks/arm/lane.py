"""A board through the whole lane: its sysroot, every model, the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.arm.agreement import Agreement, board_agreement
from benchmarks.arm.baseline import Baseline, Counted
from benchmarks.arm.boards import LITERT, Board
from benchmarks.arm.candidates import TFLITE, Candidate
from benchmarks.arm.comparison import read_validation, validated_factor
from benchmarks.arm.emulator import Emulator
from benchmarks.arm.errors import LaneError
from benchmarks.arm.inference_time import inference_time
from benchmarks.arm.measurement import (
    Cost,
    Rounds,
    bare_cost,
    engine_cost,
    operator_costs,
    package_cost,
    run_json,
)
from benchmarks.arm.peers import PEERS, Peer
from benchmarks.arm.sysroot import Sysroot, build_sysroot
from benchmarks.arm.wheels import install_peer, install_wheel


@dataclass(frozen=True, slots=True)
class Material:
    """What is counted, the same for every board.

    Attributes:
        candidates: The models.
        wheel: The device package.
        picture: A .npy file with one uint8 (H, W, 3) picture of the models' size.
        png: A larger picture as a PNG file.
        pictures: uint8 (n, H, W, 3), to be answered.
        pictures_digest: SHA-256 of the test pictures of which they are the first.
        labels: The compiled model's labels.
        accuracy: Top-1 of a TFLite model on this machine's LiteRT, by the file's SHA-256.
        accuracy_count: On how many test pictures.
        dataset: Name of the data set that they are of.
    """

    candidates: Sequence[Candidate]
    wheel: Path
    picture: Path
    png: Path
    pictures: NDArray[np.uint8]
    pictures_digest: str
    labels: tuple[str, ...]
    accuracy: Mapping[str, float]
    accuracy_count: int
    dataset: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is done.

    Attributes:
        work: Folder of the lane.
        mirror: Debian mirror; None is the machine's.
        rounds: How often a steady call is made.
        operators: Whether each operator is counted.
        cycles: Whether time is modelled.
        peers: Whether other engines are counted.
    """

    work: Path
    mirror: str | None = None
    rounds: Rounds = field(default_factory=Rounds)
    operators: bool = True
    cycles: bool = True
    peers: bool = True


@dataclass(frozen=True, slots=True)
class BoardResult:
    """What the lane found on one board.

    Attributes:
        description: The board as JSON values.
        runs: One JSON entry for each model and engine.
        agreement: The compiled model's answers beside this machine's; JSON values.
        baseline: What a later run is compared with.
        missing: What could not be counted, and why.
    """

    description: dict[str, Any]
    runs: list[dict[str, Any]]
    agreement: dict[str, Any]
    baseline: Baseline
    missing: list[dict[str, str]]


def run_board(
    board: Board, material: Material, settings: Settings, *, say: Callable[[str], None]
) -> BoardResult:
    """Count every model on one board and compare its answers.

    Raises:
        LaneError: The sysroot cannot be built or our own model does not run.
    """
    say(f"{board.title}: {board.system.title}")
    sysroot = build_sysroot(board.system, work=settings.work, mirror=settings.mirror)
    site = install_wheel(material.wheel, sysroot, work=settings.work)
    emulator = Emulator(board, sysroot, work=settings.work, search=[site])
    runtime = board.system.runtime
    version = sysroot.versions[runtime]
    runs, missing = [], []
    for candidate in material.candidates:
        if candidate.kind != TFLITE:
            continue
        say(f"  {candidate.model}, {candidate.precision}, {runtime} {version}")
        cost, modelled = _count(candidate, emulator, material, settings)
        entry = run_json(candidate, board, cost, engine=runtime, version=version)
        accuracy = None
        if runtime == LITERT:  # what this machine's answers come from; others round otherwise
            accuracy = {
                "dataset": material.dataset,
                "count": material.accuracy_count,
                "top1": material.accuracy[candidate.sha256],
            }
        runs.append(entry | {"modelled": modelled, "accuracy": accuracy})
    if settings.peers:
        for peer in PEERS:
            if peer.engine == runtime:
                continue
            found, reason = _peer_runs(peer, board, material, settings, say=say)
            runs += found
            if reason is not None:
                missing.append({"board": board.name, "engine": peer.engine, "reason": reason})
    ours = next(candidate for candidate in material.candidates if candidate.compiled is not None)
    say(f"  {len(material.pictures)} answers")
    agreement = board_agreement(ours, emulator, material.pictures)
    return BoardResult(
        description=describe_board(board, sysroot),
        runs=runs,
        agreement=agreement.to_json(board=board.name, engine=runtime, version=version),
        baseline=_baseline(board, sysroot, runs, agreement, material),
        missing=missing,
    )


def describe_board(board: Board, sysroot: Sysroot) -> dict[str, Any]:
    """Return the board as JSON values."""
    names = ("python3", "numpy", "python3-numpy", LITERT, "tflite-runtime", "libc6")
    return {
        "title": board.title,
        "core": board.core,
        "clock_ghz": board.clock_ghz,
        "mca_cpu": board.mca_cpu,
        "system": board.system.title,
        "sysroot_digest": sysroot.digest,
        "versions": {name: sysroot.versions[name] for name in names if name in sysroot.versions},
        "dot_product": board.dot_product,
    }


def _count(
    candidate: Candidate, emulator: Emulator, material: Material, settings: Settings
) -> tuple[Cost, dict[str, Any] | None]:
    """Count a TFLite model with the board's own runtime."""
    blocks = _blocks_file(emulator.board, candidate, "runtime", settings)
    if candidate.compiled is None:
        cost = bare_cost(
            candidate, emulator, settings.rounds, picture=material.picture, blocks=blocks
        )
    else:
        cost = package_cost(
            candidate,
            emulator,
            settings.rounds,
            picture=material.picture,
            png=material.png,
            blocks=blocks,
        )
    own = any(other.compiled and other.model == candidate.model for other in material.candidates)
    if settings.operators and own:
        cost = replace(cost, operators=operator_costs(candidate, emulator, settings.rounds))
    return cost, _modelled(emulator.board, blocks, settings)


def _peer_runs(
    peer: Peer,
    board: Board,
    material: Material,
    settings: Settings,
    *,
    say: Callable[[str], None],
) -> tuple[list[dict[str, Any]], str | None]:
    """Count our model on another engine; the reason if it does not run there."""
    system = peer.system(board)
    if system is None:
        return [], f"no wheel for {board.system.title}"
    ours = {candidate.model for candidate in material.candidates if candidate.compiled is not None}
    runs = []
    try:
        sysroot = build_sysroot(system, work=settings.work, mirror=settings.mirror)
        site = install_peer(peer.requirements, sysroot, work=settings.work)
        emulator = Emulator(board, sysroot, work=settings.work, search=[site])
        for candidate in material.candidates:
            if candidate.kind != peer.kind or candidate.model not in ours:
                continue
            say(f"  {candidate.model}, {candidate.precision}, {peer.engine} {peer.version}")
            blocks = _blocks_file(board, candidate, peer.engine, settings)
            cost = engine_cost(
                candidate,
                emulator,
                settings.rounds,
                engine=peer.engine,
                picture=material.picture,
                blocks=blocks,
            )
            entry = run_json(candidate, board, cost, engine=peer.engine, version=peer.version)
            runs.append(entry | {"modelled": _modelled(board, blocks, settings)})
    except LaneError as error:
        return runs, str(error)
    return runs, None


def _blocks_file(
    board: Board, candidate: Candidate, engine: str, settings: Settings
) -> Path | None:
    if not settings.cycles or board.mca_cpu is None:
        return None
    folder = settings.work / "blocks"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{board.name}-{candidate.model}-{candidate.precision}-{engine}.blocks"
    return folder / name.replace(" ", "-")


def _modelled(board: Board, blocks: Path | None, settings: Settings) -> dict[str, Any] | None:
    """Model the time of the steady inferences whose blocks were written."""
    if blocks is None or board.mca_cpu is None:
        return None
    found = inference_time(
        board, blocks, runs=settings.rounds.calls, cache=settings.work / "scheduled.json"
    )
    return {
        "cycles": round(found.modelled.cycles),
        "covered": found.modelled.covered,
        "memory_ms": found.wait.ms,
        "ms": found.ms,
        "error_factor": validated_factor(read_validation(), found.modelled.llvm),
    }


def _baseline(
    board: Board,
    sysroot: Sysroot,
    runs: Sequence[dict[str, Any]],
    agreement: Agreement,
    material: Material,
) -> Baseline:
    runtime = board.system.runtime
    counts = {
        f"{run['model']} {run['precision']}": Counted(run["steady"], run["classify"])
        for run in runs
        if run["engine"] == runtime
    }
    return Baseline(
        board=board.name,
        runtime=f"{runtime} {sysroot.versions[runtime]}",
        sysroot=sysroot.digest,
        counts=counts,
        pictures=material.pictures_digest,
        answers=tuple(material.labels[label] for label in agreement.labels),
    )
