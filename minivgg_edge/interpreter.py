"""The one file here that imports a LiteRT-compatible runtime.

`ai_edge_litert` is preferred; `tflite_runtime` serves where LiteRT has no wheel (32-bit ARM). Only
`set_tensor`, `invoke` and `get_tensor` are used: they copy, so no view into native memory is kept.
"""

from __future__ import annotations

import operator
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from minivgg_edge.errors import ModelFileError, ModelVersionError, RuntimeUnavailableError
from minivgg_edge.manifest import Manifest
from minivgg_edge.record import Record
from minivgg_edge.tensors import TensorSpec, read_tensor_spec

if TYPE_CHECKING:
    import numpy.typing as npt

_MACHINE = os.uname().machine if hasattr(os, "uname") else ""  # Windows has none
_ARMV6 = "armv6l"

# What the import of an installed runtime raises: of its libraries, of a numpy that does not fit it,
# and of files that are missing or of two releases.
_BROKEN = (ImportError, OSError, SystemError, AttributeError, NameError)

_abandoned: list[object] = []  # see `Engine.abandon`
_MAX_THREADS = 256  # more is a mistake, and the native pool would really start them

# LiteRT's own version says nothing about TensorFlow Lite's operator versions; its library carries
# TF_VERSION_STRING, which is 2.22.0 in the wheels of ai-edge-litert 2.1.6, 2.2.0 and 2.3.0.
_LITERT_WITH_VERIFIER = (2, 1, 6)
_LITERT_TFLITE_VERSION = "2.22.0"


class RuntimeInfo(Record):
    """Which runtime answers: distribution name, its version, and the TensorFlow Lite version in it.

    `tflite_version` is None for a LiteRT release of which it is not known.
    """

    name: str
    version: str
    tflite_version: str | None


def runtime_info() -> RuntimeInfo:
    """Return the runtime that this machine offers.

    Raises:
        RuntimeUnavailableError: None can be imported; the message says why and what to install.
    """
    return _load_runtime()[0]


def _load_runtime() -> tuple[RuntimeInfo, ModuleType]:
    """Return the runtime and its module with the class `Interpreter`."""
    if _MACHINE == _ARMV6:
        from minivgg_edge.runtime_advice import NOTHING_FOR_ARMV6

        # Importing a wheel for a newer ARM here ends in an illegal instruction, not an exception.
        raise RuntimeUnavailableError(NOTHING_FOR_ARMV6)
    try:
        # Loaded when a model is, not before. Neither runtime has types, and rarely are both there.
        import ai_edge_litert  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from ai_edge_litert import interpreter  # type: ignore[import-not-found, import-untyped, unused-ignore]

        version = str(ai_edge_litert.__version__)
    except ModuleNotFoundError as error:
        if error.name != "ai_edge_litert":
            raise _broken("ai-edge-litert", error) from error
    except _BROKEN as error:
        raise _broken("ai-edge-litert", error) from error
    else:
        known = _numbers(version) >= _LITERT_WITH_VERIFIER
        tflite_version = _LITERT_TFLITE_VERSION if known else None
        return RuntimeInfo("ai-edge-litert", version, tflite_version), interpreter
    return _load_tflite_runtime()


def _load_tflite_runtime() -> tuple[RuntimeInfo, ModuleType]:
    try:
        import tflite_runtime  # type: ignore[import-not-found, import-untyped, unused-ignore]

        version = str(tflite_runtime.__version__)
    except ModuleNotFoundError:
        raise RuntimeUnavailableError(
            f"expected ai-edge-litert or tflite-runtime, got neither; {_install_advice()}"
        ) from None
    except _BROKEN as error:
        raise _broken("tflite-runtime", error) from error
    if int(np.__version__.split(".", 1)[0]) > 1 and _numbers(version) <= (2, 14, 0):
        raise RuntimeUnavailableError(
            f"tflite-runtime {version}: expected numpy below 2, got {np.__version__}; "
            'run `pip install "numpy<2"`'
        )
    try:
        from tflite_runtime import interpreter  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except _BROKEN as error:
        raise _broken("tflite-runtime", error) from error
    return RuntimeInfo("tflite-runtime", version, version), interpreter


def _install_advice() -> str:
    from minivgg_edge.runtime_advice import install_advice  # for messages, never for a start

    return install_advice()


def _broken(name: str, error: Exception) -> RuntimeUnavailableError:
    from minivgg_edge.runtime_advice import broken_runtime  # for messages, never for a start

    return RuntimeUnavailableError(broken_runtime(name, error))


def check_num_threads(num_threads: int) -> int:
    """Return `num_threads` as an int.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is not from 1 to 256.
    """
    number = operator.index(num_threads)
    if not 1 <= number <= _MAX_THREADS:
        raise ValueError(f"num_threads: expected 1 to {_MAX_THREADS}, got {number}")
    return number


