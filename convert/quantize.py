"""Compile a float Keras model to one verified int8 model file for the device.

Without arguments: the bundled MiniVGG, with the embedded sample of CIFAR-10. With `--data`: any
`.keras` image classifier with its own pictures. The int8 model is audited and compared with the
float model on validation pictures that neither was trained on; test pictures are only reported.

Exit codes: 0 done; 1 the compiled model is worse than --max-drop allows, nothing is written;
2 bad usage or bad input; 3 the file is written, but there are too few pictures to tell.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from convert.atomic import write_output
from convert.command import run_command
from convert.errors import OutputExistsError
from convert.options import (
    add_folder_options,
    finite_number,
    model_name,
    percent_points,
    positive_integer,
    seed,
)
from convert.precision.options import (
    add_precision_option,
    check_precision_options,
    default_output,
)
from convert.scores.options import add_score_options, score_settings
from convert.search.options import DEFAULT_BUDGET_S, add_method_options, method_of

if TYPE_CHECKING:
    import keras

    from convert.int8.compile_model import Compiled, Pictures, Settings

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "models" / "minivgg" / "model.keras"
DEFAULT_OUTPUT = Path("out") / "minivgg.tflite"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.out is not None and options.out.suffix != ".tflite":
        parser.error(f"--out: expected a name ending in .tflite, got {str(options.out)!r}")
    if options.report is not None and options.report.suffix != ".json":
        parser.error(f"--report: expected a name ending in .json, got {str(options.report)!r}")
    if options.offset and options.scale is None:
        parser.error("--offset needs --scale")
    options.method = method_of(parser, options)
    check_precision_options(parser, options)
    if options.debug and options.precision != parser.get_default("precision"):
        parser.error(f"--debug: expected it without --precision {options.precision}: it is of int8")
    if options.name is None:
        try:
            options.name = model_name(_output(options).stem)
        except argparse.ArgumentTypeError as error:
            parser.error(f"--name: the output's name does not serve as one: {error}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options.layer_files = {}
    say: Callable[[str], None] = _silent if options.quiet else _say
    compiled = _compile(options, say)
    _show(compiled, say)
    return _write(compiled, options, say)


def _compile(options: argparse.Namespace, say: Callable[[str], None]) -> Compiled:
    say(f"Loading {options.model}")
    # Here and not above: TensorFlow takes seconds, `--help` and a misspelt option must not.
    from convert.data.picture_cache import cache_of
    from convert.int8.compile_model import Settings, check_pictures, compile_model
    from convert.int8.float_model import load_float_model, picture_size
    from convert.int8.inputs import check_unseen, check_weights, load_identity, load_pictures
    from convert.int8.labels import read_training_record
    from convert.search.setting import found_settings

    model = load_float_model(options.model)
    record = read_training_record(options.model)
    check_weights(record, model, options.model)
    identity = load_identity(options.model, name=options.name, labels_file=options.labels)
    say(f"Reading {options.data or 'the embedded sample of CIFAR-10'}")
    pictures = load_pictures(
        options.data,
        identity,
        size=picture_size(model),
        split_file=options.split_file,
        skip_broken=options.skip_broken,
        cache=cache_of(options.data, options.cache, none=options.no_cache),
    )
    for note in pictures.notes:
        say(note)
    warnings = check_unseen(record, pictures)
    settings = Settings(
        precision=options.precision,
        method=options.method,
        io=options.io,
        scale=options.scale,
        offset=options.offset,
        calibration_count=options.calibration_count,
        calibration_seed=options.calibration_seed,
        max_drop=options.max_drop,
        scores=score_settings(options),
    )
    identity = replace(identity, labels=pictures.validation.class_names)
    if options.search:
        check_pictures(model, pictures, identity)
        budget_s = options.time_budget or DEFAULT_BUDGET_S
        settings = found_settings(
            model, pictures, settings, budget_s=budget_s, say=say, quiet=options.quiet
        )
    compiled = compile_model(model, pictures, identity, settings, say=say)
    options.layer_files = _layer_files(model, pictures, settings, options, say)
    return replace(compiled, warnings=(*warnings, *compiled.warnings))


def _layer_files(
    model: keras.Model,
    pictures: Pictures,
    settings: Settings,
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> dict[Path, bytes]:
    """What --debug writes; nothing without it."""
    if not options.debug:
        return {}
    from convert.layer_error.debugging import layer_files

    output = _output(options)
    return layer_files(
        model, pictures, settings, name=options.name, output=output, say=say, quiet=options.quiet
    )


def _show(compiled: Compiled, say: Callable[[str], None]) -> None:
    from convert.report.quantization import audit_text, class_text, comparison_text
    from convert.report.scores import scores_text

    say(f"\n{audit_text(compiled.audit)}")
    say(f"\n{class_text(compiled.comparisons[0], precision=compiled.precision)}")
    say(f"\n{comparison_text(compiled.comparisons, precision=compiled.precision)}\n")
    if compiled.scores is not None:
        say(f"{scores_text(compiled.comparisons, compiled.scores, precision=compiled.precision)}\n")
    for warning in compiled.warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _write(compiled: Compiled, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Write the files, if the verdict allows it, and say so; returns the exit code."""
    from convert.report.verdict import verdict_page

    output, verdict = _output(options), compiled.verdict
    report = (json.dumps(compiled.report(), indent=2, ensure_ascii=False) + "\n").encode()
    files: dict[Path, bytes] = dict(options.layer_files)
    if options.report is not None or verdict.status != "fail":
        path = options.report or output.with_suffix(".report.json")
        files[path] = report
        files[path.with_suffix(".html")] = verdict_page(compiled, name=options.name).encode()
    if verdict.status != "fail":
        if compiled.precision != "float32":
            files[output.with_suffix(".float.tflite")] = compiled.float_file
        files[output] = compiled.int8_file
    if verdict.status == "fail":
        # Before the report is written: a file in its way must not hide the verdict.
        print(f"FAILED: {verdict.reason}. {output} was not written.", file=sys.stderr)
    # The default output is this project's own build folder: a newer model may replace what an
    # older one left there.
    _write_files(files, force=options.force or options.out is None, say=say)
    if verdict.status == "not-enough":
        print(f"NOT ENOUGH PICTURES: {verdict.reason}.", file=sys.stderr)
    elif verdict.status == "pass":
        say(f"PASSED: {verdict.reason}.")
    return verdict.exit_code


