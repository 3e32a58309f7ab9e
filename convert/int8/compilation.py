"""What goes into a compilation and what comes out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.audit import Audit
from convert.int8.calibration import DEFAULT_COUNT
from convert.int8.comparison import Comparison
from convert.int8.comparison_json import comparison_json
from convert.int8.conversion import Io
from convert.int8.float_model import picture_size
from convert.int8.gate import DEFAULT_MAX_DROP, Verdict
from convert.int8.packing import Identity
from convert.precision.kinds import DEFAULT, Precision
from convert.precision.proof import tools_of
from convert.report.flips import Flip
from convert.scores.finish import Scores
from convert.scores.settings import AS_IT_IS, ScoreSettings
from convert.search.method import PLAIN, Method

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
        advice: a sentence about the layer that costs most; None where nobody looked.
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
    advice: str | None = None

    def report(self) -> dict[str, Any]:
        """The report as JSON values; no times, so the same input gives the same report."""
        return {
            "verdict": self.verdict.to_json(),
            "advice": self.advice,
            "warnings": list(self.warnings),
            "comparisons": [comparison_json(comparison) for comparison in self.comparisons],
            "scores": None if self.scores is None else self.scores.to_json(),
            "audit": self.audit.to_json(),
            "calibration": self.calibration,
            "files": {name: _file_json(data) for name, data in self._files().items()},
            "tools": tools_of(self.precision),
        }

    def _files(self) -> dict[str, bytes]:
        """What is written, by its precision; of a float32 model there is no other by-product."""
        files: dict[str, bytes] = {self.precision: self.int8_file}
        files.setdefault("float32", self.float_file)
        return files


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


def _file_json(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
