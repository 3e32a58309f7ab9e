"""Models without a manifest: what the caller has to say about them, and what is checked.

A compiled model is verified to the last byte. Of any other `.tflite` nothing is known: neither
whether it is damaged, nor what its pixels and outputs mean. So it runs in a child process, and what
its tensors and first answers show is compared with what the caller says.
"""

from __future__ import annotations

import hashlib
import math
import os
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from minivgg_edge.errors import ModelFileError, RuntimeUnavailableError
from minivgg_edge.manifest import (
    SCHEMA_NAME,
    EntryDigest,
    InputSpec,
    Manifest,
    OutputSpec,
    RuntimeSpec,
)
from minivgg_edge.model_file import ModelFile, check_identifier, read_regular_file
from minivgg_edge.tensor_meaning import check_pixel_range, check_scores, normalized_pixel_table

if TYPE_CHECKING:
    import numpy.typing as npt

    from minivgg_edge.tensors import TensorSpec
    from minivgg_edge.trial import Trial

_MIN_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """What you say about a model that has no manifest, in place of one.

    With it, `Classifier` takes a `.tflite` of any origin, and promises less: no byte of the file is
    verified, so a damaged or exchanged model can answer wrongly without a word. Its accuracy is not
    known. What its pixels and outputs mean is what you say here; contradictions that show are
    refused, others are not noticed. The model runs in a child process, so that no file crashes this
    one: it takes two more starts, and some 0.1 ms more per picture. A crash is a `ModelFileError`.
    At the desk, ``python -m convert.package --adopt`` makes a verified model of it.

    Attributes:
        labels: One per class, in the order of the model's output: at least 2, all different.
        activation: "softmax" if the outputs are scores from 0 to 1, "logits" if softmax has yet to
            be applied.
        mean: With `std`, what the input stands for: (pixel - mean) / std of RGB pixels 0-255. The
            default is the pixel itself; 0 and 255 is 0 to 1, 127.5 and 127.5 is -1 to 1. TFLite
            Metadata calls them so too.
        std: See `mean`.
        crop: "none" squeezes a whole picture into the input, "center" cuts the largest centered
            region of its aspect ratio out first.

    Raises:
        TypeError: A value has an unsupported type.
        ValueError: A value is none of the above.
    """

    labels: tuple[str, ...]
    activation: Literal["softmax", "logits"]
    mean: float = 0.0
    std: float = 1.0
    crop: Literal["none", "center"] = "none"

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "labels", _checked_labels(self.labels))
        if self.activation not in ("softmax", "logits"):
            raise ValueError(f'activation: expected "softmax" or "logits", got {self.activation!r}')
        if self.crop not in ("none", "center"):
            raise ValueError(f'crop: expected "none" or "center", got {self.crop!r}')
        if not math.isfinite(self.mean):
            raise ValueError(f"mean: expected a finite number, got {self.mean}")
        if not (math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"std: expected a finite number above 0, got {self.std}")
        # numpy's numbers are numbers too, but none that can be sent to the model's process.
        object.__setattr__(self, "mean", float(self.mean))
        object.__setattr__(self, "std", float(self.std))

    def pixel_table(self, tensor: TensorSpec) -> npt.NDArray[Any] | None:
        """Return the input tensor's value for every pixel value, as `scoring.pixel_table` does."""
        return normalized_pixel_table(tensor, mean=self.mean, std=self.std)


def _checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    if isinstance(labels, str):  # a string is an iterable of strings too
        raise TypeError("labels: expected a sequence of str, got one str")
    checked = tuple(labels)
    if len(checked) < _MIN_CLASSES:
        raise ValueError(f"labels: expected at least {_MIN_CLASSES}, got {len(checked)}")
    seen: set[str] = set()
    for index, label in enumerate(checked):
        if not isinstance(label, str):
            raise TypeError(f"labels[{index}]: expected a str, got {type(label).__name__}")
        if label.strip() != label or label.splitlines() != [label]:
            raise ValueError(
                f"labels[{index}]: expected one line of text without outer spaces, got {label!r}"
            )
        if label in seen:
            raise ValueError(f"labels[{index}]: expected each label once, got {label!r} again")
        seen.add(label)
    return checked


