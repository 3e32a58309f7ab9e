"""The model card: what a compiled model is, how good, from what, and what it must not be used for.

Everything is read from the manifest. Names, labels and provenance may come from anywhere, so they
are escaped: no label becomes a heading, a link or HTML on the page that shows the card.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convert.data.held_out import tells_of_training
from convert.report.markdown import escape, rows_markdown
from convert.report.text import percent, size
from minivgg_edge.manifest import AccuracyRecord, InputSpec, Manifest, OutputSpec
from minivgg_edge.measured import measurements_alone
from minivgg_edge.metrics import wilson_interval
from minivgg_edge.model_file import ModelFile

_MOST_LABELS = 50  # more would hide the rest of the card; the file has them all
_LONGEST_VALUE = 300
_SPLITS = {
    "validation": "decided on: the compiled model was accepted by these pictures",
    "test": "only reported: nothing was chosen by these pictures",
}


_UNKNOWN_TRAINING = (
    "The model came from elsewhere: it may have been trained on these pictures, and then looks "
    "better than it is."
)
_PROVENANCE = ("Training", "Calibration", "Tools")


def model_card(model: ModelFile, *, install: str, description: str = "") -> str:
    """Return the card as Markdown; equal models give equal cards.

    Args:
        model: the compiled model.
        install: the command that puts it on a board.
        description: what the author says about it; the manifest's sentence follows in any case.
    """
    manifest = model.manifest
    parts = [
        [f"# {_text(manifest.name)}"],
        [_paragraph(description)] if description else [],
        [_paragraph(manifest.description)],
        _what(model),
        _accuracy(manifest),
        _use(manifest, install),
        _needs(manifest),
        *(_provenance(title, getattr(manifest, title.lower())) for title in _PROVENANCE),
        _limits(manifest),
    ]
    return "\n\n".join(line for part in parts for line in part) + "\n"


def _what(model: ModelFile) -> list[str]:
    manifest = model.manifest
    rows = [
        ("recognizes", f"{len(manifest.labels)} classes"),
        ("input", _input(manifest.input)),
        ("output", _output(manifest.output)),
        ("file", f"{size(model.size_bytes)} ({model.size_bytes:,} bytes)"),
        ("SHA-256 of the file", model.sha256),
        ("SHA-256 of the flatbuffer", manifest.flatbuffer.sha256),
    ]
    shown = manifest.labels[:_MOST_LABELS]
    more = len(manifest.labels) - len(shown)
    ending = f", and {more:,} more, which the file lists" if more else ""
    labels = ", ".join(_text(label) for label in shown)
    return ["## What it is", _table(("", ""), rows), f"**Labels**: {labels}{ending}."]


def _accuracy(manifest: Manifest) -> list[str]:
    if not manifest.accuracy:
        return ["## Accuracy", *(_measured_alone(manifest) or ["Not measured."])]
    header = ("pictures", "n", "compiled", "float", "drop, points", "same answer")
    rows = []
    for record in manifest.accuracy:
        low, high = 100 * record.drop_low, 100 * record.drop_high
        rows.append(
            (
                f"{record.dataset}, {record.split}",
                f"{record.count:,}",
                _with_interval(record.target_top1, record.count),
                _with_interval(record.float_top1, record.count),
                f"{100 * record.drop:+.2f} ({low:+.2f} to {high:+.2f})",
                percent(record.agreement),
            )
        )
    notes = [f"- {split}: {_SPLITS[split]}." for split in _splits(manifest.accuracy)]
    if "adopted" in manifest.training:
        notes = [_UNKNOWN_TRAINING]
    elif not tells_of_training(manifest.training):
        notes += ["", _UNKNOWN_TRAINING]
    note = (
        "Share of pictures whose best label is right, with its 95 % Wilson interval; drop: float "
        "minus compiled on the same pictures, with its 95 % interval; same answer: both give the "
        "same label, right or wrong."
    )
    return ["## Accuracy", _table(header, rows, numbers=5), note, "\n".join(notes)]


def _measured_alone(manifest: Manifest) -> list[str]:
    return [
        f"Right on {_with_interval(found.top1, found.count)} of {found.count:,} pictures of "
        f"{_text(found.dataset)}, {found.split}; not compared with its float model. "
        + _UNKNOWN_TRAINING
        for found in measurements_alone(manifest)
    ]


def _use(manifest: Manifest, install: str) -> list[str]:
    commands = [
        'pip install "minivgg-edge[pictures]"',
        install,
        f"minivgg-edge classify --model {manifest.name} photo.jpg",
    ]
    program = [
        "from minivgg_edge import Classifier",
        "",
        f'with Classifier("{manifest.name}") as classifier:',
        '    (best,) = classifier.classify("photo.jpg")',
        '    print(best.label, f"{best.score:.0%}")',
    ]
    return [
        "## Use it on the board",
        _code("sh", commands),
        _code("python", program),
        *_threshold_advice(manifest),
    ]


def _threshold_advice(manifest: Manifest) -> list[str]:
    """What the threshold promises, and what it does not."""
    threshold = manifest.output.threshold
    if threshold is None:
        return []
    return [
        f"Scores below {threshold:g} are not to be trusted: "
        '`classify("photo.jpg", threshold="model")` and `minivgg-edge classify --threshold model` '
        "then give no label. This finds doubtful answers; it does not find out pictures of "
        "something else, many of which score high."
    ]


def _needs(manifest: Manifest) -> list[str]:
    runtime = manifest.runtime
    rows = [(op.name, str(op.version), str(op.count)) for op in runtime.ops]
    steps = [f"{name}: {n}" for name, n in runtime.tolerance_steps.items()]
    needed = f"TensorFlow Lite {runtime.minimum_runtime} or newer (LiteRT is newer)."
    tolerance = (
        "Answers to the golden vectors may differ from the desk's by this many quantization steps: "
        f"{_text(', '.join(steps))}."
        if steps
        else "No tolerance of the answers is stated."
    )
    return [
        "## What it needs",
        needed,
        _table(("operator", "version", "count"), rows, numbers=2),
        tolerance,
    ]


def _provenance(title: str, tree: Mapping[str, Any]) -> list[str]:
    if not tree:
        return [f"## {title}", "Nothing is recorded."]
    rows = [(name, _shortened(value)) for name, value in _leaves(tree)]
    return [f"## {title}", _table(("", ""), rows)]


def _limits(manifest: Manifest) -> list[str]:
    compared = {record.dataset for record in manifest.accuracy}
    names = sorted(compared | {found.dataset for found in measurements_alone(manifest)})
    known = (
        f"The accuracy was measured on {_text(', '.join(names))} and says nothing about pictures "
        "of another kind: another camera, another light, another background."
        if names
        else "Nobody has measured how good it is on pictures: measure it on your own before you "
        "rely on it (`minivgg-edge evaluate FOLDER`)."
    )
    return [
        "## Limits",
        known,
        f"It answers with one of its {len(manifest.labels)} labels whatever the picture shows; a "
        "high score is no proof that the picture shows any of them.",
        "The hashes in the file find damage. They are no signature: they do not tell who made it.",
    ]


def _input(spec: InputSpec) -> str:
    crop = "the whole picture" if spec.crop == "none" else "the largest centered region"
    return (
        f"{spec.height} x {spec.width} pixels (height x width), {spec.color.upper()}; {crop}, "
        f"resized by {spec.resampler}; {_quantization(spec)}"
    )


def _output(spec: OutputSpec) -> str:
    return f"scores of {spec.classes} classes ({spec.activation}); {_quantization(spec)}"


def _quantization(spec: InputSpec | OutputSpec) -> str:
    if spec.scale is None:
        return spec.dtype
    return f"{spec.dtype}, scale {spec.scale:.9g}, zero point {spec.zero_point}"


def _with_interval(top1: float, count: int) -> str:
    interval = wilson_interval(round(top1 * count), count)
    return f"{percent(top1)} ({percent(interval.low)} to {percent(interval.high)})"


def _splits(records: Sequence[AccuracyRecord]) -> list[str]:
    return list(dict.fromkeys(record.split for record in records))


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a JSON object as dotted name and text."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield prefix + name, text


def _shortened(text: str) -> str:
    rest = len(text) - _LONGEST_VALUE
    return text if rest <= 0 else f"{text[:_LONGEST_VALUE]} ... ({rest:,} characters more)"


def _paragraph(text: str) -> str:
    """A text that begins a paragraph, and so must not begin a list or a line across the page."""
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", _text(text))


def _text(text: str) -> str:
    return escape(_printable(text))


def _printable(text: str) -> str:
    """Replace what a terminal would obey; letters of all scripts and emoji stay."""
    return "".join("\ufffd" if unicodedata.category(c) == "Cc" else c for c in text)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0) -> str:
    """Return a Markdown table whose last `numbers` columns are aligned to the right."""
    marks = [":--"] * (len(header) - numbers) + ["--:"] * numbers
    cells = [[_printable(cell) for cell in row] for row in rows]
    return rows_markdown([header, marks, *cells], escaped=marks)


def _code(language: str, lines: Sequence[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])
