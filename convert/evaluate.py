"""Measure a compiled model on a whole split of a data set.

With `--float` the table compares it with its float model, picture by picture; that is the
by-product of `convert.quantize`, or the `.keras` file (with the --scale and --offset that it was
compiled with). Without it: accuracy with its 95 % Wilson interval. Without a model: the bundled one
and its float model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.command import EXIT_DONE, run_command
from convert.errors import DataError
from convert.int8.arguments import DEFAULT_MODEL
from convert.options import add_folder_options, check_folder_options, number_or_quotient

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.data.pictures import PictureSet
    from convert.int8.comparison import Comparison
    from minivgg_edge.model_file import ModelFile


@dataclass(frozen=True, slots=True)
class _Split:
    dataset: str
    name: str
    pictures: PictureSet


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check_scale(parser, options)
    check_folder_options(options)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from convert.int8.reference import pixels_warning, read_reference
    from minivgg_edge.catalog import load_model

    target = load_model(options.model)
    float_model = options.float_model
    if options.model is None and float_model is None:
        float_model = DEFAULT_MODEL
    reference = None
    if float_model is not None:
        reference = read_reference(float_model, target, scale=options.scale, offset=options.offset)
    split = _split(options, target)
    if reference is None:
        document, text = _measure(target, split)
    else:
        result = _compared(reference, target, split)
        warning = pixels_warning(float_model, result) if options.scale is None else None
        if warning is not None:
            print(f"warning: {warning}", file=sys.stderr)
        document, text = _comparison(result, target)
    print(json.dumps(document, indent=2, ensure_ascii=False) if options.json else text)
    return EXIT_DONE


def _check_scale(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program with a usage error where there is nothing to scale pixels for."""
    if options.offset and options.scale is None:
        parser.error("--offset needs --scale")
    given = options.float_model
    if options.scale is not None and (given is None or given.suffix != ".keras"):
        got = "none" if given is None else given
        parser.error(
            f"--scale: expected it with --float MODEL.keras, got {got}: a .tflite takes pixels"
        )


def _split(options: argparse.Namespace, target: ModelFile) -> _Split:
    from convert.data.picture_cache import cache_of
    from convert.int8.inputs import check_unseen, load_pictures
    from convert.int8.packing import Identity

    manifest, spec = target.manifest, target.manifest.input
    identity = Identity(manifest.name, target.labels, spec.crop, manifest.training)
    pictures = load_pictures(
        options.data,
        identity,
        size=(spec.height, spec.width),
        split_file=options.split_file,
        skip_broken=options.skip_broken,
        cache=cache_of(options.data, options.cache, none=options.no_cache),
    )
    for note in pictures.notes:
        print(note, file=sys.stderr)
    for warning in check_unseen(manifest.training, pictures, splits=(options.split,)):
        print(f"warning: {warning}", file=sys.stderr)
    chosen = pictures.test if options.split == "test" else pictures.validation
    if chosen is None or len(chosen) == 0:
        raise DataError(f"{options.data}: expected {options.split} pictures, got none")
    return _Split(pictures.name, options.split, chosen)


def _compared(reference: bytes, target: ModelFile, split: _Split) -> Comparison:
    from convert.int8.compare import compare

    return compare(
        reference,
        target.flatbuffer,
        split.pictures,
        dataset=split.dataset,
        split="test" if split.name == "test" else "validation",
        temperature=target.manifest.output.temperature,
    )


def _comparison(result: Comparison, target: ModelFile) -> tuple[dict[str, Any], str]:
    from convert.int8.comparison_json import comparison_json
    from convert.report.quantization import class_text, comparison_text
    from convert.report.scores import scores_table, table_text

    scores = scores_table([result], precision="compiled")
    parts = (
        class_text(result, precision="compiled"),
        comparison_text([result], precision="compiled"),
        table_text(scores),
        *_threshold_texts(result, target.manifest.output.threshold),
    )
    return comparison_json(result), "\n\n".join(parts)


def _threshold_texts(result: Comparison, threshold: float | None) -> tuple[str, ...]:
    """What the model's own threshold does to these pictures; nothing if it states none."""
    from convert.report.scores import table_text, threshold_table

    return () if threshold is None else (table_text(threshold_table([result], threshold)),)


def _measure(target: ModelFile, split: _Split) -> tuple[dict[str, Any], str]:
    from convert.int8.predict import predict
    from convert.report.text import percent, table
    from convert.scores.reliability import reliability
    from minivgg_edge.cli.terminal import printable
    from minivgg_edge.metrics import accuracy, confusion_matrix, recall, wilson_interval

    pictures = split.pictures
    outputs = predict(target.flatbuffer, pictures.images)
    answers = outputs.argmax(axis=1)
    calibration = reliability(_scores(target, outputs), pictures.labels, answers)
    confusion = confusion_matrix(pictures.labels, answers, pictures.classes)
    interval = wilson_interval(int(confusion.trace()), len(pictures))
    shares = recall(confusion)
    counts = confusion.sum(axis=1)
    per_class = list(zip(pictures.class_names, counts.tolist(), shares.tolist(), strict=True))
    document = {
        "dataset": split.dataset,
        "split": split.name,
        "count": len(pictures),
        "top1": accuracy(confusion),
        "top1_interval": [interval.low, interval.high],
        "per_class": [
            {"label": label, "count": count, "top1": share if count else None}
            for label, count, share in per_class
        ],
        "confusion": confusion.tolist(),
        "scores": calibration.to_json(),
    }
    rows = [[printable(label), str(count), percent(share)] for label, count, share in per_class]
    text = (
        f"{table([f'class ({split.name})', 'pictures', 'top-1'], rows)}\n\n"
        f"{split.dataset}, {split.name}: top-1 {percent(accuracy(confusion))} on {len(pictures)} "
        f"pictures, 95 % Wilson interval {percent(interval.low)} to {percent(interval.high)}\n"
        f"mean score {percent(calibration.confidence)}, expected calibration error "
        f"{percent(calibration.error)} ({percent(calibration.chance)} would be chance)"
    )
    return document, text


def _scores(target: ModelFile, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """The scores that a device makes of the outputs."""
    from convert.int8.audit import describe
    from convert.scores.answers import device_scores

    found, temperature = describe(target.flatbuffer), target.manifest.output.temperature
    return device_scores(outputs, found.output, found.activation, temperature=temperature)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a path, or the name of an installed model; default: the bundled one",
    )
    add(
        "--float",
        dest="float_model",
        type=Path,
        metavar="FLOAT",
        help="the float model to compare with, .tflite or .keras",
    )
    add("--scale", type=number_or_quotient, help="feed a foreign .keras pixel * SCALE + OFFSET")
    add("--offset", type=number_or_quotient, default=0.0, help="see --scale")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add_folder_options(parser)
    add(
        "--split",
        choices=("test", "validation"),
        default="test",
        help="which pictures of --data (default: %(default)s)",
    )
    add("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