def check_minimum_runtime(manifest: Manifest, runtime: RuntimeInfo, *, source: str) -> None:
    """Compare the runtime with what the manifest asks for.

    A runtime whose TensorFlow Lite version is not known passes: loading the model then fails if an
    operator is unknown to it.

    Raises:
        ModelVersionError: The runtime is too old.
    """
    minimum = manifest.runtime.minimum_runtime
    got = runtime.tflite_version
    if got is not None and _numbers(got) < _numbers(minimum):
        from minivgg_edge.runtime_advice import newer_advice  # for messages, never for a start

        raise ModelVersionError(
            f"{source!r}: expected a runtime with TensorFlow Lite {minimum} or newer, "
            f"got {runtime.name} {runtime.version}; {newer_advice(runtime.name)}"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; "2.5.0.post1" is (2, 5, 0)."""
    numbers = []
    for part in version.split("."):
        rest = part.lstrip("0123456789")  # not `re`: compiling a pattern costs a start more
        if rest == part:
            break
        numbers.append(int(part[: len(part) - len(rest)]))
        if rest:
            break
    return tuple(numbers)


class Engine:
    """An interpreter with one input (1, H, W, 3) and one output (1, classes). Not thread-safe.

    Attributes:
        input: The input tensor as the flatbuffer has it.
        output: The output tensor as the flatbuffer has it.
        runtime: The runtime that runs it.
    """

    __slots__ = (
        "_get_tensor",
        "_input_index",
        "_interpreter",
        "_invoke",
        "_output_index",
        "_set_tensor",
        "input",
        "output",
        "runtime",
    )

    def __init__(
        self, flatbuffer: bytes, *, num_threads: int = 1, source: str = "flatbuffer"
    ) -> None:
        """Load a flatbuffer, which has to be verified: native code crashes on a damaged one.

        Args:
            flatbuffer: A TFLite model.
            num_threads: Threads of the native kernels, 1 to 256.
            source: The model file's name for messages.

        Raises:
            RuntimeUnavailableError: There is no runtime.
            ModelVersionError: The runtime does not know an operator version of the model.
            ModelFileError: The runtime refuses the model for another reason, or the model has not
                exactly one input (1, H, W, 3) and one output (1, classes).
            TypeError: `num_threads` is not an integer.
            ValueError: `num_threads` is out of range.
        """
        threads = check_num_threads(num_threads)
        self.runtime, module = _load_runtime()
        try:
            interpreter: Any = module.Interpreter(model_content=flatbuffer, num_threads=threads)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            # The words of TFLite's op resolver for an operator version from the future.
            unknown_operator = "Didn't find op for builtin opcode" in str(error)
            kind = ModelVersionError if unknown_operator else ModelFileError
            reason = " ".join(str(error).split())  # the runtimes end lines where they like
            raise kind(
                f"{source!r}: expected a model that {self.runtime.name} {self.runtime.version} "
                f"can load, got: {reason}"
            ) from error
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self.input: TensorSpec = read_tensor_spec("input", inputs, source=source)
        self.output: TensorSpec = read_tensor_spec("output", outputs, source=source)
        self._input_index: int = inputs[0]["index"]
        self._output_index: int = outputs[0]["index"]
        # Bound once: three attribute look-ups fewer per picture. The reference to the interpreter
        # is also what `abandon` needs.
        self._interpreter = interpreter
        self._set_tensor = interpreter.set_tensor
        self._invoke = interpreter.invoke
        self._get_tensor = interpreter.get_tensor

    def run(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run the model on one picture.

        Args:
            picture: (H, W, 3) of the input's dtype, quantized if that is an integer type.

        Returns:
            (classes,) of the output's dtype, not dequantized; the caller's own copy.

        Raises:
            ValueError: `picture` has another dtype or shape.
        """
        self._set_tensor(self._input_index, picture[np.newaxis])
        self._invoke()
        output: npt.NDArray[Any] = self._get_tensor(self._output_index)
        picture_output: npt.NDArray[Any] = output[0]
        return picture_output

    def delegates(self) -> int | None:
        """Return how many parts of the graph a delegate runs, XNNPACK unless another was asked for.

        0 means that the runtime's plain kernels run all of it; None that it does not tell.
        """
        list_operators = getattr(self._interpreter, "_get_ops_details", None)
        if list_operators is None:  # not a documented function
            return None
        names = [operator_["op_name"] for operator_ in list_operators()]
        return names.count("DELEGATE")

    def abandon(self) -> None:
        """Keep the native interpreter from ever being destroyed; for the child after a fork.

        A fork copies no threads but the caller's. Destroying the interpreter in the child joins the
        threads of its pool, which are not there: LiteRT 2.3 crashes, tflite-runtime 2.14 hangs.
        The memory stays shared with the parent until one of the two writes to it.
        """
        try:
            import ctypes  # only a forked child needs it
        except ImportError:  # Python was built without libffi
            # Until the child's Python ends, which empties this list: children of
            # `multiprocessing` end without that.
            _abandoned.append(self._interpreter)
            return
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._interpreter))
