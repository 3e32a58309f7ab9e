"""Does a model answer on this machine as it did at the desk?

A build of a runtime for another processor, a broken decoder, a resampler of another version: such
faults show as a crash or, worse, as slightly other answers. So known pictures are resampled and
decoded, and the model's golden vectors are run, each in a child process: what crashes there is a
sentence here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minivgg_edge.catalog import load_model
from minivgg_edge.child_answers import parse_answers
from minivgg_edge.child_process import run_python
from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.golden_answers import differences, tolerance_of, wrong_answers
from minivgg_edge.interpreter import RuntimeInfo, check_minimum_runtime, check_num_threads
from minivgg_edge.tensors import check_tensor_specs
from minivgg_edge.trial import Trial, TrialError, try_model

if TYPE_CHECKING:
    from minivgg_edge.golden import GoldenVectors
    from minivgg_edge.model_file import ModelFile

_PICTURES = ("resampling", "decoding")
_PICTURE_CHILD = "from minivgg_edge.picture_check import main; main()"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: "resampling", "decoding", "runtime" or "answers".
        passed: Whether it went as expected.
        detail: What was found, as a sentence.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """What `self_test` found.

    Attributes:
        model: The model's name.
        source: The file it was read from.
        sha256: SHA-256 of that file, in lower-case hex.
        runtime: The runtime of this machine; None if it could not be imported.
        delegates: How many parts of the graph a delegate (XNNPACK) runs; 0 means that the runtime's
            plain kernels run all of it, None that it is not known.
        num_threads: Threads of the native kernels.
        vectors: How many golden vectors the model has.
        largest_difference: The farthest that an output was off; None if there were none. In
            quantization steps or, for a float32 model, in units of the largest expected output, but
            at least of 1.
        tolerance: How far outputs may be off, in the same unit; None if the model's manifest has no
            entry for this runtime: then only the best labels are compared.
        checks: All checks, in the order in which they were made.
        time_ms: What all of them took, in milliseconds.
    """

    model: str
    source: str
    sha256: str
    runtime: RuntimeInfo | None
    delegates: int | None
    num_threads: int
    vectors: int
    largest_difference: float | None
    tolerance: float | None
    checks: tuple[Check, ...]
    time_ms: float

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def self_test(
    model: str | os.PathLike[str] | None = None, *, num_threads: int = 1, timeout_s: float = 120.0
) -> SelfTestReport:
    """Try on this machine whether pictures and a model give what they gave at the desk.

    Right is, for every golden vector: the best class is the same (of equal outputs the first), and
    no output is farther off than the manifest's `tolerance_steps` for this runtime allow;
    tflite-runtime is always allowed 8 steps. A runtime without an entry is judged by the best
    classes alone, as is a model with a float32 output and integers inside; one of float32 alone has
    no steps and is judged by `golden_answers.FLOAT_TOLERANCE`.

    Args:
        model: As for `Classifier`.
        num_threads: Threads of the native kernels, 1 to 256.
        timeout_s: Seconds after which a child process is ended, above 0, at most a day; there are
            two, one after the other.

    Returns:
        The report. A runtime that is missing, crashes, hangs or refuses the model is a failed check
        and no exception.

    Raises:
        ModelNotFoundError: There is no such file or no installed model of this name.
        ModelFileError: The file is unreadable, damaged or not a compiled model.
        ModelVersionError: The file is made for another version of this package.
        TypeError: An argument has an unsupported type.
        ValueError: `num_threads` or `timeout_s` is out of range.
    """
    start = time.perf_counter()
    threads = check_num_threads(num_threads)
    file = load_model(model)
    golden = file.golden_vectors()
    checks = list(_check_pictures(timeout_s))
    runtime, trial, problem = _try(file, golden, num_threads=threads, timeout_s=timeout_s)
    tolerance = largest = delegates = None
    if trial is None:
        checks.append(Check("runtime", False, problem))
    else:
        delegates = trial.delegates
        tolerance = tolerance_of(file.manifest, trial.runtime)
        largest = float(differences(trial.outputs, golden.outputs).max())
        problems = wrong_answers(trial.outputs, golden.outputs, file.labels, tolerance=tolerance)
        unit = "" if golden.outputs.dtype == np.float32 else " steps"
        right = _how_right(len(golden.outputs), f"{largest:g}{unit}", tolerance)
        detail = "; ".join(problems) or right
        checks.append(Check("runtime", True, _how_it_ran(trial, threads)))
        checks.append(Check("answers", not problems, detail))
    return SelfTestReport(
        model=file.manifest.name,
        source=file.source,
        sha256=file.sha256,
        runtime=runtime,
        delegates=delegates,
        num_threads=threads,
        vectors=len(golden.outputs),
        largest_difference=largest,
        tolerance=tolerance,
        checks=tuple(checks),
        time_ms=1000 * (time.perf_counter() - start),
    )


def _try(
    file: ModelFile, golden: GoldenVectors, *, num_threads: int, timeout_s: float
) -> tuple[RuntimeInfo | None, Trial | None, str]:
    """Run the golden vectors: the runtime, what the model did, and what went wrong instead."""
    runtime = None
    try:
        trial = try_model(
            file.flatbuffer,
            golden.inputs.astype(np.uint8),
            source=file.source,
            num_threads=num_threads,
            timeout_s=timeout_s,
        )
        runtime = trial.runtime
        check_minimum_runtime(file.manifest, runtime, source=file.source)
        check_tensor_specs(file.manifest, trial.input, trial.output, source=file.source)
    except TrialError as error:
        return error.runtime, None, str(error)
    except MinivggEdgeError as error:
        return runtime, None, str(error)
    return runtime, trial, ""


def _check_pictures(timeout_s: float) -> Iterator[Check]:
    try:
        run = run_python(_PICTURE_CHILD, timeout_s=timeout_s)
    except OSError as error:
        yield Check(_PICTURES[0], False, f"no child process can be started: {error}")
        return
    said = parse_answers(run.stdout)
    for check in said:
        yield Check(
            check["name"], not check["problems"], "; ".join(check["problems"]) or check["sentence"]
        )
    problem = run.problem
    if problem is None and len(said) < len(_PICTURES):
        problem = "ended without an answer"
    if problem is not None:  # in the check that did not get to say anything
        name = _PICTURES[min(len(said), len(_PICTURES) - 1)]
        yield Check(name, False, f"the child process {problem}")


def _how_it_ran(trial: Trial, num_threads: int) -> str:
    if trial.delegates is None:
        kernels = "kernels not known"
    elif trial.delegates == 0:
        kernels = "the runtime's own kernels, no delegate"
    else:
        kernels = f"XNNPACK for {trial.delegates} part{'s'[: trial.delegates > 1]} of the graph"
    threads = "1 thread" if num_threads == 1 else f"{num_threads} threads"
    return f"{trial.runtime.name} {trial.runtime.version}, {kernels}, {threads}"


def _how_right(vectors: int, largest: str, tolerance: float | None) -> str:
    labels = f"{vectors} golden vectors: the same labels"
    if tolerance is None:
        return f"{labels}; outputs up to {largest} off, the model states no tolerance here"
    return f"{labels}, outputs at most {largest} off, {tolerance:g} allowed"
