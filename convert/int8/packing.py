"""From a flatbuffer and what is known about it to a compiled model file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal, cast

from convert.int8.audit import Audit
from convert.int8.golden import choose_agreed
from convert.int8.metadata import add_metadata
from minivgg_edge import __version__
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.golden_answers import OTHER_KERNELS_STEPS
from minivgg_edge.manifest import (
    AccuracyRecord,
    Dtype,
    InputSpec,
    Manifest,
    OutputSpec,
    RuntimeSpec,
)
from minivgg_edge.model_file import pack_model_file

# Output quantization steps by which a runtime may differ from the desk's: LiteRT's kernels differ
# between processors by rounding, tflite-runtime has older kernels for some of the operators.
TOLERANCE_STEPS = {"ai-edge-litert": 1, "tflite-runtime": 2}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a model file says about the model that no flatbuffer knows.

    Attributes:
        name: of the model.
        labels: in the order of the scores.
        crop: how the device makes a picture square.
        training: free JSON values.
        calibration: free JSON values.
        summary: what the description calls the model's precision; None: int8 or float32, as its
            output is.
    """

    name: str
    labels: tuple[str, ...]
    crop: Literal["none", "center"] = "none"
    training: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    summary: str | None = None


def with_metadata(flatbuffer: bytes, audit: Audit, identity: Identity) -> bytes:
    """Add the standard metadata to a flatbuffer; see `convert.int8.metadata`."""
    _, height, width, _ = audit.input.shape
    return add_metadata(
        flatbuffer,
        name=identity.name,
        description=describe_model(audit, identity),
        height=height,
        width=width,
        output="score" if audit.activation == "softmax" else "logit",
    )


def pack(
    flatbuffer: bytes,
    audit: Audit,
    identity: Identity,
    accuracy: Sequence[AccuracyRecord],
    *,
    golden: GoldenVectors | None = None,
    tools: Mapping[str, str] | None = None,
    tolerance_steps: Mapping[str, int] = TOLERANCE_STEPS,
    temperature: float = 1.0,
    threshold: float | None = None,
) -> bytes:
    """Return the bytes of the model file; same arguments and versions, same bytes.

    Args:
        flatbuffer: with metadata.
        audit: of this flatbuffer.
        identity: what else the file says.
        accuracy: measured on this flatbuffer.
        golden: of this flatbuffer; None runs it here to make them, and to see whether kernels
            differ by more than `tolerance_steps`.
        tools: versions of what made the file; None is what compiles a Keras model.
        tolerance_steps: by runtime, of a quantized output.
        temperature: by which a device divides logits.
        threshold: score below which an answer is not to be trusted.
    """
    _, height, width, _ = audit.input.shape
    source, target = audit.input, audit.output
    if golden is None:
        golden, apart = choose_agreed(flatbuffer, height=height, width=width)
        # What the device allows anyway is not stated.
        wider = {name for name, steps in OTHER_KERNELS_STEPS.items() if apart > steps}
        tolerance_steps = {
            name: math.ceil(apart) if name in wider else steps
            for name, steps in tolerance_steps.items()
        }
    manifest = Manifest(
        name=identity.name,
        description=describe_model(audit, identity),
        input=InputSpec(
            height=height,
            width=width,
            dtype=cast(Dtype, source.dtype),
            scale=source.scales[0] if source.scales else None,
            zero_point=source.zero_points[0] if source.zero_points else None,
            crop=identity.crop,
        ),
        output=OutputSpec(
            classes=target.shape[1],
            dtype=cast(Dtype, target.dtype),
            scale=target.scales[0] if target.scales else None,
            zero_point=target.zero_points[0] if target.zero_points else None,
            activation=audit.activation,
            temperature=temperature,
            threshold=threshold,
        ),
        labels=identity.labels,
        runtime=RuntimeSpec(
            audit.operators,
            audit.minimum_runtime,
            tolerance_steps if target.scales else {},
        ),
        accuracy=tuple(accuracy),
        training=identity.training,
        calibration=identity.calibration if target.scales else {},
        tools=tool_versions() if tools is None else tools,
    )
    return pack_model_file(flatbuffer, manifest, golden=golden)


def describe_model(audit: Audit, identity: Identity) -> str:
    """One sentence for the manifest and the metadata."""
    _, height, width, _ = audit.input.shape
    out = "scores" if audit.activation == "softmax" else "logits"
    inside = identity.summary or ("int8" if audit.output.scales else "float32")
    return (
        f"{inside} image classifier, {height}x{width} RGB pixels in, {out} of "
        f"{len(identity.labels)} classes out"
    )


def tool_versions() -> dict[str, str]:
    """Versions of what shapes the bytes of a model file."""
    tools = {"minivgg-edge": __version__, "keras": metadata.version("keras")}
    for name in ("tensorflow", "tensorflow-cpu", "ai-edge-litert"):
        try:
            tools[name.removesuffix("-cpu")] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # TensorFlow comes under one of two names
    return tools
