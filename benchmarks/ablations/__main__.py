"""Train short runs that differ in one thing each and compare them on validation pictures.

The base is the recipe `quick` of the named model with --options; each variant adds options of its
own. Runs stand one after another in --folder: a killed command goes on where it was. The figures
say how far seeds are apart and go to NAME.json in --out, from which
`python -m benchmarks.ablations.document` makes a section of docs/training.md. Test pictures are not
looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ablations.document import PAGE
from benchmarks.ablations.runs import Run, run_training
from benchmarks.ablations.table import ablation_table, changed_table, rows
from benchmarks.ablations.variants import BASE, VARIANTS
from benchmarks.result import Result, conclude, result_of, write_result
from convert.command import run_command
from convert.options import positive_integer
from convert.report.text import table
from convert.training.family import FAMILY
from convert.training.reading import is_folder

NAME = "ablations"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(given)
    missing = [name for name in options.variants if VARIANTS[name].teacher]
    if not options.teacher and missing:
        parser.error(f"{missing[0]!r} needs --teacher")
    result = _train(options, ["benchmarks.ablations", *given])
    for part in result.tables:
        print(f"{part.caption}\n{table(part.columns, part.rows)}\n{part.note}")
    return conclude(result, options.out)


def _train(options: argparse.Namespace, command: Sequence[str]) -> Result:
    """Train every variant with every seed; the result is written anew after each run."""
    runs: list[Run] = []
    # Seed by seed: a comparison of all variants stands as early as possible.
    for seed in range(1, options.seeds + 1):
        for name in options.variants:
            folder = options.folder / _folder_name(options) / f"{name.replace(' ', '-')}-{seed}"
            print(f"{name}, seed {seed}: {folder}", file=sys.stderr, flush=True)
            run = run_training(
                name, _words(options, name), data=options.data, seed=seed, folder=folder
            )
            runs.append(run)
            result = _result(options, command, runs, folder / "training.json")
            write_result(result, options.out)
    return result


def _words(options: argparse.Namespace, variant: str) -> list[str]:
    """Options of `python -m convert.train`; the later ones win."""
    count = [] if options.train_count is None else ["--train-count", str(options.train_count)]
    return [
        *("--model", options.model, "--epochs", str(options.epochs), *count),
        *shlex.split(options.options),
        *VARIANTS[variant].words(options.teacher),
    ]


def _folder_name(options: argparse.Namespace) -> str:
    """Runs of another base stand in another folder."""
    base = f"{options.options} {_digests(options.teacher)} {options.train_count}"
    if is_folder(options.data):
        base += f" {options.data.name}"
    return f"{options.model}-{options.epochs}-{hashlib.sha256(base.encode()).hexdigest()[:8]}"


def _result(
    options: argparse.Namespace, command: Sequence[str], runs: Sequence[Run], record: Path
) -> Result:
    trained = json.loads(record.read_bytes())
    count = trained["data"]["splits"]["train"]["count"]
    versions = trained["versions"]
    note = (
        f"{count:,} training pictures, {trained['results']['validation']['count']:,} validation "
        f"pictures, on which the accuracies are; options of all: {options.options or 'none'}. "
        f"Gain: mean difference to the base with the same seed. ±: standard deviation over seeds. "
    )
    if options.teacher:
        names = " and ".join(path.parent.name for path in options.teacher)
        note += f"Teacher: {names}, SHA-256 {_digests(options.teacher)}. "
    note += ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    found, title = rows(runs), f"{options.model}, {options.epochs} epochs"
    changed_note = "The same runs; each float model, each validation picture changed; ± as above."
    return result_of(
        options.name,
        command,
        [
            ablation_table(found, caption=title, note=note),
            changed_table(found, caption=f"{title}, changed pictures", note=changed_note),
        ],
    )


def _digests(paths: Sequence[Path]) -> str | None:
    """SHA-256 of each file; None without one."""
    return " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths) or None


def _variants(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {','.join(VARIANTS)}, got {unknown[0]!r}"
        )
    return names


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", text):
        raise argparse.ArgumentTypeError(f"expected letters a-z and dashes between, got {text!r}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="CIFAR-10 (binary) or image folder")
    add("--model", choices=tuple(FAMILY), default="minivgg-nano", help="(%(default)s)")
    add("--epochs", type=positive_integer, default=30, help="(%(default)s)")
    add("--train-count", type=positive_integer, metavar="N", help="train on N pictures only")
    add("--options", default="", help="more options of convert.train, for all runs")
    add("--teacher", type=Path, nargs="+", default=(), metavar="FILE", help="see convert.train")
    add(
        "--variants",
        type=_variants,
        default=tuple(name for name, variant in VARIANTS.items() if not variant.teacher),
        metavar="A,B,...",
        help=f"some of {','.join(VARIANTS)}; default: those without a teacher; {BASE!r} is what "
        "gains are counted from",
    )
    add("--seeds", type=positive_integer, default=2, help="seeds 1 to this (%(default)s)")
    add("--folder", type=Path, default=Path("runs/ablations"), help="of the runs (%(default)s)")
    add("--name", type=_name, default=NAME, help="of the result (%(default)s)")
    add("--out", type=Path, default=PAGE.stored, metavar="DIR", help="default: the stored results")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
