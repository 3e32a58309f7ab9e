"""``minivgg-edge info``: everything a compiled model says about itself, and what runs it here."""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from minivgg_edge.catalog import load_model
from minivgg_edge.cli.arguments import add_model
from minivgg_edge.cli.terminal import percent, printable, say, table
from minivgg_edge.errors import ModelVersionError, RuntimeUnavailableError
from minivgg_edge.golden_answers import allowed_steps
from minivgg_edge.interpreter import RuntimeInfo, check_minimum_runtime, runtime_info
from minivgg_edge.manifest import AccuracyRecord, InputSpec, Manifest, OutputSpec
from minivgg_edge.measured import Measurement, measurements_alone
from minivgg_edge.model_file import ModelFile

_DESCRIPTION = """\
Show what a model says about itself: input, labels, measured accuracy, training, calibration; and
the runtime that would run it on this machine. The file is verified, but not run."""

_EPILOG = """\
--json prints one JSON object:
  file      {source, sha256, size_bytes} of the whole file
  manifest  the model's manifest; accuracies are fractions
  runtime   {name, version, tflite_version} on this machine, null if there is none
  runtime_problem  why there is none or it cannot run this model, else null
"""

_VALUE_COLUMNS = 78


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below")


def run(arguments: argparse.Namespace) -> int:
    """Show the model; a runtime that is missing or too old is shown as well and no error."""
    model = load_model(arguments.model)
    runtime, problem = _runtime(model)
    if arguments.json:
        document = {
            "file": {
                "source": model.source,
                "sha256": model.sha256,
                "size_bytes": model.size_bytes,
            },
            "manifest": json.loads(model.manifest.to_json()),
            "runtime": None if runtime is None else dataclasses.asdict(runtime),
            "runtime_problem": problem,
        }
        say(json.dumps(document, indent=2, allow_nan=False))
        return 0
    for line in _lines(model, runtime, problem):
        say(line)
    return 0


def _runtime(model: ModelFile) -> tuple[RuntimeInfo | None, str | None]:
    """Return the runtime of this machine, and why it cannot run the model."""
    runtime = None
    try:
        runtime = runtime_info()
        check_minimum_runtime(model.manifest, runtime, source=model.source)
    except (RuntimeUnavailableError, ModelVersionError) as error:
        return runtime, str(error)
    return runtime, None


def _lines(model: ModelFile, runtime: RuntimeInfo | None, problem: str | None) -> Iterator[str]:
    manifest = model.manifest
    here = "none" if runtime is None else f"{runtime.name} {runtime.version}"
    tolerance = [
        f"{name}: {allowed_steps(name, steps)} output steps"
        for name, steps in manifest.runtime.tolerance_steps.items()
    ]
    rows = [
        ("model", manifest.name),
        ("description", manifest.description),
        ("file", f"{model.source} ({model.size_bytes:,} bytes)"),
        ("sha256", model.sha256),
        ("input", _input(manifest.input)),
        ("output", _output(manifest.output)),
        ("labels", ", ".join(manifest.labels)),
        ("runtime here", here if problem is None else f"{here}: {problem}"),
        ("runtime needed", f"TensorFlow Lite {manifest.runtime.minimum_runtime} or newer"),
        ("operators", _operators(manifest)),
        ("tolerance", ", ".join(tolerance) or "none"),
    ]
    yield from _fields(rows)
    yield from _accuracy(manifest.accuracy, measurements_alone(manifest))
    for title in ("training", "calibration", "tools"):
        rows = list(_flatten(getattr(manifest, title)))
        if rows:
            yield ""
            yield title
            yield from _fields(rows, indent=2)


def _fields(rows: Sequence[tuple[str, str]], *, indent: int = 0) -> list[str]:
    """Lay out names and values; long values go on below themselves."""
    cells: list[tuple[str, str]] = []
    for name, value in rows:
        parts = textwrap.wrap(printable(value), _VALUE_COLUMNS, break_on_hyphens=False) or ["-"]
        cells += [(printable(name) if i == 0 else "", part) for i, part in enumerate(parts)]
    return table(cells, "ll", indent=indent)


def _input(spec: InputSpec) -> str:
    crop = "not cropped" if spec.crop == "none" else f"{spec.crop} crop"
    return (
        f"{spec.height} x {spec.width} pixels (height x width), {spec.color.upper()}, "
        f"{_dtype(spec)}; {crop}, resized by {spec.resampler}"
    )


def _output(spec: OutputSpec) -> str:
    threshold = "no threshold" if spec.threshold is None else f"threshold {spec.threshold:g}"
    return (
        f"{spec.classes} classes, {_dtype(spec)}; {spec.activation}, "
        f"temperature {spec.temperature:g}, {threshold}"
    )


def _dtype(spec: InputSpec | OutputSpec) -> str:
    if spec.scale is None:
        return spec.dtype
    return f"{spec.dtype} with scale {spec.scale:.9g} and zero point {spec.zero_point}"


def _operators(manifest: Manifest) -> str:
    return ", ".join(f"{o.count} x {o.name} (version {o.version})" for o in manifest.runtime.ops)


def _accuracy(records: Sequence[AccuracyRecord], alone: Sequence[Measurement]) -> Iterator[str]:
    yield ""
    if alone:
        yield "accuracy, top-1, without a float model to compare with"
        measured = [
            (printable(found.dataset), found.split, f"{found.count:,}", percent(found.top1, 2))
            for found in alone
        ]
        head = ("dataset", "split", "pictures", "compiled")
        yield from table([head, *measured], "llrr", indent=2)
    if not records:
        if not alone:
            yield "accuracy: not measured"
        return
    yield "accuracy, top-1 (float: before quantization; drop in points, with its 95 % interval)"
    rows = [("dataset", "split", "pictures", "float", "compiled", "drop", "interval", "agreement")]
    for record in records:
        low, high = 100 * record.drop_low, 100 * record.drop_high
        rows.append(
            (
                printable(record.dataset),
                record.split,
                f"{record.count:,}",
                percent(record.float_top1, 2),
                percent(record.target_top1, 2),
                f"{100 * record.drop:.2f}",
                f"{low:.2f} to {high:.2f}",
                percent(record.agreement, 2),
            )
        )
    yield from table(rows, "llrrrrrr", indent=2)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a JSON object as dotted name and text."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield prefix + name, text
