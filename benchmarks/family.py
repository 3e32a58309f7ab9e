"""Fill the README's table by which one of the published models is chosen.

It stands between `<!-- family:begin -->` and `<!-- family:end -->`, cheapest model first, beside
MLPerf Tiny's ResNet-8, and is made of the compiled files, their records and benchmarks/results.
`--check` changes nothing and exits with 1 if the README says something else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cards import ROBUSTNESS, stored_costs
from benchmarks.peers.contenders import RESNET8
from benchmarks.published import PublishedModel, published_models
from benchmarks.robustness.changes import AS_THEY_ARE, BLURRED, QUARTER
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.report.candidates import PI_NUMBERS, Candidate
from convert.report.readme import replace_between
from convert.report.text import percent, significant, size
from minivgg_edge.atomic import write_atomically

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- family:begin -->", "<!-- family:end -->"
_UNKNOWN = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    old = options.readme.read_text(encoding="utf-8")
    section = family_table(published_models(), stored_costs(), json.loads(ROBUSTNESS.read_bytes()))
    new = replace_between(old, (BEGIN, END), section, where=str(options.readme))
    if new == old:
        return EXIT_DONE
    if options.check:
        print(f"{options.readme}: run `python -m benchmarks.family`")
        return EXIT_GATE_FAILED
    write_atomically(options.readme, new.encode("utf-8"))
    print(f"{options.readme}: written")
    return EXIT_DONE


def family_table(
    models: Sequence[PublishedModel],
    costs: Mapping[str, Candidate],
    robustness: Mapping[str, Any],
) -> str:
    """Return the table as Markdown.

    Args:
        models: the published ones, with their records.
        costs: what emulated boards counted, by model.
        robustness: the stored document of `benchmarks.robustness`.
    """
    columns = [
        "model",
        "int8, test pictures",
        "a quarter as bright",
        "blurred",
        f"M instructions, Pi {' / '.join(PI_NUMBERS.values())}",
        "file",
        "layers",
    ]
    rows = [
        columns,
        [":--", *["--:"] * 5, ":--"],
    ]
    rows += [
        [
            f"[`{model.name}`](models/{model.name}/README.md)",
            percent(float(model.run.comparison("test")["target_top1"])),
            *_changed(model.name, model.file.sha256, robustness),
            _instructions(costs.get(model.name), model.file.sha256),
            size(model.file.size_bytes),
            _layers(model.run.training["architecture"]),
        ]
        for model in sorted(models, key=lambda model: _cost(costs.get(model.name)))
    ]
    peer = costs.get(RESNET8)
    if peer is not None:
        accuracy = _accuracy(RESNET8, AS_THEY_ARE, robustness)
        changed = [_accuracy(RESNET8, change, robustness) for change in (QUARTER, BLURRED)]
        counted = _instructions(peer, None)
        name = "MLPerf Tiny's ResNet-8"
        rows.append([name, accuracy, *changed, counted, size(peer.size_bytes), "residual"])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _changed(name: str, sha256: str, robustness: Mapping[str, Any]) -> list[str]:
    """What was measured of this very file; figures of another compilation are left out."""
    if robustness["models"].get(name) != sha256:
        return [_UNKNOWN, _UNKNOWN]
    return [_accuracy(name, change, robustness) for change in (QUARTER, BLURRED)]


def _accuracy(name: str, change: str, robustness: Mapping[str, Any]) -> str:
    found = [row["top1"].get(name) for row in robustness["rows"] if row["change"] == change]
    return percent(float(found[0])) if found and found[0] is not None else _UNKNOWN


def _cost(candidate: Candidate | None) -> float:
    runs = {} if candidate is None else candidate.runs
    return runs["pi5"].steady if "pi5" in runs else float("inf")


def _instructions(candidate: Candidate | None, sha256: str | None) -> str:
    """Return what was counted of this file, or, without a hash, of the model whatever its file."""
    runs = [None if candidate is None else candidate.runs.get(board) for board in PI_NUMBERS]
    return " / ".join(
        _UNKNOWN
        if run is None or sha256 not in (None, run.sha256)
        else significant(run.steady / 1e6)
        for run in runs
    )


def _layers(architecture: Mapping[str, Any]) -> str:
    blocks = " \\| ".join(", ".join(map(str, widths)) for widths in architecture["blocks"])
    head = architecture["head"]
    return f"{blocks}, " + (f"dense {architecture['dense_units']}" if head == "dense" else "pooled")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.family",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--readme", type=Path, default=README, metavar="FILE.md", help="default: README.md")
    add("--check", action="store_true", help="change nothing, exit with 1 if stale")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
