"""Accuracy of int8 models on test pictures as they are, re-saved, shifted, blurred, in poor light.

All published models, or those that are named, beside MLPerf Tiny's ResNet-8 where its file is
there. Writes out/bench/robustness.json. Nothing is chosen by these figures.

Exit codes: 0 done; 2 bad usage or bad input.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.contenders import MLPERF_FILES, RESNET8
from benchmarks.pictures import read_test_pictures
from benchmarks.published import published_models
from benchmarks.robustness.changes import CHANGES, Change
from benchmarks.shared_material import shared_folder
from convert.atomic import write_output
from convert.command import EXIT_DONE, run_command
from convert.data.cifar10 import CLASS_NAMES
from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.predict import predict
from convert.report.text import percent, table
from minivgg_edge.catalog import load_model
from minivgg_edge.model_file import ModelFile

SCHEMA = 1
DEFAULT_OUT = Path("out") / "bench" / "robustness.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    named = [load_model(name) for name in options.models]
    files = named or [model.file for model in published_models()]
    first = files[0]
    for file in files:
        if file.labels != first.labels:
            raise DataError(
                f"{file.manifest.name}: expected the labels of {first.manifest.name}, "
                f"{list(first.labels)}, got {list(file.labels)}"
            )
        (height, width), expected = _size(file), _size(first)
        if (height, width) != expected:
            raise DataError(
                f"{file.manifest.name}: expected an input of {expected[0]}x{expected[1]} pixels as "
                f"{first.manifest.name} has, got {height}x{width}"
            )
    models = {file.manifest.name: file for file in files}
    if len(models) < len(files):
        names = sorted(file.manifest.name for file in files)
        raise DataError(f"expected models of different names, got {', '.join(names)}")
    dataset, pictures = read_test_pictures(options.data, first)
    flatbuffers = {name: file.flatbuffer for name, file in models.items()}
    flatbuffers |= _peer(options.peers, first.labels, _size(first))
    rows = []
    for change in CHANGES:
        print(f"{change.title}: {len(change.variants)} x {len(pictures)}", file=sys.stderr)
        rows.append({"change": change.title, "top1": _accuracies(change, flatbuffers, pictures)})
    words = sys.argv[1:] if arguments is None else arguments
    document = {
        "schema": SCHEMA,
        "kind": "robustness",
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "-m", "benchmarks.robustness", *words]),
        "dataset": dataset,
        "count": len(pictures),
        "models": {name: file.sha256 for name, file in models.items()},
        "rows": rows,
    }
    print(_text(document, list(flatbuffers)))
    data = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    print(f"{options.out}: {write_output(options.out, data, force=True)}")
    return EXIT_DONE


def _size(file: ModelFile) -> tuple[int, int]:
    return file.manifest.input.height, file.manifest.input.width


def _accuracies(
    change: Change, flatbuffers: dict[str, bytes], pictures: PictureSet
) -> dict[str, float]:
    """Return the mean accuracy over the variants, 0-1, by model."""
    right = dict.fromkeys(flatbuffers, 0)
    for variant in change.variants:
        changed = variant(pictures.images)
        for name, flatbuffer in flatbuffers.items():
            answers = predict(flatbuffer, changed).argmax(axis=1)
            right[name] += int((answers == pictures.labels).sum())
    tried = len(change.variants) * len(pictures)
    return {name: count / tried for name, count in right.items()}


def _peer(folder: Path | None, labels: tuple[str, ...], size: tuple[int, int]) -> dict[str, bytes]:
    """Return MLPerf Tiny's int8 ResNet-8; nothing where it is not, or for other pictures."""
    folder = folder or shared_folder() / "peers" / "mlperf-tiny"
    (file,) = (name for model, kind, name in MLPERF_FILES if (model, kind) == (RESNET8, "int8"))
    path = folder / file
    # Its ten scores are those of CIFAR-10's classes in the data set's own order.
    if labels != CLASS_NAMES or size != (32, 32) or not path.is_file():
        print(
            f"{RESNET8}: not measured; expected {path}, CIFAR-10's classes and 32×32",
            file=sys.stderr,
        )
        return {}
    return {RESNET8: path.read_bytes()}


def _text(document: dict[str, Any], names: list[str]) -> str:
    def rows() -> Iterator[list[str]]:
        for row in document["rows"]:
            yield [row["change"], *(percent(row["top1"][name]) for name in names)]

    head = f"{document['dataset']}, {document['count']} test pictures"
    return table([head, *names], list(rows()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.robustness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("models", nargs="*", help="names or files; default: all published")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add("--peers", type=Path, metavar="DIR", help="folder of MLPerf Tiny's published models")
    add("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
