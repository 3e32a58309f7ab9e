"""Count what an inference costs on emulated Raspberry Pis, and compare with the stored baseline.

Runs the built wheel and the real runtime wheels on Debian's packages under QEMU user mode, as Pi 3,
4 and 5 and as a 32-bit Pi. Counted instructions and modelled cycles are costs, not times: what QEMU
itself takes says nothing about a board. Exit code 1: an inference costs more or an answer changed;
3: there is no baseline for this runtime.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.arm.boards import BOARDS
from benchmarks.arm.options import boards
from convert.command import (
    EXIT_DONE,
    EXIT_GATE_FAILED,
    EXIT_NOT_ENOUGH_EVIDENCE,
    run_command,
)
from convert.options import positive_integer

if TYPE_CHECKING:
    from benchmarks.arm.lane import BoardResult

DEFAULT_OUTPUT = Path("out/arm/arm.json")
WORK_FOLDER = Path("out/arm")
BASELINES = Path(__file__).with_name("baselines")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from benchmarks.arm.document import to_document, to_text
    from benchmarks.arm.lane import Settings, run_board
    from benchmarks.arm.material import load_material
    from benchmarks.arm.programs import check_programs
    from convert.atomic import write_output

    check_programs(options.boards, cycles=options.cycles)
    material = load_material(
        options.data,
        pictures=options.pictures,
        work=options.work,
        peers=options.peers,
        say=_say,
    )
    settings = Settings(
        work=options.work,
        mirror=options.mirror,
        operators=options.operators,
        cycles=options.cycles,
        peers=options.peers,
    )
    results = [run_board(board, material, settings, say=_say) for board in options.boards]
    document = to_document(
        results,
        date=datetime.date.today().isoformat(),
        command=" ".join(["python -m benchmarks.arm", *given]),
    )
    data = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_output(options.out, data.encode("utf-8"), force=True)
    print(to_text(document))
    if options.update_baseline:
        return _store(results)
    return _judge(results)


def _store(results: Sequence[BoardResult]) -> int:
    from convert.atomic import write_output

    for result in results:
        data = json.dumps(result.baseline.to_json(), indent=1) + "\n"
        path = BASELINES / f"{result.baseline.board}.json"
        path.parent.mkdir(exist_ok=True)
        write_output(path, data.encode("utf-8"), force=True)
        print(f"Stored {path.name}")
    return EXIT_DONE


def _judge(results: Sequence[BoardResult]) -> int:
    from benchmarks.arm.baseline import check, read_baseline

    code = EXIT_DONE
    for result in results:
        board = result.baseline.board
        verdict = check(read_baseline(BASELINES / f"{board}.json"), result.baseline)
        for note in verdict.notes:
            print(f"note: {note}")
        for failure in verdict.failures:
            print(f"failed: {failure}")
            code = EXIT_GATE_FAILED
        if verdict.unknown is not None:
            print(f"not compared: {verdict.unknown}; --update-baseline stores one")
            code = code or EXIT_NOT_ENOUGH_EVIDENCE
        elif not verdict.failures:
            print(f"{board}: as in the baseline")
    return code


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.arm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--boards",
        type=boards,
        default=tuple(BOARDS.values()),
        metavar="A,B,...",
        help=f"some of {','.join(BOARDS)}; default: all",
    )
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add(
        "--pictures",
        type=positive_integer,
        default=1000,
        help="answered on each board; default: %(default)s",
    )
    add("--out", type=Path, default=DEFAULT_OUTPUT, help=f"default: {DEFAULT_OUTPUT}")
    add("--work", type=Path, default=WORK_FOLDER, help="sysroots and models; default: %(default)s")
    add("--mirror", metavar="URL", help="Debian mirror; default: the one that apt uses here")
    add("--no-peers", dest="peers", action="store_false", help="only our own models")
    add("--no-operators", dest="operators", action="store_false", help="only whole inferences")
    add("--no-cycles", dest="cycles", action="store_false", help="no modelled time")
    add("--update-baseline", action="store_true", help="store what this run found as the baseline")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