def _write_files(files: Mapping[Path, bytes], *, force: bool, say: Callable[[str], None]) -> None:
    from convert.report.text import size

    # All are asked before the first is written: no mixture of an old and a new compilation.
    for path, data in files.items():
        if not force and path.is_file() and path.read_bytes() != data:
            raise OutputExistsError(
                f"{path} exists with other content: name another output or add --force"
            )
    for path, data in files.items():
        state = write_output(path, data, force=force)
        say(f"{path}: {state}, {size(len(data))}")


def _output(options: argparse.Namespace) -> Path:
    if options.out is not None:
        return cast(Path, options.out)
    return default_output(DEFAULT_OUTPUT, options.precision)


def _say(text: str) -> None:
    print(text, flush=True)


def _silent(text: str) -> None:
    pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.quantize",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", type=Path, default=DEFAULT_MODEL, metavar="MODEL.keras")
    add("-o", "--out", type=Path, metavar="OUT.tflite", help=f"default: {DEFAULT_OUTPUT}")
    add("--data", type=Path, metavar="DIR", help="default: the embedded sample of CIFAR-10")
    add_folder_options(parser)
    add("--labels", type=Path, metavar="FILE", help="one label per line, in the model's order")
    add("--scale", type=finite_number, help="feed pixel * SCALE + OFFSET, for a foreign model")
    add("--offset", type=finite_number, default=0.0, help="see --scale")
    add("--name", type=model_name, help="of the model; default: the output's name")
    add("--io", choices=("uint8", "int8"), default="uint8", help="dtype of the graph's two ends")
    add("--calibration-count", type=positive_integer, default=500, metavar="N")
    add("--calibration-seed", type=seed, metavar="S", help="draw them; default: a fixed choice")
    add(
        "--max-drop",
        type=percent_points,
        default=0.005,
        metavar="POINTS",
        help="largest loss of accuracy allowed, in percent points; default: 0.5",
    )
    add_precision_option(parser)
    add_method_options(parser)
    add_score_options(parser)
    add(
        "--debug",
        action="store_true",
        help="also say which layers lose what, and write OUT.layers.html and OUT.layers.json",
    )
    add(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="default: OUT.report.json; the page about it, .html, stands beside it",
    )
    add("--force", action="store_true", help="replace existing files")
    add("--quiet", action="store_true", help="print problems only")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
