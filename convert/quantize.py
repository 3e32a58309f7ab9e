"""Compile a float Keras model to one verified int8 model file for the device.

Without arguments: the bundled MiniVGG, with the embedded sample of CIFAR-10. With `--data`: any
`.keras` image classifier with its own pictures. The int8 model is audited and compared with the
float model on validation pictures that neither was trained on; test pictures are only reported.

Exit codes: 0 done; 1 the compiled model is worse than --max-drop allows, nothing is written;
2 bad usage or bad input; 3 the file is written, but there are too few pictures to tell.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from convert.atomic import write_and_tell
from convert.command import run_command
from convert.errors import ConvertError, OutputExistsError
from convert.int8.arguments import parse_arguments
from convert.json_bytes import json_bytes
from convert.options import check_folder_options
from convert.precision.kinds import DEFAULT
from convert.scores.options import score_settings
from convert.search.options import DEFAULT_BUDGET_S

if TYPE_CHECKING:
    import keras

    from convert.int8.compilation import Compiled, Pictures, Settings
    from convert.layer_error.debugging import LayerLook


@dataclass(frozen=True, slots=True)
class _Work:
    """A compilation with what it was made from."""

    model: keras.Model
    pictures: Pictures
    settings: Settings
    compiled: Compiled


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = parse_arguments(__doc__, arguments)
    check_folder_options(options)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    say: Callable[[str], None] = _silent if options.quiet else _say
    work = _compile(options, say)
    _show(work.compiled, say)
    look = _look(work, options, say)
    advice = None if look is None else look.advice.line
    return _write(replace(work.compiled, advice=advice), look, options, say)


def _compile(options: argparse.Namespace, say: Callable[[str], None]) -> _Work:
    say(f"Loading {options.model}")
    # Here and not above: TensorFlow takes seconds, `--help` and a misspelt option must not.
    from convert.data.picture_cache import cache_of
    from convert.int8.compilation import Settings, check_pictures
    from convert.int8.compile_model import compile_model
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
    # What is not known of any part is said of each, and once is enough.
    warnings = tuple(dict.fromkeys(check_unseen(record, pictures)))
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
    compiled = replace(compiled, warnings=(*warnings, *compiled.warnings))
    return _Work(model, pictures, settings, compiled)


def _look(work: _Work, options: argparse.Namespace, say: Callable[[str], None]) -> LayerLook | None:
    """Look at every operator with --debug, and when an int8 model is refused."""
    refused = work.compiled.verdict.status == "fail" and work.settings.precision == DEFAULT
    if not (options.debug or refused):
        return None
    from convert.layer_error.debugging import look_at_layers

    try:
        look = look_at_layers(
            work.model, work.pictures, work.settings, say=say, quiet=options.quiet
        )
    except ConvertError as error:
        if options.debug:
            raise
        # Nobody asked for it: it must not hide the verdict.
        print(f"warning: which layer costs most is not known: {error}", file=sys.stderr)
        return None
    if options.debug:
        say(f"{look.text}\n")
    return look


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


def _write(
    compiled: Compiled,
    look: LayerLook | None,
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> int:
    """Write the files, if the verdict allows it, and say so; returns the exit code."""
    from convert.report.verdict import verdict_page

    output, verdict = options.path, compiled.verdict
    report = json_bytes(compiled.report())
    files: dict[Path, bytes] = {}
    if options.debug and look is not None:
        files |= look.files(output, name=options.name)
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
        advice = "" if compiled.advice is None else f"{compiled.advice} "
        print(f"FAILED: {verdict.reason}. {advice}{output} was not written.", file=sys.stderr)
    # A report that was named is not the build folder's, wherever the model goes.
    named = () if options.report is None else (options.report, options.report.with_suffix(".html"))
    ours = set(files).difference(named) if options.is_ours else ()
    try:
        write_and_tell(files, force=options.force, say=say, ours=ours)
    except (OutputExistsError, OSError) as error:
        if verdict.status != "fail":
            raise
        # The verdict is what the exit code is about.
        print(f"error: the report was not written: {error}", file=sys.stderr)
    if verdict.status == "not-enough":
        print(f"NOT ENOUGH PICTURES: {verdict.reason}.", file=sys.stderr)
    elif verdict.status == "pass":
        say(f"PASSED: {verdict.reason}.")
    return verdict.exit_code


def _say(text: str) -> None:
    print(text, flush=True)


def _silent(text: str) -> None:
    pass


if __name__ == "__main__":
    sys.exit(run_command(main))