def load_unverified_model(
    path: str | os.PathLike[str] | None, unverified: Unverified, *, num_threads: int = 1
) -> ModelFile:
    """Read a model without a manifest, try it out in a child process, and describe it.

    Args:
        path: A regular file of at most 512 MiB; not None, nor the name of an installed model.
        unverified: What the caller says about it.
        num_threads: Threads of the native kernels, 1 to 256.

    Returns:
        The parts of the file. `manifest` holds what the tensors show and the caller says; its scale
        and zero point are those of the tensors, whose real values are (pixel - mean) / std. There
        are no golden vectors.

    Raises:
        ModelNotFoundError: There is no such file.
        ModelFileError: The file is unreadable, crashes or hangs the runtime, is refused by it, is
            no classifier, contradicts `unverified`, or is a compiled model, which has to be
            verified.
        ModelVersionError: The runtime does not know an operator version of the model.
        RuntimeUnavailableError: There is no runtime, it crashes while it is imported, or no child
            process can be started.
        TypeError: An argument has an unsupported type.
    """
    if not isinstance(unverified, Unverified):
        raise TypeError(f"unverified: expected Unverified, got {type(unverified).__name__}")
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"model: expected, as it is unverified, a path, got {type(path).__name__}")
    source = os.fspath(path)
    if not isinstance(source, str):
        raise TypeError(f"model: expected a path of str, got {type(source).__name__}")
    data = read_regular_file(source)
    check_identifier(data, source)
    if f'"{SCHEMA_NAME}"'.encode() in data:
        raise ModelFileError(
            f"{source!r}: expected a model without a manifest, got one with: load it verified, "
            "that is, without `unverified`"
        )
    trial = _tried(data, unverified, source=source, num_threads=num_threads)
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(
        flatbuffer=data,
        manifest=_description(trial, unverified, source, EntryDigest(digest, len(data))),
        golden=b"",
        sha256=digest,
        size_bytes=len(data),
        source=source,
    )


def _tried(data: bytes, unverified: Unverified, *, source: str, num_threads: int) -> Trial:
    from minivgg_edge.trial import STAGES, TrialError, try_model

    try:
        trial = try_model(
            data,
            source=source,
            mean=unverified.mean,
            std=unverified.std,
            num_threads=num_threads,
        )
    except TrialError as error:
        if error.stage is None or error.stage == STAGES[0]:
            raise RuntimeUnavailableError(str(error)) from error
        raise ModelFileError(f"{source!r}: expected a sound model, got: {error}") from error
    classes = trial.output.shape[1]
    if classes != len(unverified.labels):
        raise ModelFileError(
            f"{source!r}: expected {len(unverified.labels)} classes, one per label, got {classes}"
        )
    check_pixel_range(trial.input, mean=unverified.mean, std=unverified.std, source=source)
    check_scores(trial.outputs, trial.output, activation=unverified.activation, source=source)
    return trial


def _description(
    trial: Trial, unverified: Unverified, source: str, flatbuffer: EntryDigest
) -> Manifest:
    _, height, width, _ = trial.input.shape
    stem = os.path.splitext(os.path.basename(source))[0]  # noqa: PTH119, PTH122 - as named
    allowed = string.ascii_letters + string.digits + "._-"
    return Manifest(
        name="".join(letter if letter in allowed else "_" for letter in stem),
        description="a model without a manifest: nothing about it was verified",
        input=InputSpec(
            height=height,
            width=width,
            dtype=cast(Any, trial.input.dtype),
            scale=trial.input.scale,
            zero_point=trial.input.zero_point,
            crop=unverified.crop,
        ),
        output=OutputSpec(
            classes=len(unverified.labels),
            dtype=cast(Any, trial.output.dtype),
            scale=trial.output.scale,
            zero_point=trial.output.zero_point,
            activation=unverified.activation,
        ),
        labels=unverified.labels,
        runtime=RuntimeSpec(ops=(), minimum_runtime="0.0.0", tolerance_steps={}),
        flatbuffer=flatbuffer,
    )
