"""``minivgg-edge models``: what is installed, from which wheel, and how good it is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from minivgg_edge.cli.terminal import percent, printable, say, table
from minivgg_edge.installed import InstalledModel, survey
from minivgg_edge.measured import Measurement, best_known

_DESCRIPTION = """\
List the models that `--model NAME` and `Classifier(NAME)` find: the bundled one and those of model
wheels. Every file is read and verified, but not run."""

_EPILOG = """\
accuracy: top-1 on test pictures, else on validation pictures, with the number of pictures
exit code: 0 if all are sound, 1 if one is broken; its problem stands below the list

--json prints one JSON object:
  models  a list of {name, distribution, version, sha256, size_bytes, input: {height, width, dtype},
          labels (their number), accuracy: {dataset, split, count, top1} or null, problem or null};
          of a broken one sha256, size_bytes, input, labels and accuracy are null
"""

_BROKEN = 1
_OF_A_SOUND_ONE = ("sha256", "size_bytes", "input", "labels", "accuracy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below")


def run(arguments: argparse.Namespace) -> int:
    """List the models; 1 if one is broken."""
    models = survey()
    if arguments.json:
        say(json.dumps({"models": [_document(model) for model in models]}, indent=2))
    else:
        for line in _lines(models):
            say(line)
    return _BROKEN if any(model.problem is not None for model in models) else 0


def _document(model: InstalledModel) -> dict[str, Any]:
    manifest = model.manifest
    document: dict[str, Any] = {
        "name": model.name,
        "distribution": model.distribution,
        "version": model.version,
        "problem": model.problem,
    }
    if manifest is None:
        return document | dict.fromkeys(_OF_A_SOUND_ONE)
    spec, known = manifest.input, best_known(manifest)
    return document | {
        "sha256": model.sha256,
        "size_bytes": model.size_bytes,
        "input": {"height": spec.height, "width": spec.width, "dtype": spec.dtype},
        "labels": len(manifest.labels),
        "accuracy": None if known is None else known.to_json(),
    }


def _lines(models: Sequence[InstalledModel]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        ("model", "wheel", "input", "labels", "accuracy", "bytes", "sha256")
    ]
    rows.extend(_row(model) for model in models)
    yield from table(rows, "lllrlrl")
    for model in models:
        if model.problem is not None:
            yield ""
            yield f"{printable(_title(model))}: {printable(model.problem)}"


def _row(model: InstalledModel) -> tuple[str, ...]:
    wheel = f"{model.distribution} {model.version}".strip()
    manifest = model.manifest
    if manifest is None:
        return (printable(_title(model)), printable(wheel), "broken", "-", "-", "-", "-")
    spec = manifest.input
    return (
        printable(model.name),
        printable(wheel),
        f"{spec.height}x{spec.width} {spec.dtype}",
        f"{len(manifest.labels):,}",
        _accuracy(best_known(manifest)),
        f"{model.size_bytes:,}",
        model.sha256,
    )


def _title(model: InstalledModel) -> str:
    return model.name or model.distribution or "?"


def _accuracy(known: Measurement | None) -> str:
    if known is None:
        return "not measured"
    where = printable(f"{known.dataset} {known.split}")
    return f"{percent(known.top1, 2)} of {known.count:,}, {where}"
