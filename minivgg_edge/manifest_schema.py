"""The fields of a compiled model's manifest as frozen records, and their JSON.

`minivgg_edge.manifest` reads and checks them; import them from there. docs/model-file.md is the
specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from minivgg_edge.record import Record, field

SCHEMA_NAME = "minivgg-edge-model"
SCHEMA_MAJOR = 1
SCHEMA_MINOR = 0

Dtype = Literal["uint8", "int8", "float32"]


class EntryDigest(Record):
    """What one part of the file has to be: SHA-256 in lower-case hex and length in bytes."""

    sha256: str
    size_bytes: int


class InputSpec(Record):
    """How a picture becomes the input tensor (1, height, width, 3).

    real value = scale * (quantized - zero_point) is the pixel, 0-255, whatever the dtype; a
    float32 input has neither scale nor zero point and takes the pixel itself.
    """

    height: int
    width: int
    dtype: Dtype
    scale: float | None
    zero_point: int | None
    color: Literal["rgb"] = "rgb"
    resampler: Literal["pillow-bilinear"] = "pillow-bilinear"
    crop: Literal["none", "center"] = "none"


class OutputSpec(Record):
    """What the output tensor (1, classes) means.

    Logits become scores by softmax(logits / temperature). `threshold` is the score below which
    the author of the model holds an answer for unreliable; it is information, and applied only
    where a caller asks for it.
    """

    classes: int
    dtype: Dtype
    scale: float | None
    zero_point: int | None
    activation: Literal["softmax", "logits"] = "softmax"
    temperature: float = 1.0
    threshold: float | None = None


class AccuracyRecord(Record):
    """One comparison of the compiled model (target) with its float model, in fractions.

    `drop` is float_top1 - target_top1, `drop_low` and `drop_high` its 95 % interval, `agreement`
    the share of pictures to which both give the same label.
    """

    dataset: str
    split: Literal["validation", "test"]
    count: int
    float_top1: float
    target_top1: float
    drop: float
    drop_low: float
    drop_high: float
    agreement: float


class Operator(Record):
    """A TFLite operator, its version, and how often the graph has it."""

    name: str
    version: int
    count: int


class RuntimeSpec(Record):
    """What the graph asks of a runtime.

    `minimum_runtime` is the first TensorFlow Lite release with these operator versions;
    `tolerance_steps` says per runtime how many output quantization steps the golden vectors may
    be off.
    """

    ops: tuple[Operator, ...]
    minimum_runtime: str
    tolerance_steps: Mapping[str, int]


class Manifest(Record):
    """Everything a compiled model says about itself.

    `flatbuffer` and `entries` are filled in by `model_file.pack_model_file`. `training` and
    `calibration` are free JSON objects, `tools` maps the name of a tool to its version.
    """

    name: str
    description: str
    input: InputSpec
    output: OutputSpec
    labels: tuple[str, ...]
    runtime: RuntimeSpec
    accuracy: tuple[AccuracyRecord, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    flatbuffer: EntryDigest = EntryDigest("", 0)
    entries: Mapping[str, EntryDigest] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the manifest as UTF-8 JSON; equal manifests give equal bytes.

        Raises:
            ValueError: A number is NaN or infinite.
            TypeError: A free object holds something that JSON does not know.
        """
        import dataclasses  # both are for the desk: a device only reads manifests
        import json

        schema = {"name": SCHEMA_NAME, "major": SCHEMA_MAJOR, "minor": SCHEMA_MINOR}
        document = {"schema": schema, **dataclasses.asdict(self)}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
        return (text + "\n").encode("utf-8")
