"""Throw damaged models, pictures and manifests at the device package, on both runtimes.

Each case runs in a child process. A damaged model has to be refused with a typed error before
native code sees it, or answer exactly as the undamaged one; a picture has to be refused or become
pixels, within the memory that the limit of pixels implies; a manifest has to be refused or survive
being written and read. Anything else, a crash or a silence fails the run, and its input is kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.reliability.fuzz.environments import RUNTIMES, Target, find_target
from benchmarks.reliability.fuzz.kinds import GROUPS, KINDS, Kind, Material, counts, find_kind
from benchmarks.reliability.fuzz.results import failed, outcome_table, refusal_table, total_table
from benchmarks.reliability.fuzz.session import ANSWERED, REFUSED, Session, Tally, save_failure
from benchmarks.reliability.places import MEASURED
from benchmarks.result import result_of, write_result
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.errors import DataError
from convert.options import finite_number, non_negative_integer, positive_integer
from convert.report.markdown import table_markdown
from minivgg_edge.catalog import load_model

NAME = "fuzz"
FAILURES = MEASURED / "failures"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    targets, missing = _targets(options.runtimes)
    material = Material(Path(load_model().source))
    if options.replay is not None:
        return _replay(options.replay, targets, material)
    tallies, titles, failures = _run(options, targets, material)
    tables = [total_table(tallies), outcome_table(tallies, titles), refusal_table(tallies)]
    command = ["benchmarks.reliability.fuzz", *given]
    result = result_of(NAME, command, tables, (*failures, *missing))
    for table in tables:
        print(table_markdown(table))
    for sentence in result.failures:
        print(sentence)
    print(f"written to {write_result(result, MEASURED)}")
    return EXIT_GATE_FAILED if result.failures or failed(tallies) else EXIT_DONE


def _targets(names: Sequence[str]) -> tuple[list[Target], list[str]]:
    """Return the environments, and a sentence for each that cannot be made."""
    found, missing = [], []
    for name in names:
        try:
            found.append(find_target(name))
        except PeerUnavailableError as error:
            missing.append(f"{name}: not tried: {error}")
    if not found:
        raise DataError("; ".join(missing))
    return found, missing


def _run(
    options: argparse.Namespace, targets: Sequence[Target], material: Material
) -> tuple[list[Tally], dict[str, str], list[str]]:
    """Run rounds with seeds that follow each other: one, or as many as the time allows."""
    kinds = options.only or KINDS
    shares = counts(kinds, None if options.cases is None else options.cases // len(targets))
    end = time.monotonic() + 60 * (options.minutes or 0)
    tallies: dict[tuple[str, str], Tally] = {}
    titles, sentences, number = {}, [], options.seed
    while True:
        for target in targets:
            with Session(target, material) as session:
                titles[target.name] = session.title
                for kind in kinds:
                    _say(f"seed {number}, {target.name}: {kind.title}")
                    tally, failures = session.run_kind(kind, seed=number, count=shares[kind.slug])
                    sentences += [save_failure(failure, FAILURES) for failure in failures]
                    whole = tallies.setdefault((kind.slug, target.name), Tally(kind, target.name))
                    whole.outcomes.update(tally.outcomes)
                    whole.errors.update(tally.errors)
        number += 1
        if time.monotonic() >= end:
            return list(tallies.values()), titles, sentences


def _replay(path: Path, targets: Sequence[Target], material: Material) -> int:
    """Run one kept input again; its name says of which kind it is."""
    try:
        kind = find_kind(path.name.split(".", 1)[0])
    except LookupError as error:
        raise DataError(f"{path}: a kept input's name starts with its kind: {error}") from error
    is_fine = True
    for target in targets:
        with Session(target, material) as session:
            outcome, answer = session.run_case(kind, path.read_bytes())
            print(f"{session.title}: {outcome}: {answer}")
            is_fine = is_fine and outcome in (REFUSED, ANSWERED)
    return EXIT_DONE if is_fine else EXIT_GATE_FAILED


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _kinds(text: str) -> tuple[Kind, ...]:
    chosen: list[Kind] = []
    for word in text.split(","):
        group = [kind for kind in KINDS if word in (kind.group, kind.slug)]
        if not group:
            known = ", ".join((*GROUPS, *(kind.slug for kind in KINDS)))
            raise argparse.ArgumentTypeError(f"expected some of {known}, got {word!r}")
        chosen += group
    return tuple(dict.fromkeys(chosen))


def _runtimes(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = sorted(set(names) - set(RUNTIMES))
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {','.join(RUNTIMES)}, got {unknown[0]!r}"
        )
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=non_negative_integer, default=1, help="of the cases; default: %(default)s")
    add(
        "--cases",
        type=positive_integer,
        metavar="N",
        help="about so many over all kinds and runtimes; default: "
        f"{sum(kind.count for kind in KINDS):,} on each runtime",
    )
    add(
        "--minutes",
        type=finite_number,
        help="go on with further seeds for so long; the round that has begun is finished",
    )
    add("--only", type=_kinds, metavar="KIND,...", help=f"{', '.join(GROUPS)}, or single kinds")
    add(
        "--runtimes",
        type=_runtimes,
        default=RUNTIMES,
        metavar="A,B",
        help=f"default: {','.join(RUNTIMES)}",
    )
    add("--replay", type=Path, metavar="FILE", help="run one kept input again, and nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
