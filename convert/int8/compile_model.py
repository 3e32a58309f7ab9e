"""The whole way of one model: freeze, convert, audit, compare, judge, pack."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.audit import Audit, describe
from convert.int8.calibration import DEFAULT_COUNT, choose_calibration
from convert.int8.compare import Comparison, compare
from convert.int8.conversion import Io, convert_float, convert_int8
from convert.int8.float_model import picture_size
from convert.int8.freeze import freeze
from convert.int8.gate import DEFAULT_MAX_DROP, Verdict, judge
from convert.int8.packing import Identity, pack, with_metadata
from convert.precision.conversion import convert_precision
from convert.precision.kinds import DEFAULT, KINDS, Precision
from convert.precision.proof import audit_precision, precision_warnings, summary_of, tools_of
from convert.report.flips import Flip, clearest_flips
from convert.scores.finish import Scores, assess, finish
from convert.scores.settings import AS_IT_IS, ScoreSettings
from convert.search.method import PLAIN, Method
from convert.search.preparation import convert_by_method
from minivgg_edge.manifest import AccuracyRecord

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a compilation; classes are in the order of the model's scores.

    Attributes:
        name: of the data set.
        calibration: to choose calibration pictures from; training pictures.
        validation: for the gate; never trained or calibrated on.
        test: only reported; None when there are none.
        whole: by split, the digest of the part of which the pictures here are a selection; a split
            that is not named is whole.
        notes: sentences about what was noticed while reading.
    """

    name: str
    calibration: PictureSet
    validation: PictureSet
    test: PictureSet | None
    whole: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How to compile; `scale` and `offset` are those of `freeze`, `max_drop` is a fraction.

    `method` and `search` are of int8 only: with another precision, `method` stays plain.

    `search` is what the manifest says about the search that found the method, JSON values.
    """

    io: Io = "uint8"
    scale: float | None = None
    offset: float = 0.0
    calibration_count: int = DEFAULT_COUNT
    calibration_seed: int | None = None
    max_drop: float = DEFAULT_MAX_DROP
    precision: Precision = DEFAULT
    method: Method = PLAIN
    search: Mapping[str, Any] | None = None
    scores: ScoreSettings = AS_IT_IS


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result of a compilation, whatever the verdict.

    Attributes:
        int8_file: bytes of the compiled model file.
        float_file: bytes of the float32 by-product of the same graph.
        audit: of the int8 flatbuffer.
        comparisons: on validation pictures first, then on test pictures if there are any.
        verdict: of the gate.
        calibration: provenance, as JSON values.
        warnings: sentences about what looks wrong though nothing failed.
        precision: what the model file was compiled to.
        scores: what was done for its scores.
        flips: validation pictures to which the two models give different answers.
    """

    int8_file: bytes
    float_file: bytes
    audit: Audit
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    calibration: dict[str, Any]
    warnings: tuple[str, ...]
    precision: Precision = DEFAULT
    scores: Scores | None = None
    flips: tuple[Flip, ...] = ()

    def report(self) -> dict[str, Any]:
        """The report as JSON values; no times, so the same input gives the same report."""
        return {
            "verdict": self.verdict.to_json(),
            "warnings": list(self.warnings),
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "scores": None if self.scores is None else self.scores.to_json(),
            "audit": self.audit.to_json(),
            "calibration": self.calibration,
            "files": {
                self.precision: _file_json(self.int8_file),
                "float32": _file_json(self.float_file),
            },
            "tools": tools_of(self.precision),
        }


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
    if settings.method.is_plain:
        return convert_int8(frozen, images, io=settings.io)
    return convert_by_method(frozen, images, settings.method, io=settings.io)


def check_pictures(model: keras.Model, pictures: Pictures, identity: Identity) -> None:
    """Check that the labels, the model's classes and size, and the pictures fit together.

    Raises:
        DataError: they do not.
    """
    classes, size = int(model.outputs[0].shape[1]), picture_size(model)
    if classes != len(identity.labels):
        raise DataError(
            f"the model has {classes} classes: expected as many labels, "
            f"got {len(identity.labels)}: {list(identity.labels)}"
        )
    for part in (pictures.calibration, pictures.validation, pictures.test):
        if part is None:
            continue
        if part.class_names != identity.labels:
            raise DataError(
                f"{pictures.name}: expected the classes {list(identity.labels)}, "
                f"got {list(part.class_names)}"
            )
        if len(part) and part.images.shape[1:3] != size:
            raise DataError(
                f"{pictures.name}: expected pictures of {size[0]}x{size[1]} pixels, "
                f"got {part.images.shape[1]}x{part.images.shape[2]}"
            )


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
    # Twice the rate of guessing: a model that learned anything passes, one that gets its pixels
    # in another range, or its classes in another order, does not.
    threshold = 2.0 / len(comparison.labels) if len(comparison.labels) > 2 else 0.6
    if comparison.reference_top1 >= threshold:
        return ()
    return (
        f"the float model itself is right on only {100 * comparison.reference_top1:.1f} % of the "
        "pictures: are its labels in the right order, and does it expect other pixel values "
        "(--scale, --offset)?",
    )


def _file_json(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
