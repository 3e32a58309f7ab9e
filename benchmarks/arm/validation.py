"""Compare modelled times with published times of boards.

Runs each network of published.json under QEMU for its executed blocks and its cache lines, models
its time as for our own models, and prints it beside what was measured on the board.
What was counted is kept below the work folder, so a second run only models again.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.arm.boards import BOARDS, BOOKWORM
from benchmarks.arm.comparison import MEASURED, Row, to_json
from benchmarks.arm.process import run
from benchmarks.arm.published import Measurement, read
from convert.command import EXIT_DONE, run_command

if TYPE_CHECKING:
    from benchmarks.arm.networks import NetworkFile

WORK_FOLDER = Path("out/arm")
_HERE = Path(__file__).parent
_WORKLOAD = _HERE / "workloads" / "network.py"
# tflite-runtime is built against numpy 1; the other engines take the sysroot's.
_COMPANIONS = {"tflite-runtime": ("numpy==1.26.4",)}
_IN_SYSROOT = "ai-edge-litert"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from benchmarks.arm.programs import check_programs
    from benchmarks.arm.validation_tables import renew, to_text
    from convert.atomic import write_output

    wanted = [entry for entry in read() if options.board in (None, entry.board)]
    check_programs([BOARDS[entry.board] for entry in wanted], cycles=True)
    rows = [compare(entry, work=options.work, say=_say) for entry in wanted]
    document: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.arm.validation", *given]),
        "qemu": run(["qemu-aarch64", "--version"]).split()[2],
        **to_json(rows),
    }
    data = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_output(options.out or _output(options.board), data.encode("utf-8"), force=True)
    if options.document is not None:
        text = renew(options.document.read_text("utf-8"), document, where=str(options.document))
        write_output(options.document, text.encode("utf-8"), force=True)
    print(to_text(document))
    return EXIT_DONE


def _output(board: str | None) -> Path:
    """One board's rows do not replace what the lane takes for all."""
    return MEASURED if board is None else MEASURED.with_stem(f"{MEASURED.stem}-{board}")


def compare(measurement: Measurement, *, work: Path, say: Callable[[str], None]) -> Row:
    """Model one published measurement.

    Args:
        measurement: What was published.
        work: Folder of the lane.
        say: Is told what is being run.

    Raises:
        LaneError: The network does not run there.
    """
    from benchmarks.arm import networks
    from benchmarks.arm.inference_time import inference_time

    engine = measurement.run_engine
    say(f"{measurement.network} {measurement.precision}, {measurement.board}, {engine}")
    network = networks.build(
        measurement.network, measurement.precision, engine, folder=work / "networks"
    )
    return Row(
        measurement,
        inference_time(
            BOARDS[measurement.board],
            _blocks(measurement, network, work),
            runs=1,
            cache=work / "scheduled.json",
            clock_ghz=measurement.clock_ghz,
        ),
    )


def _blocks(measurement: Measurement, network: NetworkFile, work: Path) -> Path:
    """Count an inference, or find what an earlier run counted of the same."""
    folder = work / "validation"
    name = f"{measurement.board}-{network.path.stem}-{measurement.run_engine}"
    blocks, stamp = folder / f"{name}.blocks", folder / f"{name}.digest"
    digest = _digest(measurement, network)
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != digest:
        # An older stamp may fit again after an interrupted run, whose counts are not whole.
        stamp.unlink(missing_ok=True)
        _run(measurement, network, work, blocks=blocks)
        stamp.write_text(digest, encoding="ascii")
    return blocks


def _digest(measurement: Measurement, network: NetworkFile) -> str:
    """Of all that decides what is executed."""
    from benchmarks.arm import memory

    sources = [_WORKLOAD, _HERE / "counter.c", _HERE / "cache.c", network.path]
    board = BOARDS[measurement.board]
    parts = [board.qemu_cpu, board.cpuinfo, repr(memory.MEMORIES[board.name].caches)]
    parts += [measurement.run_with, repr((BOOKWORM.packages, BOOKWORM.requirements))]
    digest = hashlib.sha256("\n".join(parts).encode("utf-8"))
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(measurement: Measurement, network: NetworkFile, work: Path, *, blocks: Path) -> None:
    from benchmarks.arm.emulator import Emulator
    from benchmarks.arm.sysroot import build_sysroot
    from benchmarks.arm.wheels import install_peer

    # All engines have wheels for the older system's Python; kernels do not depend on it.
    board = replace(BOARDS[measurement.board], system=BOOKWORM)
    sysroot = build_sysroot(BOOKWORM, work=work)
    search = []
    if measurement.run_engine != _IN_SYSROOT:
        wheels = (measurement.run_with, *_COMPANIONS.get(measurement.run_engine, ()))
        search = [install_peer(wheels, sysroot, work=work)]
    # A folder of its own: the lane may be running too.
    emulator = Emulator(board, sysroot, work=work / "validation", search=search)
    weights = "-" if network.weights is None else str(network.weights.resolve())
    arguments = [measurement.run_engine, str(network.path.resolve()), weights, str(network.size)]
    emulator.count(_WORKLOAD, *arguments, blocks=blocks, between=(0, 1))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.arm.validation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    boards = sorted({entry.board for entry in read()})
    parser.add_argument("--board", choices=boards, help="only one; default: all")
    parser.add_argument(
        "--out", type=Path, help=f"default: {MEASURED}, which the lane reads; for one board beside"
    )
    parser.add_argument(
        "--document", type=Path, metavar="FILE", help="renew the table between its two markers"
    )
    parser.add_argument("--work", type=Path, default=WORK_FOLDER, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
