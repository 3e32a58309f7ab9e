"""An engine whose native code runs in a process of its own, for models that nobody has verified.

A damaged model may run in one process and crash the next, as memory happens to lie: trying it out
beforehand is not enough. Here a crash, at whichever picture, is an exception. The price is a second
process, and some 0.1 ms per picture for the way there and back.
"""

from __future__ import annotations

import json
import select
import subprocess
import weakref
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from minivgg_edge import errors
from minivgg_edge.child_answers import parse_answer
from minivgg_edge.child_process import how_it_ended, python_command
from minivgg_edge.errors import ModelFileError, RuntimeUnavailableError
from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.trial import tensor_spec

if TYPE_CHECKING:
    import numpy.typing as npt

    from minivgg_edge.tensors import TensorSpec

_CHILD = "from minivgg_edge.trial_child import serve; serve()"
_TIMEOUT_S = 120.0
_ENDING_S = 5.0
_CHUNK_BYTES = 1 << 16
# A pipe that is ready takes so much without waiting: PIPE_BUF of POSIX, the least of all systems.
_PIPE_BYTES = 512 if not hasattr(select, "PIPE_BUF") else select.PIPE_BUF

_Process = subprocess.Popen[bytes]


class _HangsError(Exception):
    """The child neither takes nor says anything, nor does it end."""


class ChildEngine:
    """What `interpreter.Engine` is, in a child process. Not thread-safe.

    A child that crashed or was interrupted is started anew for the next picture. It ends with this
    object, and with this process in whichever way that ends, even while it hangs at a picture.

    Attributes:
        input: The input tensor.
        output: The output tensor.
        runtime: The runtime that runs it.
    """

    def __init__(
        self, flatbuffer: bytes, *, num_threads: int = 1, source: str = "flatbuffer"
    ) -> None:
        """Load a flatbuffer, which may be damaged.

        Args:
            flatbuffer: A TFLite model.
            num_threads: Threads of the native kernels, 1 to 256.
            source: The model file's name for messages.

        Raises:
            RuntimeUnavailableError: There is no runtime, or no process can be started.
            ModelVersionError: The runtime does not know an operator version of the model.
            ModelFileError: The runtime crashes, hangs or refuses the model, or the model has not
                the tensors of a classifier.
        """
        self._source = source
        header = {
            "source": source,
            "num_threads": num_threads,
            "flatbuffer_bytes": len(flatbuffer),
        }
        self._model = json.dumps(header).encode("ascii") + b"\n" + flatbuffer
        self._process: _Process | None = None
        self._finalizer: weakref.finalize[[_Process], ChildEngine] | None = None
        said = self._start()
        self.runtime = RuntimeInfo(*said["runtime"])
        self.input: TensorSpec = tensor_spec(said["input"])
        self.output: TensorSpec = tensor_spec(said["output"])

    def run(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run the model on one picture; see `interpreter.Engine.run`.

        Raises:
            ModelFileError: The child crashed or hung.
            RuntimeUnavailableError: It had ended, and no other can be started.
            ValueError: `picture` has another dtype or shape.
        """
        if picture.shape != self.input.shape[1:] or picture.dtype != self.input.dtype:
            raise ValueError(
                f"picture: expected {self.input.dtype} {self.input.shape[1:]}, "
                f"got {picture.dtype} {picture.shape}"
            )
        if self._process is None:
            self._start()
        output: npt.NDArray[Any] = np.empty(self.output.shape[1], self.output.dtype)
        answer = self._ask(np.ascontiguousarray(picture).tobytes(), output.nbytes)
        output[:] = np.frombuffer(answer, output.dtype)
        return output

    def abandon(self) -> None:
        """Leave the child process to the parent of a fork; for the child of the fork."""
        process = self._process
        if process is None or self._finalizer is None:
            return
        self._finalizer.detach()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.returncode = 0  # no child of this process, so there is nothing to wait for
        self._process = None

    def _start(self) -> dict[str, Any]:
        try:
            process = subprocess.Popen(  # noqa: S603
                python_command(_CHILD),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # what a terminal's Ctrl-C ends is the caller's business
            )
        except OSError as error:
            raise RuntimeUnavailableError(
                f"no child process can be started: {error.strerror or error}"
            ) from error
        self._process = process
        self._finalizer = weakref.finalize(self, _end, process)
        said = parse_answer(self._ask(self._model, None).decode("utf-8", "replace"))
        while said is None:  # a line of code that ran before ours
            said = parse_answer(self._ask(b"", None).decode("utf-8", "replace"))
        if "error" in said:
            self._stop()
            kind: type[errors.MinivggEdgeError] = getattr(errors, said["error"])
            raise kind(said["message"])
        return said

    def _ask(self, question: bytes, size_bytes: int | None) -> bytes:
        """Send bytes and return the answer: as many bytes, or with None a line."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise AssertionError("expected a running child process with pipes")
        answer = bytearray()
        try:
            view = memoryview(question)
            while view:  # without a buffer, as much as the pipe takes
                if not _is_ready(process.stdin, writing=True):
                    raise _HangsError
                view = view[process.stdin.write(view[:_PIPE_BYTES]) :]
            while answer[-1:] != b"\n" if size_bytes is None else len(answer) < size_bytes:
                if not _is_ready(process.stdout):
                    raise _HangsError
                missing = 1 if size_bytes is None else size_bytes - len(answer)
                part = process.stdout.read(min(missing, _CHUNK_BYTES))
                if not part:
                    problem = _how_it_ended(process)
                    break
                answer += part
            else:
                return bytes(answer)
        except _HangsError:
            problem = f"gave no answer within {_TIMEOUT_S:g} s"
        except BrokenPipeError:
            problem = _how_it_ended(process)
        except BaseException:
            # Interrupted: the answer that is still to come belongs to no later picture.
            self._stop()
            raise
        self._stop()
        raise ModelFileError(
            f"{self._source!r}: expected a sound model, got: the child process that runs it "
            f"{problem}"
        )

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = None


def _how_it_ended(process: _Process) -> str:
    """Say how a process ended that has closed its pipe, which only its end should do."""
    try:
        return how_it_ended(process.wait(_ENDING_S))
    except subprocess.TimeoutExpired:
        return "closed its pipe, and did not end"


def _is_ready(pipe: IO[bytes], *, writing: bool = False) -> bool:
    """Wait for the child to say something or to take something, or to end; False if it does not.

    Raises:
        BrokenPipeError: The child takes nothing any more. Writing would say so too, but end a
            process that has given SIGPIPE its default back, as programs behind a `|` do.
    """
    if not hasattr(select, "poll"):  # Windows waits without a limit
        return True
    poll = select.poll()
    poll.register(pipe, select.POLLOUT if writing else select.POLLIN)
    events = poll.poll(1000 * _TIMEOUT_S)
    if writing and any(event & select.POLLERR for _, event in events):
        raise BrokenPipeError
    return bool(events)


def _end(process: _Process) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()
