"""The child processes of `trial` and `child_engine`: they read a model from standard input.

`main` prints what it does, an answer a line, flushed before the step that might be its last.
`serve` answers pictures for as long as there are some.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from minivgg_edge.child_answers import answer_line
from minivgg_edge.errors import (
    ModelFileError,
    ModelVersionError,
    RuntimeUnavailableError,
)
from minivgg_edge.interpreter import Engine, RuntimeInfo, runtime_info
from minivgg_edge.tensor_meaning import check_classifier_tensors, normalized_pixel_table
from minivgg_edge.tensors import TensorSpec
from minivgg_edge.trial import STAGES

if TYPE_CHECKING:
    import numpy.typing as npt

_IMPORTING, _LOADING, _RUNNING = STAGES
_NOISE_SEED = 3
_OOM_SCORE = "/proc/self/oom_score_adj"


def main() -> None:
    """Run the model that standard input holds."""
    _be_the_first_to_go()
    stream = sys.stdin.buffer
    header = json.loads(stream.readline())
    with _answers() as answers:
        try:
            _run(stream, answers, header)
        except (ModelFileError, ModelVersionError, RuntimeUnavailableError) as error:
            _say(answers, error=type(error).__name__, message=str(error))
        except (RuntimeError, ValueError, MemoryError) as error:  # of the runtime
            message = f"{header['source']!r}: expected a model that runs, got: {error!r}"
            _say(answers, error=ModelFileError.__name__, message=message)


def serve() -> None:
    """Load the model that standard input holds, and answer each input tensor behind it.

    The first answer is a line, the tensors or an error; the others are the raw outputs.
    """
    _be_the_first_to_go()
    _end_with_the_parent()
    stream = sys.stdin.buffer
    with _answers() as answers:
        header = json.loads(stream.readline())
        # All of it, before anything can hang: the parent waits until it is taken.
        flatbuffer = stream.read(header["flatbuffer_bytes"])
        source = header["source"]
        try:
            engine = Engine(flatbuffer, num_threads=header["num_threads"], source=source)
            check_classifier_tensors(engine.input, engine.output, source=source)
        except (ModelFileError, ModelVersionError, RuntimeUnavailableError) as error:
            _say(answers, error=type(error).__name__, message=str(error))
            return
        _say(
            answers,
            runtime=_runtime(engine.runtime),
            input=_fields(engine.input),
            output=_fields(engine.output),
        )
        empty = np.empty(engine.input.shape[1:], engine.input.dtype)
        while len(data := stream.read(empty.nbytes)) == empty.nbytes:
            picture = np.frombuffer(data, empty.dtype).reshape(empty.shape)
            answers.write(engine.run(picture).tobytes())
            answers.flush()


def _run(stream: IO[bytes], answers: IO[bytes], header: dict[str, Any]) -> None:
    _say(answers, stage=_IMPORTING)
    _say(answers, stage=_LOADING, runtime=_runtime(runtime_info()))
    flatbuffer = stream.read(header["flatbuffer_bytes"])
    engine = Engine(flatbuffer, num_threads=header["num_threads"], source=header["source"])
    check_classifier_tensors(engine.input, engine.output, source=header["source"])
    _say(
        answers,
        stage=_RUNNING,
        input=_fields(engine.input),
        output=_fields(engine.output),
        delegates=engine.delegates(),
    )
    table = normalized_pixel_table(engine.input, mean=header["mean"], std=header["std"])
    shape = header["pictures"]
    if shape is None:
        pictures = _probes(engine.input.shape[1:])
    else:
        pictures = np.frombuffer(stream.read(), np.uint8).reshape(shape)
    outputs = [engine.run(picture if table is None else table[picture]) for picture in pictures]
    _say(answers, outputs=base64.b64encode(np.stack(outputs).tobytes()).decode("ascii"))


def _probes(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return three pictures uint8 (3, H, W, 3): black, white, and noise."""
    noise = np.random.RandomState(_NOISE_SEED).randint(0, 256, shape)
    return np.stack([np.zeros(shape), np.full(shape, 255), noise]).astype(np.uint8)


def _fields(tensor: TensorSpec) -> list[Any]:
    return [list(tensor.shape), tensor.dtype, tensor.scale, tensor.zero_point]


def _runtime(runtime: RuntimeInfo) -> list[str | None]:
    return [runtime.name, runtime.version, runtime.tflite_version]


def _answers() -> IO[bytes]:
    """Return standard output for answers alone; what native code prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _say(answers: IO[bytes], **facts: Any) -> None:
    answers.write(answer_line(**facts).encode("ascii"))
    answers.flush()


def _end_with_the_parent() -> None:
    """End this process once the parent's end of standard input is closed, whatever it is doing.

    Without it, a process whose native code hangs would outlive a parent that was killed. (Linux
    would send a signal, but when the thread that started this process ends, not the process.)
    """
    if not hasattr(select, "poll"):  # Windows
        return
    hang_up = select.poll()
    hang_up.register(sys.stdin, 0)  # POLLHUP is reported unasked

    def watch() -> None:
        hang_up.poll()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _be_the_first_to_go() -> None:
    """Ask Linux to end this process, and no other, where a model asks for all of the memory."""
    with contextlib.suppress(OSError), open(_OOM_SCORE, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("1000")
