"""The whole way of one model: freeze, convert, audit, compare, judge, pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.int8.audit import describe
from convert.int8.calibration import choose_calibration
from convert.int8.compare import compare
from convert.int8.comparison import Comparison
from convert.int8.compilation import Compiled, Pictures, Settings, check_pictures
from convert.int8.conversion import convert_float, convert_int8
from convert.int8.float_answers import check_float_answers
from convert.int8.freeze import freeze
from convert.int8.gate import judge
from convert.int8.guessing import WHAT_TO_CHECK, seems_to_guess
from convert.int8.packing import Identity, pack, with_metadata
from convert.precision.conversion import convert_precision
from convert.precision.kinds import DEFAULT, KINDS
from convert.precision.proof import audit_precision, precision_warnings, summary_of, tools_of
from convert.report.flips import clearest_flips
from convert.scores.finish import Scores, assess, finish
from convert.search.preparation import convert_by_method
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.metrics import balanced_accuracy

if TYPE_CHECKING:
    import keras


def compile_model(
    model: keras.Model,
    pictures: Pictures,
    identity: Identity,
    settings: Settings,
    *,
    say: Callable[[str], None],
) -> Compiled:
    """Compile a float model to int8 and prove it against itself.

    Args:
        model: one that `check_float_model` accepts.
        pictures: of the model's input size, classes in the order of `identity.labels`.
        identity: name, labels and origin; its `calibration` is filled in here.
        settings: how to compile.
        say: gets one short line per step.

    Raises:
        ConvertError: a step refused its input; the message says which and why.
    """
    check_pictures(model, pictures, identity)
    frozen = freeze(model, scale=settings.scale, offset=settings.offset)
    finished = finish(frozen, pictures.validation, settings.scores, say=say)
    frozen, temperature = finished.model, finished.device_temperature
    chosen = choose_calibration(
        pictures.calibration, count=settings.calibration_count, seed=settings.calibration_seed
    )
    provenance = chosen.provenance(pictures.name) | settings.method.to_json()
    if settings.search is not None:
        provenance["search"] = settings.search
    calibrated = KINDS[settings.precision].calibrated
    identity = replace(identity, calibration=provenance if calibrated else {})
    how = f" with {len(chosen.pictures)} calibration pictures" if calibrated else ""
    how += "" if settings.method.is_plain else f", {settings.method.title}"
    say(f"Converting to {settings.precision}{how}")
    int8_model = _convert(frozen, chosen.pictures.images, settings)
    float_model = convert_float(frozen)
    say("Auditing the graph")
    named = replace(identity, summary=summary_of(settings.precision))
    found = audit_precision(int8_model, settings.precision, io=settings.io)
    int8_model = with_metadata(int8_model, found, named)
    float_model = with_metadata(float_model, describe(float_model), identity)
    found = audit_precision(int8_model, settings.precision, io=settings.io)
    check_float_answers(
        model,
        float_model,
        finished,
        pictures.validation.images,
        scale=settings.scale,
        offset=settings.offset,
    )
    comparisons = []
    for split in ("validation", "test"):
        part = getattr(pictures, split)
        if part is None:
            continue
        say(f"Comparing with the float model on {len(part)} {split} pictures")
        comparisons.append(
            compare(
                float_model,
                int8_model,
                part,
                dataset=pictures.name,
                split=split,
                temperature=temperature,
            )
        )
    scores = assess(finished, found, comparisons[0], settings.scores)
    verdict = judge(comparisons[0], max_drop=settings.max_drop)
    say("Packing the model files")
    records = [comparison.record() for comparison in comparisons]
    identity, named = (_with_scores(one, scores) for one in (identity, named))
    int8_file = pack(
        int8_model,
        found,
        named,
        records,
        tools=tools_of(settings.precision),
        temperature=temperature,
        threshold=scores.stored_threshold,
    )
    float_file = pack(
        float_model,
        describe(float_model),
        identity,
        [_of_float(r) for r in records],
        temperature=temperature,
    )
    return Compiled(
        int8_file,
        float_file,
        found,
        tuple(comparisons),
        verdict,
        dict(identity.calibration),
        (
            *_warnings(comparisons[0]),
            *precision_warnings(int8_model, settings.precision, found),
            *scores.warnings,
        ),
        settings.precision,
        scores,
        clearest_flips(comparisons[0], pictures.validation),
    )


def _with_scores(identity: Identity, scores: Scores) -> Identity:
    """Say what was done for the scores; nothing where nothing was."""
    found = scores.provenance
    return replace(identity, training={**identity.training, "scores": found}) if found else identity


def _convert(frozen: keras.Model, images: NDArray[np.uint8], settings: Settings) -> bytes:
    if settings.precision != DEFAULT:
        return convert_precision(frozen, settings.precision, images, io=settings.io)
    # What a search has measured is compiled as it was measured: where a pooling stands between a
    # convolution and its ReLU, TensorFlow's own calibration takes the range before it.
    if settings.method.is_plain and settings.search is None:
        return convert_int8(frozen, images, io=settings.io)
    return convert_by_method(frozen, images, settings.method, io=settings.io)


def _of_float(record: AccuracyRecord) -> AccuracyRecord:
    """The record of the float by-product: compared with itself."""
    return replace(
        record,
        target_top1=record.float_top1,
        drop=0.0,
        drop_low=0.0,
        drop_high=0.0,
        agreement=1.0,
    )


def _warnings(comparison: Comparison) -> tuple[str, ...]:
    # In the mean of the classes: of unequal ones a model that always gives the same answer would be
    # right often.
    confusion = comparison.reference_confusion
    right = balanced_accuracy(confusion)
    if not seems_to_guess(right, max(1, int((confusion.sum(axis=1) > 0).sum()))):
        return ()
    return (
        f"the float model itself is right on only {100 * right:.1f} % of the pictures, in the mean "
        f"of the classes: {WHAT_TO_CHECK}",
    )
