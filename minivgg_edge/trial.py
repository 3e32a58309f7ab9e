"""A model tried out in a process of its own, so that a crash of native code becomes a sentence.

Importing a runtime that was built for another processor, and loading a file that nobody has
verified, can end the process. `trial_child` does both in a child, which gets the model's bytes
through its standard input: no file is read twice, and none is written.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minivgg_edge import errors
from minivgg_edge.child_answers import parse_answers
from minivgg_edge.child_process import run_python
from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy.typing as npt

_CHILD = "from minivgg_edge.trial_child import main; main()"

STAGES = ("importing the runtime", "loading the model", "running the model")
"""What the child does, in its order; what it did last is where a crash happened."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a model did in the child process.

    Attributes:
        runtime: The runtime that ran it.
        delegates: How many parts of the graph a delegate ran; None if that is not known.
        input: The input tensor.
        output: The output tensor.
        outputs: (k, classes) of the output's dtype, one row per picture.
    """

    runtime: RuntimeInfo
    delegates: int | None
    input: TensorSpec
    output: TensorSpec
    outputs: npt.NDArray[Any]


class TrialError(MinivggEdgeError):
    """The child process ended without an answer.

    Attributes:
        stage: The one of `STAGES` that it was in; None if it did not get that far.
        runtime: The runtime, if it was imported.
    """

    def __init__(self, message: str, *, stage: str | None, runtime: RuntimeInfo | None) -> None:
        super().__init__(message)
        self.stage = stage
        self.runtime = runtime


def try_model(
    flatbuffer: bytes,
    pictures: npt.NDArray[np.uint8] | None = None,
    *,
    source: str,
    mean: float = 0.0,
    std: float = 1.0,
    num_threads: int = 1,
    timeout_s: float = 120.0,
) -> Trial:
    """Load a model in a child process and run it there.

    Args:
        flatbuffer: A TFLite model, of which nothing is known.
        pictures: uint8 (k, H, W, 3) of the model's input size, RGB, 0-255. None is a black one, a
            white one and one of noise.
        source: The model file's name for messages.
        mean: With `std`: the model's input stands for (pixel - mean) / std.
        std: See `mean`.
        num_threads: Threads of the native kernels, 1 to 256.
        timeout_s: Seconds after which the child is ended, above 0, at most a day.

    Raises:
        TrialError: The child crashed, hung or could not be started.
        ModelFileError: The runtime refused the model, or its tensors are not those of a classifier.
        ModelVersionError: The runtime does not know an operator version of the model.
        RuntimeUnavailableError: There is no runtime.
        ValueError: `timeout_s` is out of range.
    """
    header = {
        "source": source,
        "mean": mean,
        "std": std,
        "num_threads": num_threads,
        "flatbuffer_bytes": len(flatbuffer),
        "pictures": None if pictures is None else list(pictures.shape),
    }
    parts = [json.dumps(header).encode("ascii"), b"\n", flatbuffer]
    if pictures is not None:
        parts.append(np.ascontiguousarray(pictures, dtype=np.uint8).tobytes())
    try:
        run = run_python(_CHILD, stdin=b"".join(parts), timeout_s=timeout_s)
    except OSError as error:
        raise TrialError(
            f"no child process can be started: {error.strerror or error}", stage=None, runtime=None
        ) from error
    said = _parse(run.stdout)
    runtime = RuntimeInfo(*said["runtime"]) if "runtime" in said else None
    if "error" in said:
        raise getattr(errors, said["error"])(said["message"])
    if run.problem is not None or "outputs" not in said:
        stage = said.get("stage")
        doing = "" if stage is None else f"{stage}: "
        problem = run.problem or "ended without an answer"
        raise TrialError(f"{doing}the child process {problem}", stage=stage, runtime=runtime)
    return _trial(said)


def _parse(stdout: str) -> dict[str, Any]:
    """Merge the child's answers."""
    said: dict[str, Any] = {}
    for answer in parse_answers(stdout):
        said |= answer
    return said


def _trial(said: dict[str, Any]) -> Trial:
    output = tensor_spec(said["output"])
    raw = np.frombuffer(base64.b64decode(said["outputs"]), dtype=output.dtype)
    return Trial(
        runtime=RuntimeInfo(*said["runtime"]),
        delegates=said["delegates"],
        input=tensor_spec(said["input"]),
        output=output,
        outputs=raw.reshape(-1, output.shape[1]),
    )


def tensor_spec(values: list[Any]) -> TensorSpec:
    """Return the tensor that the child described as a list of its fields."""
    shape, dtype, scale, zero_point = values
    return TensorSpec(tuple(shape), dtype, scale, zero_point)
