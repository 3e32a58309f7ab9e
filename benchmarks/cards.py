"""Fill the cards of the published models from their records and the stored results.

What stands in models/NAME/README.md between `<!-- card:begin -->` and `<!-- card:end -->` is made
of the compiled file, of the records of its training and compilation beside it, and of
benchmarks/results. `--check` changes nothing and exits with 1 if a card says something else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.models import PUBLISHED
from benchmarks.peers.contenders import RESNET8
from benchmarks.published import PublishedModel, Run, published_models
from benchmarks.report import stored_results
from convert.command import EXIT_DONE, EXIT_GATE_FAILED, run_command
from convert.report.candidates import PI_NUMBERS, Candidate, candidates
from convert.report.markdown import rows_markdown
from convert.report.readme import replace_between
from convert.report.results import read_results
from convert.report.text import percent, significant
from minivgg_edge.atomic import write_atomically

BEGIN, END = "<!-- card:begin -->", "<!-- card:end -->"
ROBUSTNESS = Path(__file__).resolve().parent / "results" / "robustness" / "robustness.json"
_DATA_FOLDER = "../shared/data/cifar-10-batches-bin"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    costs = stored_costs()
    robustness = json.loads(ROBUSTNESS.read_bytes()) if ROBUSTNESS.is_file() else None
    stale = []
    for model in published_models(options.models):
        path = model.folder / "README.md"
        empty = f"# {model.name}\n\n{BEGIN}\n{END}\n"
        old = path.read_text(encoding="utf-8") if path.is_file() else empty
        section = card(model, costs.get(model.name), robustness)
        new = replace_between(old, (BEGIN, END), section, where=str(path))
        if new == old:
            continue
        stale.append(path)
        if not options.check:
            write_atomically(path, new.encode("utf-8"))
    for path in stale:
        print(f"{path}: run `python -m benchmarks.cards`" if options.check else f"{path}: written")
    return EXIT_GATE_FAILED if stale and options.check else EXIT_DONE


def stored_costs() -> dict[str, Candidate]:
    """Return what was stored of each int8 model on LiteRT, by its name."""
    return {
        candidate.key.model: candidate
        for candidate in candidates(read_results(stored_results()))
        if candidate.key.precision == "int8" and candidate.key.engine == "ai-edge-litert"
    }


def card(
    model: PublishedModel, cost: Candidate | None, robustness: Mapping[str, Any] | None
) -> str:
    """Return the figures of a published model as Markdown.

    Args:
        model: with its records.
        cost: what emulated boards counted; None where nothing is stored.
        robustness: the stored document of `benchmarks.robustness`; None where there is none.
    """
    parts = [_accuracy(model), _facts(model, cost), _seeds(model)]
    parts.append(_robustness(model, robustness))
    return "\n\n".join(part for part in parts if part)


def accuracy_row(run: Run, split: str) -> str:
    """Return the row of the accuracy table for the pictures of a split."""
    found = run.comparison(split)
    return (
        f"| {found['dataset']} {split}, {found['count']:,} | {percent(found['float_top1'])} | "
        f"{percent(found['target_top1'])} | {_drop(found)} | {percent(found['agreement'])} |"
    )


def _accuracy(model: PublishedModel) -> str:
    lines = ["| pictures | float32 | int8 | drop, 95 % interval | same answer |"]
    lines += ["|---|---|---|---|---|"]
    lines += [accuracy_row(model.run, split) for split in ("test", "validation")]
    return "\n".join(lines)


def _drop(found: Mapping[str, Any]) -> str:
    low, high = found["drop_interval"]
    return f"{100 * found['drop']:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] points"


def _facts(model: PublishedModel, cost: Candidate | None) -> str:
    training, quantization = model.run.training, model.run.quantization
    audit, manifest = quantization["audit"], model.file.manifest
    rows = [
        ("layers", _layers(training["architecture"])),
        ("parameters", f"{training['parameters']:,} (float model, with normalization statistics)"),
        (
            "compiled",
            f"{model.file.size_bytes:,} bytes, {audit['macs']:,} multiply-adds, "
            f"{manifest.input.dtype} in, {manifest.output.dtype} out, TensorFlow Lite "
            f"{audit['minimum_runtime']} or newer",
        ),
        *_cost_rows(model, cost),
        ("quantization", _method(quantization)),
        *_score_rows(model),
        ("trained by", _trained(model.run)),
        ("compiled by", f"`make compile NAME={model.name} DATA=DIR`"),
        ("SHA-256 of the compiled file", f"`{model.file.sha256}`"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def _layers(architecture: Mapping[str, Any]) -> str:
    blocks = " \\| ".join(", ".join(map(str, widths)) for widths in architecture["blocks"])
    head = (
        f"dense {architecture['dense_units']}"
        if architecture["head"] == "dense"
        else "the mean over all places"
    )
    order = architecture["order"].replace("conv", "convolution").replace("-bn", ", normalization")
    order = order.replace("-relu", ", ReLU")
    return f"3×3 convolutions {blocks}, 2×2 max-pooling behind each block; {head}; {order}"


def _cost_rows(model: PublishedModel, cost: Candidate | None) -> Iterator[tuple[str, str]]:
    """What was counted of this very file; figures of another compilation are left out."""
    runs = {
        number: cost.runs[key]
        for key, number in PI_NUMBERS.items()
        if cost is not None and key in cost.runs and cost.runs[key].sha256 == model.file.sha256
    }
    if not runs:
        return
    pi = f"Pi {' / '.join(runs)}"
    counts = " / ".join(significant(run.steady / 1e6) for run in runs.values())
    yield f"M instructions a picture, {pi}", counts
    modelled = [run.modelled for run in runs.values()]
    if all(found is not None for found in modelled):
        times = " / ".join(significant(found.ms) for found in modelled if found is not None)
        yield f"modelled ms, {pi}", f"{times} ([not measured](../../docs/modelled-time.md))"


def _method(quantization: Mapping[str, Any]) -> str:
    found = quantization["calibration"]
    words = [
        f"{found['count']} training pictures to calibrate",
        f"ranges {found.get('ranges', 'minmax')} {found.get('percentile', '')}".rstrip(),
    ]
    if found.get("equalize"):
        words.append(f"equalized ({found['equalize']})")
    if found.get("bias_correction"):
        words.append("biases corrected")
    if "search" in found:
        words.append("found by `--search` on validation pictures")
    return ", ".join(words)


def _score_rows(model: PublishedModel) -> Iterator[tuple[str, str]]:
    fitted = (model.run.quantization.get("scores") or {}).get("temperature")
    threshold = model.file.manifest.output.threshold
    if fitted:
        place = "in the graph" if fitted["folded_into_last_layer"] else "divided by on the device"
        yield (
            "temperature",
            f"{significant(fitted['value'])}, fitted on validation pictures, {place}",
        )
    errors = [
        float(model.run.comparison(split)["target_scores"]["expected_calibration_error"])
        for split in ("test", "validation")
    ]
    yield "expected calibration error, test / validation", " / ".join(map(percent, errors))
    if threshold is not None:
        yield "threshold for doubtful answers", f"{threshold:g}"


def _trained(run: Run) -> str:
    command = run.command.replace(_DATA_FOLDER, "DIR")
    epochs = len(run.training["history"])
    # Older records do not say on what.
    place = f" on {run.training['machine']}" if "machine" in run.training else ""
    return f"`{command}`; {epochs} epochs of {run.epoch_s:.0f} s (median){place}, beside other work"


def _seeds(model: PublishedModel) -> str:
    if not model.others:
        return ""
    rows = []
    for run in (model.run, *model.others):
        found = run.comparison("validation"), run.comparison("test")
        rows.append(
            [
                f"{run.seed}{' (published)' if run is model.run else ''}",
                *(percent(one[key]) for one in found for key in ("float_top1", "target_top1")),
            ]
        )
    columns = ["seed", "validation float32", "validation int8", "test float32", "test int8"]
    marks = [":--", *["--:"] * (len(columns) - 1)]
    return "The same command with another seed:\n\n" + rows_markdown(
        [columns, marks, *rows], escaped=marks
    )


def _robustness(model: PublishedModel, document: Mapping[str, Any] | None) -> str:
    if document is None or document["models"].get(model.name) != model.file.sha256:
        return ""
    names = [name for name in (model.name, RESNET8) if name in document["rows"][0]["top1"]]
    columns = ["test pictures", *(f"{name}, int8" for name in names)]
    marks = [":--", *["--:"] * len(names)]
    rows = [
        [row["change"], *(percent(row["top1"][name]) for name in names)] for row in document["rows"]
    ]
    command = document["command"].replace(_DATA_FOLDER, "DIR")
    about = (
        f"On changed pictures, themselves of {model.file.manifest.input.height}×"
        f"{model.file.manifest.input.width} pixels ({document['count']:,} each, nothing was chosen "
        f"by them; "
        f"`{command}`, {document['date']}):\n\n"
    )
    return about + rows_markdown([columns, marks, *rows], escaped=marks)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cards",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--models", type=Path, default=PUBLISHED, metavar="DIR", help="default: models")
    add("--check", action="store_true", help="change nothing, exit with 1 if stale")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
