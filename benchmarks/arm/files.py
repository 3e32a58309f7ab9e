"""Count what given model files cost on emulated Raspberry Pis, one inference each.

Takes any TFLite classifier from (1, H, W, 3), a compiled model or a bare flatbuffer, and runs it on
the bare runtime of the board, as `python -m benchmarks.arm` runs its own models. What QEMU itself
takes says nothing about a board. Exit code 2: a file does not run there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.arm.boards import PI5, Board
from benchmarks.arm.candidates import TFLITE, Candidate
from benchmarks.arm.emulator import Emulator
from benchmarks.arm.errors import LaneError
from benchmarks.arm.inference_time import inference_time
from benchmarks.arm.measurement import Rounds, bare_cost
from benchmarks.arm.options import boards
from benchmarks.arm.programs import check_programs
from benchmarks.arm.sysroot import build_sysroot
from convert.command import EXIT_DONE, run_command
from convert.int8.audit import describe
from convert.report.text import millions, table

WORK = Path("out") / "arm"


@dataclass(frozen=True, slots=True)
class FileCost:
    """What one inference of a file costs on a board.

    Attributes:
        instructions: set the input, invoke, fetch the output.
        first: of the first inference, which packs weights.
        load: of loading the model.
        modelled_ms: modelled time; None where it was not asked for or the board has no model.
    """

    instructions: int
    first: int
    load: int
    modelled_ms: float | None = None


def count_files(
    files: Mapping[str, bytes],
    board: Board,
    *,
    work: Path = WORK,
    mirror: str | None = None,
    cycles: bool = False,
    rounds: Rounds | None = None,
) -> dict[str, FileCost]:
    """Count models on a board; its sysroot is built below `work` unless it is there.

    Args:
        files: flatbuffers by name; what is appended to them is ignored by the runtime.
        board: which.
        work: folder of the lane. What is written besides goes to a folder of its own in it, so that
            a run of the whole lane may go on beside.
        mirror: Debian mirror; None is the machine's.
        cycles: whether to model the time too.
        rounds: how often; None is the lane's own.

    Raises:
        AuditError: a file is no such model.
        LaneError: the board cannot be emulated, or a model does not run on it.
    """
    check_programs([board], cycles=cycles)
    sysroot = build_sysroot(board.system, work=work, mirror=mirror)
    rounds = rounds or Rounds()
    costs = {}
    with tempfile.TemporaryDirectory(dir=work, prefix="files-") as name:
        folder = Path(name)
        emulator = Emulator(board, sysroot, work=folder)
        for title, flatbuffer in files.items():
            candidate = _candidate(title, flatbuffer, folder / "model.tflite")
            picture = folder / "picture.npy"
            shape = candidate.input_shape[1:]
            random = np.random.default_rng(0)
            np.save(picture, random.integers(0, 256, shape, dtype=np.uint8))
            blocks = folder / "model.blocks" if cycles and board.mca_cpu is not None else None
            cost = bare_cost(candidate, emulator, rounds, picture=picture, blocks=blocks)
            phases = cost.phases or {}
            modelled_ms = None
            if blocks is not None:
                modelled_ms = inference_time(board, blocks, runs=rounds.calls).ms
            costs[title] = FileCost(cost.steady, phases["first"], phases["load"], modelled_ms)
    return costs


def _candidate(title: str, flatbuffer: bytes, path: Path) -> Candidate:
    found = describe(flatbuffer)
    path.write_bytes(flatbuffer)
    return Candidate(
        model=title,
        precision=found.input.dtype,
        kind=TFLITE,
        path=path.resolve(),
        compiled=None,
        size_bytes=len(flatbuffer),
        sha256="",
        macs=found.macs,
        input_shape=found.input.shape,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    files = {path.name: path.read_bytes() for path in options.files}
    if len(files) < len(options.files):
        raise LaneError("expected files of different names")
    for board in options.boards:
        costs = count_files(
            files, board, work=options.work, mirror=options.mirror, cycles=options.cycles
        )
        cells = [
            [
                name,
                millions(cost.instructions),
                millions(cost.first),
                millions(cost.load),
                "-" if cost.modelled_ms is None else f"{cost.modelled_ms:.2f}",
            ]
            for name, cost in costs.items()
        ]
        header = [board.title, "M instructions", "first inference", "load", "modelled ms"]
        print(table(header, cells))
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.arm.files",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="MODEL.tflite")
    add("--boards", type=boards, default=(PI5,), metavar="A,B,...", help="default: pi5")
    add("--cycles", action="store_true", help="model the time too, which takes minutes")
    add("--work", type=Path, default=WORK, help="sysroots; default: %(default)s")
    add("--mirror", metavar="URL", help="Debian mirror; default: the one that apt uses here")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
